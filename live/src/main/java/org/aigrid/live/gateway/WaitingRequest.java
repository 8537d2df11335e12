package org.aigrid.live.gateway;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.TenantResidencies;
import org.jspecify.annotations.Nullable;

/// A request while it waits for a place. Whoever has made one asks it, behind the gateway's lock
/// and on any thread; what becomes of it is told on its own event loop. What it is asked for does
/// not change, but for where it may run: by the policies of that moment, which may be others than
/// when it came.
final class WaitingRequest implements Dispatch.Waiter {
  /// Hears on the event loop what became of it.
  @FunctionalInterface
  interface Arrival {
    /// Owns the decision's lease.
    void arrived(
        WaitingRequest request, Dispatch.Decision decision, GridView view, ServiceTier rank);
  }

  /// Where one of two has no place, the other has none. Retries are like nobody else, since each
  /// has tried other endpoints.
  private record Kind(
      int originSite,
      long jurisdictionBits,
      @Nullable SiteSet permitted,
      int promptClass,
      int outputClass,
      @Nullable Object retry) {}

  private final Gateway gateway;
  private final KeyEntry key;
  private final RequestFacts facts;
  private final String model;
  private final RouteRequest wanted;
  private final long bytes;
  private final boolean explained;
  private final EventExecutor loop;
  private final Arrival arrival;
  private final long deadlineMs; // on the grid's clock
  private final long sinceNanos = System.nanoTime();

  // Behind the gateway's lock: where it may run by the rules and the sites of the last time.
  private TenantResidencies.@Nullable Ruled rules;
  private @Nullable Roster roster;
  private @Nullable SiteSet permitted;
  private @Nullable Kind kind;

  private volatile Route.Refused refused = new Route.Refused(Refusal.SATURATED, 1_000);
  private @Nullable ScheduledFuture<?> patience; // on its event loop

  /// @param wanted as the router was asked last; its blocks are copied
  /// @param bytes that its body takes
  WaitingRequest(
      Gateway gateway,
      KeyEntry key,
      RequestFacts facts,
      String model,
      RouteRequest wanted,
      long bytes,
      boolean explained,
      EventExecutor loop,
      Arrival arrival) {
    this.gateway = gateway;
    this.key = key;
    this.facts = facts;
    this.model = model;
    PromptBlocks blocks = wanted.blocks();
    this.wanted = wanted.with(blocks == null ? null : blocks.copy());
    this.bytes = bytes;
    this.explained = explained;
    this.loop = loop;
    this.arrival = arrival;
    deadlineMs = gateway.grid().nowMs() + wanted.deadlineMs();
  }

  /// The timer that ends its wait.
  void watch(ScheduledFuture<?> timer) {
    patience = timer;
  }

  /// Its wait is over; returns how long it was, in nanoseconds.
  long over() {
    if (patience != null) {
      patience.cancel(false);
    }
    return System.nanoTime() - sinceNanos;
  }

  /// Why it had no place when it was last asked.
  Route.Refused refused() {
    return refused;
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public String tenant() {
    return key.tenant();
  }

  @Override
  public int weight() {
    TenantDirectory.Key booked = key.booked();
    return booked == null ? 1 : booked.tenant().weight();
  }

  @Override
  public ServiceTier tier() {
    return facts.tier();
  }

  @Override
  public int inputTokens() {
    return wanted.promptTokens();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public boolean explained() {
    return explained;
  }

  @Override
  public Object kind(GridView view) {
    resolve(view.roster());
    Kind known = kind;
    if (known == null) {
      known =
          new Kind(
              wanted.originSite(),
              Gateway.jurisdictionBits(view.roster(), facts),
              permitted,
              Integer.numberOfLeadingZeros(wanted.promptTokens()),
              Integer.numberOfLeadingZeros(wanted.outputTokensMax()),
              wanted.triedEndpoints().length == 0 ? null : this);
      kind = known;
    }
    return known;
  }

  @Override
  public RouteRequest request(GridView view, ServiceTier rank, long nowMs) {
    Roster sites = view.roster();
    resolve(sites);
    // Its own wait is bounded elsewhere; a place is good for it or not however little is left.
    long leftMs = Math.max(deadlineMs - nowMs, gateway.settings().waiting().placeWaitMsMax());
    return new RouteRequest(
        sites.indexOfModel(model),
        wanted.promptTokens(),
        wanted.outputTokensMax(),
        wanted.blocks(),
        wanted.originSite(),
        Gateway.jurisdictionBits(sites, facts),
        permitted,
        (int) Math.min(leftMs, RouteRequest.DEADLINE_MS_MAX),
        rank,
        wanted.triedEndpoints());
  }

  /// Asks the policies again where they, or the sites, are others than the last time.
  private void resolve(Roster sites) {
    TenantResidencies.Ruled now = gateway.rules(key);
    if (roster != sites || rules != now) {
      permitted = gateway.permitted(key, PolicyAction.INFER, sites, facts);
      rules = now;
      roster = sites;
      kind = null;
    }
  }

  @Override
  public void passedOver(Route.Refused why) {
    refused = why;
  }

  @Override
  public void arrived(Dispatch.Decision decision, GridView view, ServiceTier rank) {
    loop.execute(() -> arrival.arrived(this, decision, view, rank));
  }
}
