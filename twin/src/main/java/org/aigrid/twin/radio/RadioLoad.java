package org.aigrid.twin.radio;

import org.aigrid.twin.demand.DayShape;

/// How much of its GPU a base station's radio takes: a low mean with a shape over the day, swings
/// over minutes, and rare steep excursions, as measured cells have them.
///
/// `share = mean x cell x day(hour) x exp(swing z - swing^2 / 2)`, where `cell` is log-normal with
/// mean 1 and z is a standard normal that is drawn anew every `correlationMs` and linear between.
/// In a share of these spans there is an excursion, up to the whole GPU. What events add comes on
/// top.
///
/// A function of cell and time alone: the draws are hashes of cell and span under the seed, so it
/// can be asked at any time, in any order, by any thread. Immutable; some 60 ns a call.
public final class RadioLoad {
  /// What it is made of.
  ///
  /// @param meanShare of the GPU, over the day and all cells, without excursions
  /// @param cellSpread standard deviation of the logarithm between cells
  /// @param swing standard deviation of the logarithm over time
  /// @param correlationMs span between two draws
  /// @param excursionShare share of the spans with an excursion
  /// @param day where people live
  /// @param businessDay where people work
  public record Settings(
      double meanShare,
      double cellSpread,
      double swing,
      double correlationMs,
      double excursionShare,
      DayShape day,
      DayShape businessDay) {
    /// The radio takes nothing.
    public static final Settings NONE =
        new Settings(0, 0, 0, 300_000, 0, DayShape.FLAT, DayShape.FLAT);

    public Settings {
      if (!(meanShare >= 0
          && meanShare < 1
          && cellSpread >= 0
          && cellSpread <= 3
          && swing >= 0
          && swing <= 3
          && correlationMs >= 1_000
          && excursionShare >= 0
          && excursionShare <= 1)) {
        throw new IllegalArgumentException(
            "radio: mean share "
                + meanShare
                + ", cell spread "
                + cellSpread
                + ", swing "
                + swing
                + ", correlation "
                + correlationMs
                + " ms, excursion share "
                + excursionShare
                + " (expected: 0 to 1, 0 to 3, 0 to 3, 1 s or more, 0 to 1)");
      }
    }
  }

  private static final double EXCURSION_LEAST = 0.5;

  private final Settings settings;
  private final long seed;

  public RadioLoad(Settings settings, long seed) {
    this.settings = settings;
    this.seed = mix(seed);
  }

  /// Share of the GPU that the radio of `cell` takes, 0 to 1.
  ///
  /// @param business share of the cell's people that work there rather than live there
  /// @param sinceMidnightMs since the midnight before the play
  /// @param added by events
  public double share(int cell, double business, double sinceMidnightMs, double added) {
    if (settings.meanShare() == 0) {
      return Math.min(1, added);
    }
    double spans = sinceMidnightMs / settings.correlationMs();
    long span = (long) spans;
    double beyond = spans - span;
    long own = hash(cell, -1);
    long now = hash(cell, span);
    double z = (gaussian(now) * (1 - beyond) + gaussian(hash(cell, span + 1)) * beyond);
    z /= Math.sqrt(beyond * beyond + (1 - beyond) * (1 - beyond)); // between draws it varies less
    double spread = settings.cellSpread();
    double swing = settings.swing();
    double day =
        settings.day().at(sinceMidnightMs) * (1 - business)
            + settings.businessDay().at(sinceMidnightMs) * business;
    double share =
        settings.meanShare()
            * day
            * Math.exp(
                spread * gaussian(own) - spread * spread / 2 + swing * z - swing * swing / 2);
    if (settings.excursionShare() > 0) {
      long excursion = mix(now);
      if (unit(excursion) < settings.excursionShare()) {
        share = Math.max(share, EXCURSION_LEAST + (1 - EXCURSION_LEAST) * unit(mix(excursion)));
      }
    }
    return Math.min(1, share + added);
  }

  private long hash(int cell, long span) {
    return mix(seed + cell * 0x9E3779B97F4A7C15L + span * 0xD1B54A32D192ED03L);
  }

  /// The finalizer of SplitMix64.
  private static long mix(long value) {
    long z = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  private static double unit(long hash) {
    return (hash >>> 11) * 0x1.0p-53;
  }

  /// A standard normal, nearly: the sum of four uniform numbers, scaled; within 3.5 deviations.
  private static double gaussian(long hash) {
    long sum = (hash & 0xFFFF) + (hash >>> 16 & 0xFFFF) + (hash >>> 32 & 0xFFFF) + (hash >>> 48);
    return (sum / 65_536.0 - 2 + 2.0 / 65_536) * Math.sqrt(3);
  }
}
