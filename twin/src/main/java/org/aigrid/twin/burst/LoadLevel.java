package org.aigrid.twin.burst;

import java.util.List;

/// A rung of the ladder: a percentile of how many requests come at a time, as a multiple of the
/// median. The distribution is lognormal, with its 99th percentile where the published burst lies.
///
/// @param name P50, P75, ...
/// @param factor over the median
public record LoadLevel(String name, double factor) {
  private static final double Z99 = 2.3263;
  private static final double SIGMA = Math.log(Published.BURST_FACTOR) / Z99;

  /// From the baseline, P50, over the burst, P99, to one beyond what anybody sized for.
  public static final List<LoadLevel> LADDER =
      List.of(
          of("P50", 0),
          of("P75", 0.6745),
          of("P90", 1.2816),
          of("P95", 1.6449),
          of("P99", Z99),
          of("P99.9", 3.0902));

  /// Index of the baseline.
  public static final int BASELINE = 0;

  /// Index of the burst.
  public static final int BURST = 4;

  private static LoadLevel of(String name, double z) {
    return new LoadLevel(name, Math.exp(SIGMA * z));
  }
}
