/// Virtual time: ticks of a microsecond, and the queue of what happens next.
@NullMarked
package org.aigrid.twin.time;

import org.jspecify.annotations.NullMarked;
