package org.aigrid.twin.demand;

import java.util.Collections;
import java.util.List;

/// How a quantity goes through the day: 24 values for the middles of the hours, linear between
/// them, scaled to a mean of 1. Immutable.
public final class DayShape {
  /// The same all day.
  public static final DayShape FLAT = new DayShape(Collections.nCopies(24, 1.0));

  private static final double HOUR_MS = 3_600_000;

  private final double[] hours;

  /// @param hours 24 values, 0 or more, not all 0
  public DayShape(List<Double> hours) {
    double sum = hours.stream().mapToDouble(Double::doubleValue).sum();
    if (hours.size() != 24 || !(sum > 0) || hours.stream().anyMatch(h -> !(h >= 0))) {
      throw new IllegalArgumentException(
          "day of "
              + hours.size()
              + " values with sum "
              + sum
              + " (expected: 24 values, 0 or more, one above 0)");
    }
    this.hours = hours.stream().mapToDouble(h -> h * 24 / sum).toArray();
  }

  /// The value at a time since midnight; days repeat.
  public double at(double sinceMidnightMs) {
    double hour = sinceMidnightMs / HOUR_MS - 0.5;
    int before = (int) Math.floor(hour);
    double beyond = hour - before;
    return hours[Math.floorMod(before, 24)] * (1 - beyond)
        + hours[Math.floorMod(before + 1, 24)] * beyond;
  }
}
