/// Exercises a running grid: kills and revives sites, surges the radio, cuts heartbeats under load,
/// and says what the clients saw.
@NullMarked
package org.aigrid.live.drill;

import org.jspecify.annotations.NullMarked;
