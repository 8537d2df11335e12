/// Where the grid itself may call: one rule for every address that a file, an option or an API
/// gives it.
@NullMarked
package org.aigrid.live.outbound;

import org.jspecify.annotations.NullMarked;
