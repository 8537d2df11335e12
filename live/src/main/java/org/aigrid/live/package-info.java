/// Where the program starts.
@NullMarked
package org.aigrid.live;

import org.jspecify.annotations.NullMarked;
