/// PLAYS: the decisions of core under virtual time. So far its engines, alone: the country is to
/// come.
@NullMarked
package org.aigrid.twin;

import org.jspecify.annotations.NullMarked;
