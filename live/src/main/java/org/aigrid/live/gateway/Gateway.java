package org.aigrid.live.gateway;

import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.aigrid.live.control.GridSource;
import org.aigrid.live.http.EventLoops;
import org.aigrid.live.http.HttpServer;
import org.jspecify.annotations.Nullable;

/// The data plane: authenticates, admits, routes, relays, retries, meters. Stateless but for what
/// core's router remembers; decides from the last view it was given, so it goes on serving when
/// control is gone. Thread-safe.
public final class Gateway implements AutoCloseable {
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
  private final Map<EventExecutor, Upstreams> upstreams = new HashMap<>();
  private final long startedSeconds = System.currentTimeMillis() / 1000;
  private volatile boolean draining;
  private final HttpServer server;

  private Gateway(GatewaySettings settings, GridSource grid, Keys keys) {
    this.settings = settings;
    this.grid = grid;
    this.keys = keys;
    dispatch = new Dispatch(settings);
    metrics = new GatewayMetrics(dispatch::inFlight);
    places = new CallerPlaces(settings.homeSite(), settings.trustedNetworks(), settings.callers());
    loops = new EventLoops("gateway", settings.http().threads());
    for (EventExecutor loop : loops.group()) {
      upstreams.put(loop, new Upstreams(loops, (io.netty.channel.EventLoop) loop, settings));
    }
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
    return new Gateway(settings, grid, keys);
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
