package org.aigrid.twin.burst;

import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// The sites beside the centre under the same kind of choice: what the round trip makes of their
/// ratio. Immutable.
///
/// @param key for programs
/// @param title for people
/// @param sites the one row of the sites
/// @param centre rows by rising round trip
public record Pair(String key, String title, Burst.Row sites, List<Burst.Row> centre) {
  /// What counts as a gain: the intervals of five seeds are some 2 % to each side.
  public static final double GAIN_LEAST = 1.05;

  public Pair {
    centre = List.copyOf(centre);
  }

  /// Both pairs: without core's router, and with it, where nothing but the network differs.
  public static List<Pair> of(Burst.Result result) {
    return List.of(
        new Pair(
            "plain",
            "each site alone over one place with a plain balancer",
            result.of(Arm.SITES_ALONE).getFirst(),
            result.of(Arm.CENTRE)),
        new Pair(
            "routed",
            "core's router in both: pooled sites over one place",
            result.of(Arm.SITES_POOLED).getFirst(),
            result.of(Arm.CENTRE_ROUTED)));
  }

  /// Sites over centre in the largest load within the bounds; infinite where the centre has none.
  public double loadRatio(int i) {
    return ratio(centre.get(i), row -> row.largestPerSecond().mean());
  }

  /// Sites over centre in goodput at a level of the ladder.
  public double goodputRatio(int i, int level) {
    return ratio(centre.get(i), row -> row.goodput(level).mean());
  }

  private double ratio(Burst.Row row, ToDoubleFunction<Burst.Row> of) {
    double above = of.applyAsDouble(sites);
    double below = of.applyAsDouble(row);
    return below > 0 ? above / below : above > 0 ? Double.POSITIVE_INFINITY : 1;
  }

  /// The round trip from which on the sites' largest load is at least so many times the centre's.
  public Crossing loadCrossing(double ratio) {
    return crossing(ratio, row -> row.largestPerSecond().mean());
  }

  /// The same for the goodput at a level of the ladder.
  public Crossing goodputCrossing(double ratio, int level) {
    return crossing(ratio, row -> row.goodput(level).mean());
  }

  /// Where a ratio is reached for good.
  ///
  /// @param afterMs the last round trip of the sweep at which it was not; null: reached at the
  ///   first
  /// @param atMs interpolated; null: not reached in the sweep
  public record Crossing(@Nullable Double afterMs, @Nullable Double atMs) {}

  private Crossing crossing(double ratio, ToDoubleFunction<Burst.Row> of) {
    double wanted = of.applyAsDouble(sites) / ratio; // the centre's figure at the crossing
    for (int i = centre.size() - 1; i >= 0; i--) {
      double here = of.applyAsDouble(centre.get(i));
      if (here <= wanted) {
        continue;
      }
      double hereMs = centre.get(i).roundTripMs();
      if (i == centre.size() - 1) {
        return new Crossing(hereMs, null);
      }
      double next = of.applyAsDouble(centre.get(i + 1));
      double span = centre.get(i + 1).roundTripMs() - hereMs;
      return new Crossing(hereMs, hereMs + span * (here - wanted) / (here - next));
    }
    return new Crossing(null, centre.getFirst().roundTripMs());
  }
}
