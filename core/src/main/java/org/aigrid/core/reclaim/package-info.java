/// What AI has to give back to the radio: how much, whose work, and in how small pieces it may run.
@NullMarked
package org.aigrid.core.reclaim;

import org.jspecify.annotations.NullMarked;
