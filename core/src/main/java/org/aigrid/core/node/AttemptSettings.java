package org.aigrid.core.node;

/// Bounds of a request's attempts.
///
/// @param attemptsMax tries at most, the first included
/// @param firstByteMsLeast no attempt is called too slow before this
/// @param firstByteFactor an attempt is too slow at this multiple of the expected time to first
///   token
/// @param firstByteMsMost and after this in any case
public record AttemptSettings(
    int attemptsMax, int firstByteMsLeast, double firstByteFactor, int firstByteMsMost) {
  public static final AttemptSettings DEFAULT = new AttemptSettings(3, 5_000, 10, 120_000);

  public AttemptSettings {
    if (attemptsMax < 1 || attemptsMax > 8) {
      throw new IllegalArgumentException("attemptsMax: " + attemptsMax + " (expected: 1 to 8)");
    }
    if (firstByteMsLeast < 1 || firstByteMsMost < firstByteMsLeast || !(firstByteFactor >= 1)) {
      throw new IllegalArgumentException(
          "firstByteMsLeast "
              + firstByteMsLeast
              + ", firstByteFactor "
              + firstByteFactor
              + ", firstByteMsMost "
              + firstByteMsMost
              + " (expected: 1 <= least <= most, factor 1 or more)");
    }
  }
}
