/// Small made-up worlds in which things go wrong, one for each seed: what must never happen is
/// looked for in thousands of them.
@NullMarked
package org.aigrid.twin.worlds;

import org.jspecify.annotations.NullMarked;
