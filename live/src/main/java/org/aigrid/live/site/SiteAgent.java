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
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.HeartbeatSink;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.http.EventLoops;
import org.aigrid.live.http.HttpServer;
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
  private volatile boolean dead;
  private @Nullable ScheduledFuture<?> beating;

  private SiteAgent(
      SiteAgentSettings settings,
      Map<String, Backend> backends,
      EventLoops loops,
      HeartbeatSink sink) {
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
    server = HttpServer.start(settings.http(), loops, () -> new SiteHandler(this));
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
    var agent = new SiteAgent(settings, backends, loops, sink);
    agent.register();
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

  /// How busy its endpoints are, in the site's order.
  public List<EndpointLoad> loads() {
    var loads = new ArrayList<EndpointLoad>();
    for (EndpointSpec endpoint : settings.site().endpoints()) {
      Backend backend = backends.get(endpoint.model().name());
      if (backend != null) {
        loads.add(backend.load());
      }
    }
    return loads;
  }

  /// What it takes at the moment.
  public AdmissionState admission() {
    return admission;
  }

  /// Takes nothing new, says so, and waits for what runs, at most `limit`; true when all ended.
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
  }

  private void beatSafely() {
    try {
      beat();
    } catch (RuntimeException e) {
      log.warn("heartbeat of {} failed: {}", settings.site().id(), e.toString());
    }
  }

  private void beat() {
    if (dead) {
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
    if (beating != null) {
      beating.cancel(false);
    }
  }
}
