package org.aigrid.twin.burst;

import java.util.List;

/// What of the experiment is played. Immutable.
///
/// @param roundTripsMs to the centre, rising
/// @param seeds each figure is played with so many, 1 or more
/// @param firstSeed and those that follow it
/// @param baselinePerSecond requests at the baseline; 0 for the largest at which the pooled sites
///   still stand the burst
public record BurstPlan(
    List<Double> roundTripsMs, int seeds, long firstSeed, double baselinePerSecond) {
  private static final double ROUND_TRIP_MS_MAX = 10_000;

  /// As the documents have it.
  public static final List<Double> ROUND_TRIPS_MS =
      List.of(
          0.0, 20.0, 50.0, 100.0, 200.0, 250.0, 300.0, 350.0, 400.0, 420.0, 440.0, 460.0, 480.0);

  public BurstPlan {
    roundTripsMs = List.copyOf(roundTripsMs);
    if (roundTripsMs.isEmpty()
        || roundTripsMs.stream().anyMatch(ms -> !(ms >= 0 && ms <= ROUND_TRIP_MS_MAX))
        || !roundTripsMs.equals(roundTripsMs.stream().distinct().sorted().toList())) {
      throw new IllegalArgumentException(
          "round trips " + roundTripsMs + " (expected: one or more, rising, 0 to 10000 ms)");
    }
    if (seeds < 1 || seeds > 1_000) {
      throw new IllegalArgumentException("seeds: " + seeds + " (expected: 1 to 1000)");
    }
    BurstSettings.require(
        baselinePerSecond >= 0 && baselinePerSecond <= 1e6,
        "baselinePerSecond",
        baselinePerSecond,
        "0 to 1e6");
  }

  /// Plays in all: known before the first.
  public int plays() {
    int setups = 0;
    for (Arm arm : Arm.values()) {
      setups += arm.central() ? roundTripsMs.size() : 1;
    }
    return setups * seeds * (LoadSearch.PLAYS + LoadLevel.LADDER.size());
  }
}
