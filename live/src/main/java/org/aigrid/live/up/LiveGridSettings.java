package org.aigrid.live.up;

import java.util.HashMap;
import java.util.Map;
import org.aigrid.live.control.RegistrySettings;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.site.SiteAgentSettings;

/// How a whole grid in one process behaves. Immutable.
///
/// @param http where the gateway listens
/// @param registry bounds of control
/// @param siteThreads event loops that all site agents share
/// @param heartbeatMs between two heartbeats of a site
/// @param leaseMs how long a silent site is still routed to
/// @param waitingMax requests that wait for a sequence at one endpoint; beyond: refused there
/// @param readyTimeoutMs how long a start waits for the first heartbeat of each site; at the bound
///   it goes on without those that are missing
/// @param drainMs how long a stop waits for requests under way; at the bound they are cut
/// @param accessLog whether each request writes a line to the logger `access`
/// @param serverKeys keys of the servers in the topology, by the name of their variable
public record LiveGridSettings(
    HttpSettings http,
    RegistrySettings registry,
    int siteThreads,
    int heartbeatMs,
    int leaseMs,
    int waitingMax,
    int readyTimeoutMs,
    int drainMs,
    boolean accessLog,
    Map<String, String> serverKeys) {
  public static final LiveGridSettings DEFAULT =
      new LiveGridSettings(
          HttpSettings.DEFAULT,
          RegistrySettings.DEFAULT,
          1,
          SiteAgentSettings.HEARTBEAT_MS_DEFAULT,
          SiteAgentSettings.LEASE_MS_DEFAULT,
          4_096,
          30_000,
          20_000,
          true,
          Map.of());

  public LiveGridSettings {
    if (siteThreads < 1 || waitingMax < 1 || readyTimeoutMs < 0 || drainMs < 0) {
      throw new IllegalArgumentException(
          "live grid: siteThreads "
              + siteThreads
              + ", waitingMax "
              + waitingMax
              + ", readyTimeoutMs "
              + readyTimeoutMs
              + ", drainMs "
              + drainMs
              + " (expected: threads and waiting 1 or more, times 0 or more)");
    }
    serverKeys = Map.copyOf(serverKeys);
  }

  /// These settings with the gateway elsewhere.
  public LiveGridSettings withHttp(HttpSettings newHttp) {
    return new LiveGridSettings(
        newHttp,
        registry,
        siteThreads,
        heartbeatMs,
        leaseMs,
        waitingMax,
        readyTimeoutMs,
        drainMs,
        accessLog,
        serverKeys);
  }

  /// These settings with one more server key.
  public LiveGridSettings withServerKey(String variable, String key) {
    var keys = new HashMap<>(serverKeys);
    keys.put(variable, key);
    return new LiveGridSettings(
        http,
        registry,
        siteThreads,
        heartbeatMs,
        leaseMs,
        waitingMax,
        readyTimeoutMs,
        drainMs,
        accessLog,
        keys);
  }

  /// These settings with another rhythm of heartbeats.
  public LiveGridSettings beating(int newHeartbeatMs, int newLeaseMs) {
    return new LiveGridSettings(
        http,
        registry,
        siteThreads,
        newHeartbeatMs,
        newLeaseMs,
        waitingMax,
        readyTimeoutMs,
        drainMs,
        accessLog,
        serverKeys);
  }
}
