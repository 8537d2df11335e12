package org.aigrid.live.site;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.HeartbeatSink;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.http.EventLoops;
import org.aigrid.live.http.HttpServer;
import org.aigrid.live.wire.WorkOrder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The agent of one site: fronts its engines over HTTP, checks again what the gateway decided, and
/// pushes heartbeats that carry the site's lease. Thread-safe.
///
/// Idle it costs one heartbeat a second; all agents of a process share one heartbeat thread.
public final class SiteAgent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SiteAgent.class);

  private static final ScheduledExecutorService HEART =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().name("heartbeats").daemon().unstarted(task));

  private final SiteAgentSettings settings;
  private final Map<String, Backend> backends;
  private final HeartbeatSink sink;
  private final HttpServer server;
  private final AtomicLong sequence = new AtomicLong();
  private final Set<RunningCall> running = ConcurrentHashMap.newKeySet();
  private volatile AdmissionState admission = AdmissionState.NEW_AND_EXISTING;
  private final @Nullable SiteGovernor governor;
  private final AtomicLong refusedOrders = new AtomicLong();
  private volatile boolean registered;
  private volatile boolean muted;
  private volatile boolean dead;
  private @Nullable ScheduledFuture<?> beating;

  private SiteAgent(
      SiteAgentSettings settings,
      Map<String, Backend> backends,
      EventLoops loops,
      HeartbeatSink sink,
      @Nullable SharedGpu radio) {
    this.settings = settings;
    this.backends = Map.copyOf(backends);
    this.sink = sink;
    for (EndpointSpec endpoint : settings.site().endpoints()) {
      if (!this.backends.containsKey(endpoint.model().name())) {
        throw new IllegalArgumentException(
            "site "
                + settings.site().id()
                + " has no engine for "
                + endpoint.model().name()
                + " (expected: one for each of its endpoints)");
      }
    }
    governor =
        radio == null
            ? null
            : new SiteGovernor(
                settings.site(),
                radio.radio(),
                radio.split(),
                radio.governor(),
                running,
                share -> this.backends.values().forEach(backend -> backend.setShare(share)),
                this::beatSoon);
    try {
      server = HttpServer.start(settings.http(), loops, () -> new SiteHandler(this));
    } catch (RuntimeException e) {
      if (governor != null) {
        governor.close();
      }
      throw e;
    }
  }

  /// Listens, registers, and begins to send heartbeats.
  ///
  /// @param backends by model, one for each endpoint of the site; closed with the agent
  /// @param loops event loops, which may be shared with other agents
  public static SiteAgent start(
      SiteAgentSettings settings,
      Map<String, Backend> backends,
      EventLoops loops,
      HeartbeatSink sink) {
    return start(settings, backends, loops, sink, null);
  }

  /// As above, at a site whose GPU also serves the radio.
  ///
  /// @param radio what the site hears of it, closed with the agent, and at once when that cannot
  ///   start; null for a site without one
  public static SiteAgent start(
      SiteAgentSettings settings,
      Map<String, Backend> backends,
      EventLoops loops,
      HeartbeatSink sink,
      @Nullable SharedGpu radio) {
    SiteAgent agent;
    try {
      agent = new SiteAgent(settings, backends, loops, sink, radio);
    } catch (RuntimeException e) {
      if (radio != null) {
        radio.close();
      }
      throw e;
    }
    agent.register();
    agent.backends.values().forEach(backend -> backend.onReadiness(agent::beatSoon));
    agent.beat();
    agent.beating =
        HEART.scheduleAtFixedRate(
            agent::beatSafely,
            settings.heartbeatMs(),
            settings.heartbeatMs(),
            TimeUnit.MILLISECONDS);
    return agent;
  }

  /// The port it listens on.
  public int port() {
    return server.port();
  }

  /// What it says about itself.
  public SiteSpec spec() {
    return settings.site();
  }

  /// How busy its endpoints are, in the site's order; without those that take nothing now, which
  /// would look idle.
  public List<EndpointLoad> loads() {
    var loads = new ArrayList<EndpointLoad>();
    for (EndpointSpec endpoint : settings.site().endpoints()) {
      Backend backend = backends.get(endpoint.model().name());
      if (backend != null && backend.ready()) {
        EndpointLoad load = backend.load();
        SiteGovernor split = governor;
        loads.add(split == null ? load : load.beside(split.aiShare(), split.reclaimsPerHour()));
      }
    }
    return loads;
  }

  /// What it takes at the moment.
  public AdmissionState admission() {
    return admission;
  }

  /// What its radio does; null at a site without one.
  public @Nullable RadioState radio() {
    SiteGovernor split = governor;
    return split == null
        ? null
        : new RadioState(
            split.demand(),
            split.aiShare(),
            split.reclaims(),
            split.reclaimsPerHour(),
            split.records());
  }

  /// Raises the radio's load to at least this share of the GPU for so long. False at a site without
  /// a radio.
  public boolean surge(double share, long forMs) {
    SiteGovernor split = governor;
    if (split == null) {
      return false;
    }
    split.radio().surge(share, forMs);
    return true;
  }

  /// Cuts its heartbeats, or lets them through again. What runs goes on.
  public void mute(boolean cut) {
    muted = cut;
    if (!cut) {
      beatSoon();
    }
  }

  /// An order was none. One that is stale or meant for another site is a gateway's mistake, or an
  /// attack: said now and then, not each time.
  void refusedOrder(WorkOrder.Fault fault) {
    long refused = refusedOrders.incrementAndGet();
    if (Long.bitCount(refused) == 1) {
      log.warn("{}: {} orders refused so far, this one as {}", spec().id(), refused, fault);
    }
  }

  /// Orders that were refused since the start: forged, stale, meant for another site or none.
  public long refusedOrders() {
    return refusedOrders.get();
  }

  /// Moves all streams away; what cannot move is cut.
  public void moveAll(String reason) {
    for (RunningCall call : running) {
      call.move(reason, Double.POSITIVE_INFINITY, () -> {});
    }
  }

  /// Whether one more request of that class may begin.
  boolean admits(ServiceTier tier) {
    SiteGovernor split = governor;
    return split == null || split.admits(tier);
  }

  private void beatSoon() {
    if (registered && !dead) {
      HEART.execute(this::beatSafely);
    }
  }

  /// Takes nothing new, says so, and waits for what runs, at most `limit`; what still runs then is
  /// moved. True when all had ended by itself.
  public boolean drain(Duration limit) {
    admission = AdmissionState.EXISTING_ONLY;
    beatSafely();
    long end = System.nanoTime() + limit.toNanos();
    while (server.requestsOpen() > 0 && System.nanoTime() < end) {
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    moveAll("drain");
    return server.requestsOpen() == 0;
  }

  /// Dies as a process does: connections are reset, heartbeats stop, nothing is said.
  public void kill() {
    dead = true;
    stopBeating();
    server.kill();
    backends.values().forEach(Backend::close);
  }

  /// Says that nothing is taken any more, and ends.
  @Override
  public void close() {
    if (dead) {
      return;
    }
    admission = AdmissionState.NONE;
    beatSafely();
    dead = true;
    stopBeating();
    server.close();
    backends.values().forEach(Backend::close);
  }

  SiteAgentSettings settings() {
    return settings;
  }

  /// What is at work here.
  Set<RunningCall> running() {
    return running;
  }

  @Nullable Backend backend(String model) {
    return backends.get(model);
  }

  private void register() {
    sink.register(settings.site(), new SiteAddress(settings.http().host(), server.port()));
    registered = true;
  }

  private void beatSafely() {
    try {
      beat();
    } catch (RuntimeException e) {
      log.warn("heartbeat of {} failed: {}", settings.site().id(), e.toString());
    }
  }

  private void beat() {
    if (dead || muted) {
      return;
    }
    boolean known = sink.accept(heartbeat());
    if (!known) {
      register();
      sink.accept(heartbeat());
    }
  }

  private Heartbeat heartbeat() {
    return new Heartbeat(
        settings.site().id(), sequence.incrementAndGet(), settings.leaseMs(), admission, loads());
  }

  private void stopBeating() {
    if (governor != null) {
      governor.close();
    }
    if (beating != null) {
      beating.cancel(false);
    }
  }
}
