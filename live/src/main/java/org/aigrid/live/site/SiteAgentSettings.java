package org.aigrid.live.site;

import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.http.HttpSettings;

/// How a site agent behaves. Immutable.
///
/// @param site what it says about itself
/// @param http where it listens, and bounds
/// @param token the secret it shares with the gateways
/// @param heartbeatMs between heartbeats
/// @param leaseMs how long the site may stay silent; three heartbeats, so that one lost is no
///   outage
public record SiteAgentSettings(
    SiteSpec site, HttpSettings http, String token, int heartbeatMs, int leaseMs) {
  public static final int HEARTBEAT_MS_DEFAULT = 1_000;
  public static final int LEASE_MS_DEFAULT = 3_000;

  public SiteAgentSettings {
    if (token.isBlank()) {
      throw new IllegalArgumentException("token is blank (expected: the secret of the gateways)");
    }
    if (heartbeatMs < 1 || leaseMs < heartbeatMs) {
      throw new IllegalArgumentException(
          "heartbeatMs "
              + heartbeatMs
              + ", leaseMs "
              + leaseMs
              + " (expected: 1 or more, and a lease of at least one heartbeat)");
    }
  }

  /// The usual rhythm on loopback, at any port.
  public static SiteAgentSettings of(SiteSpec site, String token) {
    return new SiteAgentSettings(
        site, HttpSettings.DEFAULT, token, HEARTBEAT_MS_DEFAULT, LEASE_MS_DEFAULT);
  }

  /// These settings with another rhythm.
  public SiteAgentSettings beating(int newHeartbeatMs, int newLeaseMs) {
    return new SiteAgentSettings(site, http, token, newHeartbeatMs, newLeaseMs);
  }

  /// These settings at another port.
  public SiteAgentSettings at(String host, int port) {
    return new SiteAgentSettings(site, http.at(host, port), token, heartbeatMs, leaseMs);
  }
}
