/// PLAYS: the decisions of core in a simulated country, under virtual time. Holds no code yet.
@NullMarked
package org.aigrid.twin;

import org.jspecify.annotations.NullMarked;
