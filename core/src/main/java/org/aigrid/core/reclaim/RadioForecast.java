package org.aigrid.core.reclaim;

/// What the radio of one site will want of its GPU within the next moments, with its uncertainty:
/// level and spread of what it wanted lately, and the last peak, forgotten slowly. Radio cells are
/// mostly idle with rare, steep excursions, so a mean says little: what is held back is the upper
/// bound.
///
/// Immutable; samples may come at any pace, weights go by the time between them. A sample costs
/// some 50 ns and allocates the next forecast.
///
/// @param atMs time of the last sample
/// @param level share of the GPU, 0 to 1, over the last seconds
/// @param variance around the level, over the last half minute
/// @param peak highest demand, let down towards the level over half a minute
public record RadioForecast(long atMs, double level, double variance, double peak) {
  /// Before the first sample the radio is taken to want everything.
  public static final RadioForecast UNKNOWN = new RadioForecast(Long.MIN_VALUE, 1, 0, 1);

  private static final double LEVEL_MS = 2_000;
  private static final double SPREAD_MS = 30_000;
  private static final double PEAK_MS = 30_000;

  /// The forecast after another sample.
  ///
  /// @param demand share of the GPU that the radio wants, clamped to 0 to 1
  public RadioForecast with(double demand, long nowMs) {
    double share = Math.clamp(demand, 0, 1);
    if (atMs == Long.MIN_VALUE) {
      return new RadioForecast(nowMs, share, 0, share);
    }
    double passedMs = Math.max(0, nowMs - atMs);
    double off = share - level;
    double newLevel = level + weight(passedMs, LEVEL_MS) * off;
    double newVariance = variance + weight(passedMs, SPREAD_MS) * (off * off - variance);
    double lowered = peak + weight(passedMs, PEAK_MS) * (newLevel - peak);
    return new RadioForecast(nowMs, newLevel, newVariance, Math.max(share, lowered));
  }

  private static double weight(double passedMs, double forgetMs) {
    return -Math.expm1(-passedMs / forgetMs);
  }

  /// What the radio will hardly exceed: so many deviations above its level, but no more than it
  /// wanted at its last peak, which is let down more slowly than the level follows.
  ///
  /// @param deviations the more, the surer and the dearer
  public double upper(double deviations) {
    return atMs == Long.MIN_VALUE
        ? 1
        : Math.min(peak, Math.min(1, level + deviations * Math.sqrt(variance)));
  }
}
