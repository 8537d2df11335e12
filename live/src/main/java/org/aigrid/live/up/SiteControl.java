package org.aigrid.live.up;

import java.util.List;
import java.util.Map;
import org.aigrid.live.gateway.CallerNotice;
import org.aigrid.live.radio.ReclaimRecord;
import org.jspecify.annotations.Nullable;

/// What a person, or the operator's network, may do with a running grid. Safe for many threads;
/// calls may take seconds.
interface SiteControl {
  /// All sites, in the order of the topology.
  List<SiteState> sites();

  /// Ends a site as a power cut would: connections break, heartbeats stop. False when there is no
  /// such site.
  boolean kill(String siteId);

  /// Lets a site finish what runs and take nothing new. False when there is no such site.
  boolean drain(String siteId);

  /// Raises a site's radio to at least a share of its GPU for a while, 0 ms to end it. False when
  /// there is no such site, or none with a radio.
  boolean surge(String siteId, double share, long forMs);

  /// Cuts a site's heartbeats, or lets them through. False when there is no such site.
  boolean mute(String siteId, boolean cut);

  /// The reclaims that each site with a radio remembers, the oldest first.
  Map<String, List<ReclaimRecord>> reclaims();

  /// Says where the caller of a session is, or will be, as the operator's network would.
  ///
  /// @param tenant of the session; null where only one tenant has a session of that name
  /// @param inMs 0: it is there now; more: it is expected there then
  CallerNotice callerNoticed(@Nullable String tenant, String session, String siteId, long inMs);

  /// Starts a site that was killed or drained. False when there is no such site.
  boolean revive(String siteId);
}
