package org.aigrid.core.unit;

/// Keeps numbers that a client supplied inside bounds that we chose.
///
/// A client's deadline, priority or token count is a wish, never an argument of arithmetic that
/// could overflow and jump a queue (llm-d #1917). Pure functions, a nanosecond each.
public final class Clamp {
  private Clamp() {}

  /// `value` inside `[least, most]`.
  public static int toInt(long value, int least, int most) {
    return (int) Math.max(least, Math.min(most, value));
  }

  /// `value` inside `[least, most]`; not-a-number becomes `least`.
  public static double toRange(double value, double least, double most) {
    return value >= least ? Math.min(value, most) : least;
  }
}
