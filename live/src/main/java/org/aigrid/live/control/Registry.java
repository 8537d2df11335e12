package org.aigrid.live.control;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.Applied;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.Heartbeat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who is in the grid, in this process: sites register and push heartbeats, gateways read views.
///
/// Heartbeats wait in a box with one place per registered site, where a newer one replaces an older
/// one; one thread turns the box into a new view every `publishEveryMs`, and at once when somebody
/// registers or leaves. A lease counts from when its heartbeat arrived, not from when it was
/// published. `accept` costs one short lock and never waits for a view to be built; readers take no
/// lock.
///
/// Safe for many threads. After `close` the last view stays readable and its leases run out.
public final class Registry implements GridSource, HeartbeatSink, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Registry.class);

  private record Arrived(Heartbeat heartbeat, long atMs) {}

  private record Joining(SiteSpec site, SiteAddress address) {}

  private final RegistrySettings settings;
  private final LongSupplier clockMs;
  private final GridViewBuilder builder;
  private final Thread publisher;

  private final Object lock = new Object();
  // Guarded by lock.
  private final Map<String, SiteSpec> sites = new HashMap<>();
  private final Map<String, Integer> jurisdictions = new HashMap<>();
  private Map<String, Joining> joining = new LinkedHashMap<>();
  private Set<String> leaving = new TreeSet<>();
  private Map<String, Arrived> arrived = new HashMap<>();

  private volatile @Nullable SiteAddress[] addresses = new SiteAddress[0];
  private volatile GridView view = GridView.EMPTY;
  private volatile boolean urgent;
  private volatile boolean closed;

  private Registry(RegistrySettings settings, LongSupplier clockMs) {
    this.settings = settings;
    this.clockMs = clockMs;
    this.builder = new GridViewBuilder(settings.view());
    this.publisher = Thread.ofPlatform().daemon().name("registry").unstarted(this::publishForever);
  }

  /// A registry on the machine's monotonic clock.
  public static Registry start(RegistrySettings settings) {
    return start(settings, () -> System.nanoTime() / 1_000_000);
  }

  /// A registry on a given clock in milliseconds, which must never go back.
  public static Registry start(RegistrySettings settings, LongSupplier clockMs) {
    var registry = new Registry(settings, clockMs);
    registry.publisher.start();
    return registry;
  }

  /// Joins the grid, or announces a change. Refuses with an `IllegalArgumentException` a site that
  /// could never be part of a view: a model that does not fit its accelerator, a site or
  /// jurisdiction too many. What the site said before it registered (again) is forgotten.
  @Override
  public void register(SiteSpec site, SiteAddress address) {
    for (EndpointSpec endpoint : site.endpoints()) {
      EngineProfiles.of(endpoint); // throws, with the reason, when the model does not fit
    }
    synchronized (lock) {
      requireRoom(site);
      count(sites.put(site.id(), site), -1);
      count(site, 1);
      leaving.remove(site.id());
      joining.put(site.id(), new Joining(site, address));
      arrived.remove(site.id());
      urgent = true;
    }
    LockSupport.unpark(publisher);
  }

  private void requireRoom(SiteSpec site) {
    if (!sites.containsKey(site.id()) && sites.size() >= settings.sitesMax()) {
      throw new IllegalArgumentException(
          "site "
              + site.id()
              + " is one too many (expected: at most sitesMax = "
              + settings.sitesMax()
              + ")");
    }
    if (!jurisdictions.containsKey(site.jurisdiction())
        && jurisdictions.size() >= settings.jurisdictionsMax()) {
      throw new IllegalArgumentException(
          "jurisdiction "
              + site.jurisdiction()
              + " of site "
              + site.id()
              + " is one too many (expected: at most jurisdictionsMax = "
              + settings.jurisdictionsMax()
              + ")");
    }
  }

  private void count(@Nullable SiteSpec site, int change) {
    if (site != null) {
      jurisdictions.compute(
          site.jurisdiction(),
          (_, before) -> {
            int after = (before == null ? 0 : before) + change;
            return after == 0 ? null : after;
          });
    }
  }

  /// Takes a site out for good. Unknown ids are ignored.
  public void remove(String siteId) {
    synchronized (lock) {
      SiteSpec left = sites.remove(siteId);
      if (left == null) {
        return;
      }
      count(left, -1);
      joining.remove(siteId);
      arrived.remove(siteId);
      leaving.add(siteId);
      urgent = true;
    }
    LockSupport.unpark(publisher);
  }

  @Override
  public boolean accept(Heartbeat heartbeat) {
    var now = new Arrived(heartbeat, clockMs.getAsLong());
    synchronized (lock) {
      if (!sites.containsKey(heartbeat.siteId())) {
        return false;
      }
      arrived.merge(
          heartbeat.siteId(),
          now,
          (old, fresh) -> fresh.heartbeat().sequence() > old.heartbeat().sequence() ? fresh : old);
      return true;
    }
  }

  @Override
  public GridView view() {
    return view;
  }

  @Override
  public SiteAddress address(int site) {
    @Nullable SiteAddress[] known = addresses;
    SiteAddress address = site >= 0 && site < known.length ? known[site] : null;
    if (address == null) {
      throw new IllegalArgumentException(
          "site " + site + " has no address (expected: the index of a registered site)");
    }
    return address;
  }

  @Override
  public long nowMs() {
    return clockMs.getAsLong();
  }

  /// Stops publishing.
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(publisher);
    try {
      publisher.join(1_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void publishForever() {
    long periodNanos = settings.publishEveryMs() * 1_000_000L;
    long next = System.nanoTime() + periodNanos;
    while (!closed) {
      long wait = next - System.nanoTime();
      if (wait > 0 && !urgent) {
        LockSupport.parkNanos(this, wait);
        continue;
      }
      try {
        publish();
      } catch (RuntimeException e) {
        log.error("the view was not renewed; the last one stays, and its leases run out", e);
      }
      next = System.nanoTime() + periodNanos;
    }
  }

  private void publish() {
    Map<String, Joining> joined;
    Set<String> left;
    Map<String, Arrived> heard;
    synchronized (lock) {
      urgent = false;
      joined = joining;
      left = leaving;
      heard = arrived;
      joining = new LinkedHashMap<>();
      leaving = new TreeSet<>();
      arrived = HashMap.newHashMap(heard.size());
    }
    left.forEach(builder::remove);
    joined.values().removeIf(joins -> !registered(joins.site()));
    for (Arrived arrival : heard.values()) {
      switch (builder.apply(arrival.heartbeat(), arrival.atMs())) {
        case Applied.Accepted _, Applied.Stale _ -> {}
        case Applied.UnknownSite(String siteId) -> forget(siteId);
      }
    }
    GridView next = builder.snapshot(clockMs.getAsLong());
    if (!joined.isEmpty()) {
      @Nullable SiteAddress[] grown = Arrays.copyOf(addresses, next.roster().siteCount());
      joined.forEach((id, joins) -> grown[next.roster().indexOfSite(id)] = joins.address());
      addresses = grown;
    }
    view = next;
  }

  /// False when the view refuses the site, which costs nobody else the view.
  private boolean registered(SiteSpec site) {
    try {
      builder.register(site);
      return true;
    } catch (IllegalArgumentException e) {
      log.warn("site {} cannot join: {}", site.id(), e.getMessage());
      forget(site.id());
      return false;
    }
  }

  /// A site that the view does not know has to register again: its next heartbeat is answered so.
  private void forget(String siteId) {
    synchronized (lock) {
      if (!joining.containsKey(siteId)) {
        count(sites.remove(siteId), -1);
      }
    }
  }

  /// The sites that are registered now, in no order. A copy; for people's eyes, not for requests.
  public List<SiteSpec> sites() {
    synchronized (lock) {
      return new ArrayList<>(sites.values());
    }
  }
}
