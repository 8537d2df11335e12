/// Sends a trace through a running grid, open-loop, and says how long the answers took. Starting
/// point: `Replay`.
@NullMarked
package org.aigrid.live.replay;

import org.jspecify.annotations.NullMarked;
