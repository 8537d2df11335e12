package org.aigrid.bench.gateway;

import org.aigrid.bench.load.LoadResult;

/// What one arm did in one round of one table. Immutable.
///
/// @param perSecond requests or streams per second
/// @param cpuMicros the arm's own CPU time per request or stream; 0 for the direct arm
/// @param rssBytes the arm's resident memory after the round
/// @param errors of both generators
/// @param load what the latency generator saw
record Sample(double perSecond, double cpuMicros, long rssBytes, long errors, LoadResult load) {}
