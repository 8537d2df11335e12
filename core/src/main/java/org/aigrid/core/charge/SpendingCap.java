package org.aigrid.core.charge;

/// The most that a project may spend of its tenant's money. Permission, not money: it is moved
/// between no accounts, and a tenant may give its projects more than it has. Immutable.
///
/// @param micros in micro-units of the grid's currency; 0: nothing
/// @param per over which time
public record SpendingCap(long micros, Per per) {
  /// Over which time a cap counts.
  public enum Per {
    /// A month in UTC; a request counts in the month in which it began.
    MONTH,
    /// For ever.
    TOTAL
  }

  /// The largest cap.
  public static final long MICROS_MAX = 1_000_000_000_000_000_000L;

  public SpendingCap {
    if (micros < 0 || micros > MICROS_MAX) {
      throw new IllegalArgumentException(
          "budget of " + micros + " micros (expected: 0 to " + MICROS_MAX + ")");
    }
  }

  /// What a gateway may be given now.
  ///
  /// @param spentMicros what the books have charged the project in this time
  /// @param heldMicros what gateways have been given and the books have not seen spent
  /// @param wantMicros what is asked for
  public long grant(long spentMicros, long heldMicros, long wantMicros) {
    long left = Math.max(0, micros - Math.min(micros, spentMicros));
    return Math.clamp(left - Math.min(left, heldMicros), 0, Math.max(0, wantMicros));
  }
}
