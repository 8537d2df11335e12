package org.aigrid.twin.burst;

import java.util.function.DoubleFunction;

/// Finds the largest load that meets a target, by bisection: what an operator does who adds load
/// until the bound breaks. Pure. The answer is right to 1/4096 of the range where more load is
/// never better; where chance makes it so within a seed, it is one of the edges.
public final class LoadSearch {
  /// Plays of one search.
  static final int PLAYS = 12;

  private LoadSearch() {}

  /// What was found.
  ///
  /// @param perSecond the largest load that met the target; 0 when none did
  /// @param goodput there, tokens per second
  public record Found(double perSecond, double goodput) {}

  /// @param play of a load in requests per second
  /// @param metLeast the target
  /// @param impossible a load that cannot meet it
  static Found largest(DoubleFunction<BurstPlay.Point> play, double metLeast, double impossible) {
    double low = 0;
    double high = impossible;
    double goodput = 0;
    for (int i = 0; i < PLAYS; i++) {
      double middle = (low + high) / 2;
      BurstPlay.Point point = play.apply(middle);
      if (point.met() >= metLeast) {
        low = middle;
        goodput = point.goodput();
      } else {
        high = middle;
      }
    }
    return new Found(low, goodput);
  }
}
