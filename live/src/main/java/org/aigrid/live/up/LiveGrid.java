package org.aigrid.live.up;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.GridView;
import org.aigrid.live.control.Registry;
import org.aigrid.live.gateway.CallerNotice;
import org.aigrid.live.gateway.Gateway;
import org.aigrid.live.gateway.GatewaySettings;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.gguf.GgufException;
import org.aigrid.live.radio.ReclaimRecord;
import org.aigrid.live.site.RadioState;
import org.aigrid.live.site.SiteAgent;
import org.aigrid.live.site.SitePolicy;
import org.aigrid.live.site.WorkLog;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.Topology.PlannedSite;
import org.jspecify.annotations.Nullable;

/// The whole grid in one process: control, a site agent for each site of a topology on its own
/// loopback port, and a gateway. A request takes the same way as between machines.
///
/// Safe for many threads; orders to sites are carried out one at a time, while `sites` never waits
/// for one.
public final class LiveGrid implements SiteControl, AutoCloseable {
  private static final int TOKEN_BYTES = 32;
  private static final long READY_CHECK_NANOS = 5_000_000;
  private static final int RECLAIMS_MAX = 1_000; // of earlier agents of a site; the oldest go

  private static final class Site {
    final PlannedSite plan;
    volatile SiteAgent agent;
    volatile SiteState.Condition condition = SiteState.Condition.UP;
    volatile boolean muted;
    volatile List<ReclaimRecord> earlier = List.of(); // of agents before this one
    volatile long earlierReclaims;

    Site(PlannedSite plan, SiteAgent agent) {
      this.plan = plan;
      this.agent = agent;
    }

    /// Another agent in the place of one that has ended; its books are kept.
    void replace(SiteAgent next) {
      RadioState before = agent.radio();
      if (before != null) {
        List<ReclaimRecord> all = new ArrayList<>(earlier);
        all.addAll(before.records());
        earlier = List.copyOf(all.subList(Math.max(0, all.size() - RECLAIMS_MAX), all.size()));
        earlierReclaims += before.reclaims();
      }
      agent = next;
    }
  }

  private final LiveGridSettings settings;
  private final SiteParts parts;
  private final Registry registry;
  private final Map<String, Site> sites;
  private final Gateway gateway;
  private boolean closed; // guarded by this

  private LiveGrid(
      LiveGridSettings settings,
      SiteParts parts,
      Registry registry,
      Map<String, Site> sites,
      Gateway gateway) {
    this.settings = settings;
    this.parts = parts;
    this.registry = registry;
    this.sites = sites;
    this.gateway = gateway;
  }

  /// Starts everything, and returns when every site may be routed to or `readyTimeoutMs` have
  /// passed. What was started is stopped again when a part fails.
  ///
  /// @throws IllegalStateException when a port cannot be had; the message says which
  /// @throws GgufException when a model file cannot be used
  public static LiveGrid start(Topology topology, Keys keys, LiveGridSettings settings) {
    return start(topology, keys, settings, null, WorkLog.NONE);
  }

  /// As above, for tenants with accounts, too.
  ///
  /// @param work where sites record what they took on
  static LiveGrid start(
      Topology topology,
      Keys keys,
      LiveGridSettings settings,
      @Nullable Accounts accounts,
      WorkLog work) {
    SitePolicy policy =
        accounts == null ? SitePolicy.BY_ORDER : accounts.sitePolicy(keys.tenants());
    var parts = SiteParts.of(topology, newToken(), settings, policy, work);
    var registry = Registry.start(settings.registry());
    var sites = new LinkedHashMap<String, Site>();
    try {
      for (PlannedSite plan : topology.sites()) {
        sites.put(plan.spec().id(), new Site(plan, parts.start(plan, registry)));
      }
      Gateway gateway = startGateway(topology, parts.token(), registry, keys, settings, accounts);
      var grid = new LiveGrid(settings, parts, registry, sites, gateway);
      grid.awaitReady();
      return grid;
    } catch (RuntimeException e) {
      sites.values().forEach(site -> site.agent.close());
      registry.close();
      parts.loops().close();
      throw e;
    }
  }

  private static String newToken() {
    var random = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(random);
    return HexFormat.of().formatHex(random);
  }

  private void awaitReady() {
    long giveUpNanos = System.nanoTime() + settings.readyTimeoutMs() * 1_000_000L;
    while (System.nanoTime() < giveUpNanos
        && sites().stream().anyMatch(site -> site.leaseMs() <= 0)) {
      LockSupport.parkNanos(READY_CHECK_NANOS);
    }
  }

  /// Where the gateway listens.
  public int port() {
    return gateway.port();
  }

  @Override
  public List<SiteState> sites() {
    GridView view = registry.view();
    long nowMs = registry.nowMs();
    var states = new ArrayList<SiteState>(sites.size());
    for (Site site : sites.values()) {
      states.add(state(site, view, nowMs));
    }
    return states;
  }

  private SiteState state(Site site, GridView view, long nowMs) {
    SiteSpec spec = site.plan.spec();
    int index = view.roster().indexOfSite(spec.id());
    var endpoints = new ArrayList<SiteState.EndpointState>();
    if (index >= 0) {
      for (int e = view.roster().firstEndpoint(index); e < view.roster().endpointsEnd(index); e++) {
        EndpointSpec endpoint = view.roster().endpointSpec(e);
        endpoints.add(
            new SiteState.EndpointState(
                endpoint.model().name(),
                endpoint.kind().name().toLowerCase(Locale.ROOT),
                view.running(e),
                view.waiting(e),
                view.queuedTokens(e),
                view.contextTokens(e)));
      }
    }
    RadioState radio = site.agent.radio();
    long leaseMs = index < 0 || !view.leaseFresh(index, nowMs) ? 0 : view.leaseEndMs(index) - nowMs;
    return new SiteState(
        spec.id(),
        spec.name(),
        spec.tier(),
        spec.region(),
        site.condition,
        leaseMs,
        index < 0 ? "" : registry.address(index).toString(),
        radio == null ? -1 : radio.demand(),
        radio == null ? 1 : radio.aiShare(),
        radio == null ? 0 : site.earlierReclaims + radio.reclaims(),
        site.muted,
        endpoints);
  }

  @Override
  public synchronized boolean kill(String siteId) {
    Site site = sites.get(siteId);
    if (site == null) {
      return false;
    }
    if (site.condition != SiteState.Condition.KILLED) {
      site.agent.kill();
      site.condition = SiteState.Condition.KILLED;
    }
    return true;
  }

  @Override
  public synchronized boolean drain(String siteId) {
    Site site = sites.get(siteId);
    if (site == null) {
      return false;
    }
    if (site.condition == SiteState.Condition.UP) {
      site.condition = SiteState.Condition.DRAINING;
      SiteAgent agent = site.agent;
      Thread.ofVirtual()
          .name("drain-" + siteId)
          .start(() -> agent.drain(Duration.ofMillis(settings.drainMs())));
    }
    return true;
  }

  @Override
  public boolean surge(String siteId, double share, long forMs) {
    Site site = sites.get(siteId);
    return site != null && site.agent.surge(share, forMs);
  }

  @Override
  public boolean mute(String siteId, boolean cut) {
    Site site = sites.get(siteId);
    if (site == null) {
      return false;
    }
    site.agent.mute(cut);
    site.muted = cut;
    return true;
  }

  @Override
  public Map<String, List<ReclaimRecord>> reclaims() {
    var all = new LinkedHashMap<String, List<ReclaimRecord>>();
    sites.forEach(
        (id, site) -> {
          RadioState radio = site.agent.radio();
          if (radio != null) {
            var records = new ArrayList<ReclaimRecord>(site.earlier);
            records.addAll(radio.records());
            all.put(id, records);
          }
        });
    return all;
  }

  @Override
  public CallerNotice callerNoticed(
      @Nullable String tenant, String session, String siteId, long inMs) {
    return gateway.callerNoticed(tenant, session, siteId, inMs);
  }

  @Override
  public synchronized boolean revive(String siteId) {
    Site site = sites.get(siteId);
    if (site == null) {
      return false;
    }
    if (site.condition != SiteState.Condition.UP) {
      site.agent.close();
      site.replace(parts.start(site.plan, registry));
      site.muted = false;
      site.condition = SiteState.Condition.UP;
    }
    return true;
  }

  /// Takes no new requests, lets those under way finish for at most `drainMs`, then stops
  /// everything. Further calls do nothing.
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    gateway.drain(Duration.ofMillis(settings.drainMs()));
    gateway.close();
    for (Site site : sites.values()) {
      site.agent.close();
    }
    registry.close();
    parts.loops().close();
  }

  private static Gateway startGateway(
      Topology topology,
      String token,
      Registry registry,
      Keys keys,
      LiveGridSettings settings,
      @Nullable Accounts accounts) {
    Gateway gateway =
        Gateway.start(
            GatewaySettings.of(settings.http(), token, topology.homeSite())
                .withWaiting(topology.waiting())
                .withCallers(topology.trustedNetworks(), topology.callers())
                .withAccessLog(settings.accessLog()),
            registry,
            keys,
            accounts == null ? null : accounts.tenancy());
    if (accounts != null) {
      gateway.measure(accounts.metrics());
    }
    return gateway;
  }
}
