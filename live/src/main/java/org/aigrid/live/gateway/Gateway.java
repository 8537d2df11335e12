package org.aigrid.live.gateway;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.micrometer.core.instrument.binder.MeterBinder;
import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.aigrid.live.books.TenantResidencies;
import org.aigrid.live.control.GridSource;
import org.aigrid.live.http.EventLoops;
import org.aigrid.live.http.HttpServer;
import org.aigrid.live.wire.WorkOrder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The data plane: authenticates, admits, routes, relays, retries, meters. Stateless but for what
/// core's router remembers; decides from the last view it was given, so it goes on serving when
/// control is gone. Thread-safe.
public final class Gateway implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Gateway.class);

  /// How often those who wait are offered what heartbeats have told of. What this gateway's own
  /// requests leave is offered at once.
  private static final int SERVE_EVERY_MS = 20;

  private final GatewaySettings settings;
  private final GridSource grid;
  private final Keys keys;
  private final EventLoops loops;
  private final Dispatch dispatch;
  private final GatewayMetrics metrics;
  private final RequestIds ids = new RequestIds();
  private final CallerPlaces places;
  private final Sessions sessions;
  private final Orders orders;
  private final @Nullable Tenancy tenancy;
  private final Map<EventExecutor, Upstreams> upstreams = new HashMap<>();
  private final long startedSeconds = System.currentTimeMillis() / 1000;
  private final AtomicLong refusedOrders = new AtomicLong();
  private volatile boolean draining;
  private final HttpServer server;

  private Gateway(GatewaySettings settings, GridSource grid, Keys keys, @Nullable Tenancy tenancy) {
    this.tenancy = tenancy;
    this.settings = settings;
    this.grid = grid;
    this.keys = keys;
    dispatch = new Dispatch(settings, grid::view, grid::nowMs);
    metrics = new GatewayMetrics(dispatch::inFlight, dispatch::waiting);
    places = new CallerPlaces(settings.homeSite(), settings.trustedNetworks(), settings.callers());
    loops = new EventLoops("gateway", settings.http().threads());
    for (EventExecutor loop : loops.group()) {
      upstreams.put(loop, new Upstreams(loops, (io.netty.channel.EventLoop) loop, settings));
    }
    loops.group().scheduleWithFixedDelay(this::serve, SERVE_EVERY_MS, SERVE_EVERY_MS, MILLISECONDS);
    sessions = new Sessions(this);
    orders = new Orders(settings.siteToken());
    try {
      server = HttpServer.start(settings.http(), loops, () -> new GatewayHandler(this));
    } catch (RuntimeException e) {
      loops.close();
      throw e;
    }
  }

  /// Listens and serves. A port that is taken is an `IllegalStateException` that says so.
  public static Gateway start(GatewaySettings settings, GridSource grid, Keys keys) {
    return new Gateway(settings, grid, keys, null);
  }

  /// As above, for tenants with accounts, too.
  public static Gateway start(
      GatewaySettings settings, GridSource grid, Keys keys, @Nullable Tenancy tenancy) {
    return new Gateway(settings, grid, keys, tenancy);
  }

  /// A task that fails is not run again, and nobody would hear of it.
  private void serve() {
    try {
      dispatch.serve();
    } catch (RuntimeException e) {
      log.error("those who wait could not be served", e);
    }
  }

  /// The port it listens on.
  public int port() {
    return server.port();
  }

  /// The operator's network says where the caller of a session is, or will be. Nothing is waited
  /// for; what follows shows in the metrics.
  ///
  /// @param tenant of the session; null where only one tenant has a session of that name
  /// @param session as its client calls it
  /// @param siteId of the cell
  /// @param inMs 0: the caller is there now; more: it is expected there then
  public CallerNotice callerNoticed(
      @Nullable String tenant, String session, String siteId, long inMs) {
    return sessions.noticed(tenant, session, siteId, inMs);
  }

  /// Shows more meters at `/metrics`. They are read on an event loop: what they ask must not wait.
  public void measure(MeterBinder more) {
    metrics.measure(more);
  }

  /// Answers `/readyz` with 503 and takes no new connection; waits for open requests, at most
  /// `limit`. True when all ended.
  public boolean drain(Duration limit) {
    draining = true;
    return server.drain(limit);
  }

  @Override
  public void close() {
    draining = true;
    server.close();
    loops.close();
  }

  GatewaySettings settings() {
    return settings;
  }

  GridSource grid() {
    return grid;
  }

  Keys keys() {
    return keys;
  }

  @Nullable Tenancy tenancy() {
    return tenancy;
  }

  /// The key of a presented secret, of the key file or of the books; null for an unknown one.
  @Nullable KeyEntry find(String secret) {
    KeyEntry known = keys.find(secret);
    return known != null || tenancy == null ? known : tenancy.find(secret);
  }

  /// The rules of a key's tenant and project now; null where none decide.
  TenantResidencies.@Nullable Ruled rules(KeyEntry key) {
    return key.booked() == null || tenancy == null ? null : tenancy.rules(key);
  }

  /// What a request's narrowing leaves, as the router's bits.
  static long jurisdictionBits(Roster roster, RequestFacts facts) {
    return facts.jurisdictions() == null ? -1 : roster.jurisdictionBits(facts.jurisdictions());
  }

  /// Where the policies of a key's tenant let something be done now; null where they do not decide,
  /// as for keys of a file.
  @Nullable SiteSet permitted(
      KeyEntry key, PolicyAction action, Roster roster, RequestFacts facts) {
    if (key.booked() == null) {
      return null;
    }
    TenantResidencies.Ruled rules = tenancy == null ? null : tenancy.rules(key);
    return rules == null ? SiteSet.NONE : rules.on(roster).sites(action, facts);
  }

  /// The same, asked of the site that was chosen, just before anything is sent there.
  boolean permits(KeyEntry key, PolicyAction action, Roster roster, int site, RequestFacts facts) {
    if (key.booked() == null) {
      return true; // its jurisdictions decided, and decide again at the site
    }
    TenantResidencies.Ruled rules = tenancy == null ? null : tenancy.rules(key);
    return rules != null && rules.on(roster).permits(action, site, facts);
  }

  Dispatch dispatch() {
    return dispatch;
  }

  GatewayMetrics metrics() {
    return metrics;
  }

  RequestIds ids() {
    return ids;
  }

  CallerPlaces places() {
    return places;
  }

  Sessions sessions() {
    return sessions;
  }

  /// A site does not follow this gateway's orders: said now and then, not each time.
  void refusedBy(String site) {
    long refused = refusedOrders.incrementAndGet();
    if (Long.bitCount(refused) == 1) {
      log.warn(
          "site {} does not follow this gateway's orders ({} so far): another secret, or clocks that"
              + " differ by more than {} s",
          site,
          refused,
          WorkOrder.SKEW_MS_MAX / 1_000);
    }
  }

  Orders orders() {
    return orders;
  }

  /// One of the event loops, in turn.
  EventExecutor anyLoop() {
    return loops.group().next();
  }

  Upstreams upstreams(EventExecutor loop) {
    Upstreams found = upstreams.get(loop);
    if (found == null) {
      throw new IllegalStateException("an event loop that is not the gateway's");
    }
    return found;
  }

  long startedSeconds() {
    return startedSeconds;
  }

  boolean draining() {
    return draining;
  }
}
