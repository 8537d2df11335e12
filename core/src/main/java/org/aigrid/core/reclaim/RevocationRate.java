package org.aigrid.core.reclaim;

/// How often a sequence at a site is revoked for the radio: revocations over the time that
/// sequences ran, the last hours weighing most. Its inverse is the expected stay. Immutable.
///
/// @param revoked sequences, forgotten with time
/// @param sequenceHours that sequences ran, forgotten with time
public record RevocationRate(double revoked, double sequenceHours) {
  /// Before anything is known: one in ten hours of running, as a tenth of an hour's experience.
  public static final RevocationRate UNKNOWN = new RevocationRate(0.01, 0.1);

  private static final double FORGET_MS = 3 * 3_600_000.0;

  /// After some more time.
  ///
  /// @param newlyRevoked in that time
  /// @param sequences that ran, on average
  public RevocationRate with(int newlyRevoked, double sequences, double passedMs) {
    double keep = Math.exp(-passedMs / FORGET_MS);
    return new RevocationRate(
        UNKNOWN.revoked + (revoked - UNKNOWN.revoked) * keep + newlyRevoked,
        UNKNOWN.sequenceHours
            + (sequenceHours - UNKNOWN.sequenceHours) * keep
            + sequences * passedMs / 3_600_000);
  }

  /// Revocations an hour of running.
  public double perHour() {
    return revoked / sequenceHours;
  }
}
