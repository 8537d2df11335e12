/// The load: a closed-loop HTTP/1.1 generator in its own process, the same for every arm, that
/// records latency, time to first frame and gaps between frames in HdrHistograms.
@NullMarked
package org.aigrid.bench.load;

import org.jspecify.annotations.NullMarked;
