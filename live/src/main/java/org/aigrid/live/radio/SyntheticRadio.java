package org.aigrid.live.radio;

import java.util.SplittableRandom;

/// A made-up radio: a level that wanders slowly, and bursts of heavy-tailed length that take most
/// of the GPU at once, as measured cells have them. Deterministic by its seed and the times at
/// which it is asked. One thread.
public final class SyntheticRadio implements RadioLoad {
  private static final double LEVEL_DEVIATION = 0.5; // of its logarithm
  private static final double LEVEL_FORGET_MS = 20_000;
  private static final double BURST_MS_MEDIAN = 400;
  private static final double BURST_DEVIATION = 1; // of its logarithm
  private static final double BURST_LEAST = 0.5;

  private final double meanShare;
  private final double burstEveryMs;
  private final SplittableRandom random;
  private long lastMs = Long.MIN_VALUE;
  private double level;
  private double burst;
  private long burstEndMs = Long.MIN_VALUE;
  private long nextBurstMs;

  /// @param meanShare of the GPU outside bursts, about
  /// @param burstEveryS mean pause between two bursts; infinite for none
  public SyntheticRadio(double meanShare, double burstEveryS, long seed) {
    if (!(meanShare >= 0 && meanShare <= 1) || !(burstEveryS > 0)) {
      throw new IllegalArgumentException(
          "synthetic radio: mean "
              + meanShare
              + ", burstEveryS "
              + burstEveryS
              + " (expected: 0 to 1, above 0)");
    }
    this.meanShare = meanShare;
    burstEveryMs = 1_000 * burstEveryS;
    random = new SplittableRandom(seed);
  }

  @Override
  public double demand(long nowMs) {
    if (lastMs == Long.MIN_VALUE) {
      lastMs = nowMs;
      nextBurstMs = nowMs + gapMs();
    }
    double keep = Math.exp(-(nowMs - lastMs) / LEVEL_FORGET_MS);
    level = keep * level + LEVEL_DEVIATION * Math.sqrt(1 - keep * keep) * random.nextGaussian();
    lastMs = nowMs;
    if (nowMs >= nextBurstMs) {
      double ms = BURST_MS_MEDIAN * Math.exp(BURST_DEVIATION * random.nextGaussian());
      burstEndMs = nowMs + (long) ms;
      burst = random.nextDouble(BURST_LEAST, 1);
      nextBurstMs = burstEndMs + gapMs();
    }
    double quiet = meanShare * Math.exp(level - LEVEL_DEVIATION * LEVEL_DEVIATION / 2);
    return Math.clamp(nowMs < burstEndMs ? Math.max(quiet, burst) : quiet, 0, 1);
  }

  private long gapMs() {
    return Double.isInfinite(burstEveryMs)
        ? Long.MAX_VALUE / 4
        : 1 + (long) (burstEveryMs * random.nextExponential());
  }
}
