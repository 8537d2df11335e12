package org.aigrid.live.up;

import java.util.List;
import org.aigrid.core.model.Tier;

/// One site of a running grid, for people. Immutable.
///
/// @param id of the site
/// @param name for people
/// @param tier how deep in the network it stands
/// @param region the set of sites it belongs to
/// @param state what its process does: `up`, `draining`, `killed`
/// @param leaseMs how long control still believes it; 0 when its lease has ended
/// @param address where its agent listens
/// @param radio share of its GPU that its radio wants; negative for a site without a radio
/// @param aiShare share of its GPU up to which AI is admitted
/// @param reclaims claims of the radio that took running work away
/// @param muted whether its heartbeats are cut
/// @param endpoints what it serves
record SiteState(
    String id,
    String name,
    Tier tier,
    String region,
    Condition state,
    long leaseMs,
    String address,
    double radio,
    double aiShare,
    long reclaims,
    boolean muted,
    List<EndpointState> endpoints) {
  /// What a site's process does.
  enum Condition {
    UP,
    DRAINING,
    KILLED
  }

  /// One endpoint, as its last heartbeat said.
  ///
  /// @param model what it serves
  /// @param engine which engine answers
  /// @param running sequences being prefilled or decoded
  /// @param waiting requests without a sequence
  /// @param queuedTokens prompt tokens not yet prefilled
  /// @param contextTokens tokens in the KV cache
  record EndpointState(
      String model, String engine, int running, int waiting, int queuedTokens, int contextTokens) {}

  SiteState {
    endpoints = List.copyOf(endpoints);
  }
}
