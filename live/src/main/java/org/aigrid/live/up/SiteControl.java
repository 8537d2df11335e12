package org.aigrid.live.up;

import java.util.List;

/// What a person may do with the sites of a running grid. Safe for many threads; calls may take
/// seconds.
interface SiteControl {
  /// All sites, in the order of the topology.
  List<SiteState> sites();

  /// Ends a site as a power cut would: connections break, heartbeats stop. False when there is no
  /// such site.
  boolean kill(String siteId);

  /// Lets a site finish what runs and take nothing new. False when there is no such site.
  boolean drain(String siteId);

  /// Starts a site that was killed or drained. False when there is no such site.
  boolean revive(String siteId);
}
