/// The command line, and the whole grid in one process.
@NullMarked
package org.aigrid.live.up;

import org.jspecify.annotations.NullMarked;
