package org.aigrid.bench.gateway;

import java.util.Arrays;
import java.util.Locale;

/// The middle of some rounds and how far they lie apart. Immutable.
///
/// @param median of an even number of rounds, the mean of the middle two
/// @param least of all rounds
/// @param most of all rounds
record Spread(double median, double least, double most) {
  static Spread of(double[] rounds) {
    if (rounds.length == 0) {
      throw new IllegalArgumentException("spread of no rounds (expected: 1 or more)");
    }
    double[] sorted = rounds.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    double median = sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return new Spread(median, sorted[0], sorted[sorted.length - 1]);
  }

  /// `median (least to most)` without fractions.
  String text() {
    return String.format(Locale.ROOT, "%,.0f (%,.0f to %,.0f)", median, least, most);
  }
}
