package org.aigrid.live.site;

import java.nio.charset.StandardCharsets;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.wire.WorkOrder;

/// How a site agent behaves. Immutable.
///
/// @param site what it says about itself
/// @param http where it listens, and bounds
/// @param gateways whose orders it follows, and by what key it checks them
/// @param policy its own opinion of an order
/// @param work where it records what it took on
/// @param heartbeatMs between heartbeats
/// @param leaseMs how long the site may stay silent; three heartbeats, so that one lost is no
///   outage
public record SiteAgentSettings(
    SiteSpec site,
    HttpSettings http,
    WorkOrder.GatewayKeys gateways,
    SitePolicy policy,
    WorkLog work,
    int heartbeatMs,
    int leaseMs) {
  public static final int HEARTBEAT_MS_DEFAULT = 1_000;
  public static final int LEASE_MS_DEFAULT = 3_000;

  public SiteAgentSettings {
    if (heartbeatMs < 1 || leaseMs < heartbeatMs) {
      throw new IllegalArgumentException(
          "heartbeatMs "
              + heartbeatMs
              + ", leaseMs "
              + leaseMs
              + " (expected: 1 or more, and a lease of at least one heartbeat)");
    }
  }

  /// The usual rhythm on loopback, at any port, for one gateway.
  ///
  /// @param gatewaySecret of which the site keeps only the key derived for it
  public static SiteAgentSettings of(SiteSpec site, String gatewaySecret) {
    if (gatewaySecret.isBlank()) {
      throw new IllegalArgumentException("gatewaySecret is blank (expected: the gateway's secret)");
    }
    String gateway = WorkOrder.gatewayId(gatewaySecret);
    byte[] key = WorkOrder.siteKey(gatewaySecret.getBytes(StandardCharsets.UTF_8), site.id());
    return new SiteAgentSettings(
        site,
        HttpSettings.DEFAULT,
        named -> named.equals(gateway) ? key : null,
        SitePolicy.BY_ORDER,
        WorkLog.NONE,
        HEARTBEAT_MS_DEFAULT,
        LEASE_MS_DEFAULT);
  }

  /// These settings with another rhythm.
  public SiteAgentSettings beating(int newHeartbeatMs, int newLeaseMs) {
    return new SiteAgentSettings(site, http, gateways, policy, work, newHeartbeatMs, newLeaseMs);
  }

  /// These settings at another port.
  public SiteAgentSettings at(String host, int port) {
    return new SiteAgentSettings(
        site, http.at(host, port), gateways, policy, work, heartbeatMs, leaseMs);
  }

  /// These settings with an opinion of its own, and a record.
  public SiteAgentSettings judging(SitePolicy newPolicy, WorkLog newWork) {
    return new SiteAgentSettings(site, http, gateways, newPolicy, newWork, heartbeatMs, leaseMs);
  }
}
