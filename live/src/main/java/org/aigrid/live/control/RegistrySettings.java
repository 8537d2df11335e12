package org.aigrid.live.control;

import org.aigrid.core.view.GridViewSettings;

/// Bounds of a `Registry`.
///
/// @param publishEveryMs how long heartbeats gather before they become a new view: a view is at
///   most this much older than what the sites said
/// @param sitesMax sites that may be registered; one more is refused. Bounds the heartbeats that
///   wait, too: one per site
/// @param jurisdictionsMax different jurisdictions that the registered sites may have
/// @param view bounds on what a heartbeat may claim
public record RegistrySettings(
    int publishEveryMs, int sitesMax, int jurisdictionsMax, GridViewSettings view) {
  public static final RegistrySettings DEFAULT =
      new RegistrySettings(50, 250_000, 64, GridViewSettings.DEFAULT);

  public RegistrySettings {
    if (publishEveryMs < 1 || sitesMax < 1 || jurisdictionsMax < 1) {
      throw new IllegalArgumentException(
          "registry settings: publishEveryMs "
              + publishEveryMs
              + ", sitesMax "
              + sitesMax
              + ", jurisdictionsMax "
              + jurisdictionsMax
              + " (expected: 1 or more each)");
    }
  }
}
