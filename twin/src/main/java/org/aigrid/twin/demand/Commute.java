package org.aigrid.twin.demand;

import java.util.List;

/// Which share of people is where they work rather than where they live, hour by hour: 24 values
/// for the middles of the hours, linear between. Immutable.
public final class Commute {
  /// A working day: a planning assumption, not a measurement.
  public static final Commute WORKING_DAY =
      new Commute(
          List.of(
              0.03, 0.02, 0.02, 0.02, 0.03, 0.06, 0.18, 0.42, 0.66, 0.74, 0.76, 0.76, 0.76, 0.76,
              0.75, 0.73, 0.70, 0.62, 0.48, 0.36, 0.26, 0.17, 0.09, 0.05));

  private final double[] hours;

  /// @param hours 24 shares, 0 to 1
  public Commute(List<Double> hours) {
    if (hours.size() != 24 || hours.stream().anyMatch(h -> !(h >= 0 && h <= 1))) {
      throw new IllegalArgumentException(
          "commute of " + hours.size() + " values (expected: 24 shares, 0 to 1)");
    }
    this.hours = hours.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /// The share at work at a time since midnight.
  public double atWork(double sinceMidnightMs) {
    double hour = sinceMidnightMs / 3_600_000 - 0.5;
    int before = (int) Math.floor(hour);
    double beyond = hour - before;
    return hours[Math.floorMod(before, 24)] * (1 - beyond)
        + hours[Math.floorMod(before + 1, 24)] * beyond;
  }
}
