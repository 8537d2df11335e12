package org.aigrid.live.gateway;

/// How much a gateway remembers of conversations, beside those that have a turn under way. At a
/// bound the session used longest ago goes first: its next turn is routed like any request.
///
/// @param sessionsMax sessions at most
/// @param promptBytesMax a longer body is not kept, so its prompt is not computed ahead
/// @param bytesMax of all bodies that are kept
/// @param idleMsMax a session without a turn for so long is forgotten, with its body
public record SessionLimits(int sessionsMax, int promptBytesMax, long bytesMax, int idleMsMax) {
  public static final SessionLimits DEFAULT =
      new SessionLimits(16_384, 256 << 10, 64L << 20, 600_000);

  public SessionLimits {
    if (sessionsMax < 0 || promptBytesMax < 0 || bytesMax < 0 || idleMsMax < 1) {
      throw new IllegalArgumentException(
          "session limits: sessionsMax "
              + sessionsMax
              + ", promptBytesMax "
              + promptBytesMax
              + ", bytesMax "
              + bytesMax
              + ", idleMsMax "
              + idleMsMax
              + " (expected: 0 or more, idle 1 or more)");
    }
  }
}
