/// PLAYS: the decisions of core under virtual time. This package is its command line.
@NullMarked
package org.aigrid.twin;

import org.jspecify.annotations.NullMarked;
