/// Measures how long the grid takes from its launcher's start to its first answered request.
@NullMarked
package org.aigrid.bench.start;

import org.jspecify.annotations.NullMarked;
