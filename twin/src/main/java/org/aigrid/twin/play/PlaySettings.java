package org.aigrid.twin.play;

import org.aigrid.core.route.RouterSettings;

/// How a play is set up, beside country and demand. Immutable.
///
/// @param router of `core`
/// @param heartbeatMs between two reports of a site: what a policy knows is up to this old
/// @param warmupMs requests that arrive before do not count
public record PlaySettings(RouterSettings router, int heartbeatMs, double warmupMs) {
  public static final PlaySettings DEFAULT =
      new PlaySettings(RouterSettings.DEFAULT, 1_000, 10_000);

  public PlaySettings {
    if (heartbeatMs < 1 || warmupMs < 0) {
      throw new IllegalArgumentException(
          "play: heartbeatMs "
              + heartbeatMs
              + ", warmupMs "
              + warmupMs
              + " (expected: 1 or more, 0 or more)");
    }
  }
}
