package org.aigrid.twin.residency;

import java.util.Locale;

/// How a piece of work came to a site.
public enum WorkPath {
  /// The first attempt of a request.
  FIRST,
  /// Another attempt, before the client has had a byte.
  RETRY,
  /// A place that it waited for at its gateway.
  WAITED,
  /// A second attempt beside the first, since the deadline is near.
  HEDGE,
  /// A stream goes on by replay: its site died, fell silent, or was claimed by its radio.
  FAILOVER,
  /// A stream goes on nearer to its caller, who has moved.
  HANDOVER,
  /// A prompt is computed where its caller is or will be.
  PREWARM;

  /// Its name in reports.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
