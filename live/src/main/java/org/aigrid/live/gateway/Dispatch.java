package org.aigrid.live.gateway;

import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.aigrid.core.admit.FairQueue;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.node.Handover;
import org.aigrid.core.node.HandoverSettings;
import org.aigrid.core.node.PrewarmBudget;
import org.aigrid.core.node.RetryBudget;
import org.aigrid.core.route.Explanation;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The gateway's one copy of what core's router remembers, behind one lock.
///
/// All event loops share it, because load that only one of them knows is load that the others
/// double. A decision holds the lock for one to two microseconds: at 20,000 requests a second it is
/// taken 4 % of the time. While requests wait for a place, whatever may have made one holds it for
/// a search, 0.2 ms at most and one decision more. More gateways are more processes, not more
/// locks.
final class Dispatch {
  private static final int SWEEP_SLOTS = 8;
  private static final int HEDGE_RESERVE = 16;
  private static final int RETRY_AFTER_MS = 1_000;

  /// How long the lock is held for those who wait, but for the routing decision that is under way.
  private static final long SERVE_NANOS_MAX = 200_000;

  private static final Logger log = LoggerFactory.getLogger(Dispatch.class);

  private final ReentrantLock lock = new ReentrantLock();
  private final Router router;
  private final InFlight inFlight;
  private final PrefixIndex prefixes;
  private final RetryBudget retries;
  private final RetryBudget hedges;
  private final Router patient; // knows no waiting room: for streams between two sites
  private final Router steady; // explores nothing: for handovers and pre-warms
  private final WaitingRoom<Waiter> room;
  private volatile int waiting; // of the room, to be read without the lock
  private final Supplier<GridView> views;
  private final LongSupplier clockMs;
  private final PrewarmBudget prewarms;
  private final HandoverSettings handover;
  private final int[] holders = new int[2 * PrefixIndex.HOLDERS_MAX];
  private final int[] heldBlocks = new int[2 * PrefixIndex.HOLDERS_MAX];
  private final SplittableRandom random;
  private final int leaseMs;

  /// A decision, the charge that goes with it, and its reasons where they were asked for.
  record Decision(Route route, long lease, @Nullable Explanation explanation) {}

  /// Whether a stream moves, and the charge of its new place, `InFlight.NONE` when it does not.
  record Weighed(Handover.Decision decision, long lease) {}

  /// A request that waits for a place. Called behind the gateway's lock, by any thread.
  interface Waiter {
    String model();

    String tenant();

    int weight();

    ServiceTier tier();

    int inputTokens();

    /// That it takes while it waits.
    long bytes();

    /// What decides by now where it may run, what it is near and how much it needs.
    Object kind(GridView view);

    /// As the router has to know it by now.
    ///
    /// @param rank the tier whose places it may have
    RouteRequest request(GridView view, ServiceTier rank, long nowMs);

    boolean explained();

    /// There is no place for it now.
    void passedOver(Route.Refused why);

    /// It has a place and a lease in that view, or is refused for good.
    void arrived(Decision decision, GridView view, ServiceTier rank);
  }

  /// Where a prompt is to be computed ahead, or why not.
  ///
  /// @param outcome `granted`, or why not
  /// @param lease the charge, `InFlight.NONE` when nothing is to be computed
  record Ahead(String outcome, Route.@Nullable Placed target, long lease) {}

  /// @param views the newest view, whenever a place has become free
  /// @param clockMs of the views' leases
  Dispatch(GatewaySettings settings, Supplier<GridView> views, LongSupplier clockMs) {
    this.views = views;
    this.clockMs = clockMs;
    room = new WaitingRoom<>(settings.waiting());
    patient = new Router(settings.router());
    steady = new Router(settings.router().withExplorationShare(0));
    handover = settings.handover();
    prewarms = new PrewarmBudget(handover);
    router = new Router(settings.router().withPlaceWaitMsMax(settings.waiting().placeWaitMsMax()));
    inFlight = new InFlight(settings.requestsMax());
    prefixes = new PrefixIndex(settings.prefixes());
    retries = new RetryBudget(settings.retryShare(), settings.retryReserve());
    hedges = new RetryBudget(settings.hedgeShare(), HEDGE_RESERVE);
    random = new SplittableRandom(settings.seed());
    leaseMs = settings.deadlineMsDefault() + settings.attempts().firstByteMsMost();
  }

  /// Decides and charges. A lease of `InFlight.NONE` with a place means: too many requests under
  /// way.
  ///
  /// @param moving whether it is a stream that has lost its site: it takes any place that there is,
  ///   before all who wait
  Decision route(GridView view, RouteRequest request, boolean moving, long nowMs, boolean explain) {
    lock.lock();
    try {
      return route(moving ? patient : router, view, request, nowMs, explain);
    } finally {
      lock.unlock();
    }
  }

  private Decision route(
      Router by, GridView view, RouteRequest request, long nowMs, boolean explain) {
    inFlight.expire(nowMs, SWEEP_SLOTS);
    Route route = by.route(view, inFlight, prefixes, request, random, nowMs);
    long lease = InFlight.NONE;
    if (route instanceof Route.Placed placed) {
      lease = inFlight.charge(placed.endpoint(), placed.uncachedTokens(), nowMs + leaseMs);
      PromptBlocks blocks = request.blocks();
      if (blocks != null) {
        prefixes.record(blocks, placed.endpoint(), nowMs);
      }
    }
    return new Decision(route, lease, explain ? by.explain(view, route) : null);
  }

  // ---- who waits

  /// Whether somebody waits for a model: then whoever comes waits, too.
  boolean waitsFor(String model) {
    if (waiting == 0) {
      return false;
    }
    lock.lock();
    try {
      return room.waitsFor(model);
    } finally {
      lock.unlock();
    }
  }

  /// What no wait would change; null otherwise.
  @Nullable Refusal refusedForGood(GridView view, RouteRequest request) {
    return router.refusedForGood(view, request); // reads settings and arguments only
  }

  /// Lets a request wait, and offers it a place at once where there is one. False when too many do.
  boolean enter(Waiter waiter) {
    lock.lock();
    try {
      boolean waits =
          room.enter(
                  waiter.model(),
                  waiter.tier(),
                  waiter.tenant(),
                  waiter.weight(),
                  waiter.inputTokens(),
                  waiter.bytes(),
                  waiter)
              == FairQueue.Offer.WAITS;
      serve(waiter.model());
      return waits;
    } finally {
      lock.unlock();
    }
  }

  /// A request waits no longer; false when it has been placed.
  boolean leave(Waiter waiter) {
    lock.lock();
    try {
      boolean left =
          room.leave(waiter.model(), waiter.tier(), waiter.tenant(), waiter.bytes(), waiter);
      waiting = room.waiting();
      return left;
    } finally {
      lock.unlock();
    }
  }

  /// Tokens have been produced for a tenant. Next to nothing while nobody waits.
  void produced(String model, ServiceTier tier, String tenant, int tokens) {
    if (waiting == 0) {
      return;
    }
    lock.lock();
    try {
      room.produced(model, tier, tenant, tokens);
    } finally {
      lock.unlock();
    }
  }

  /// The view may have changed: offers what places there are to those who wait.
  void serve() {
    if (waiting == 0) {
      return;
    }
    lock.lock();
    try {
      for (String model : room.models()) {
        serve(model);
      }
    } finally {
      lock.unlock();
    }
  }

  /// How many wait in a tier.
  int waiting(ServiceTier tier) {
    lock.lock();
    try {
      return room.waiting(tier);
    } finally {
      lock.unlock();
    }
  }

  private void serve(String model) {
    room.serve(model, new Places(views.get(), clockMs.getAsLong()));
    waiting = room.waiting();
  }

  /// Places for those who wait, in one view; as long as the lock may be held for it.
  private final class Places implements WaitingRoom.Places<Waiter> {
    private final GridView view;
    private final long nowMs;
    private final long untilNanos = System.nanoTime() + SERVE_NANOS_MAX;

    Places(GridView view, long nowMs) {
      this.view = view;
      this.nowMs = nowMs;
    }

    @Override
    public Object kind(Waiter waiter) {
      return waiter.kind(view);
    }

    @Override
    public FairQueue.Found find(Waiter waiter, ServiceTier rank) {
      if (System.nanoTime() - untilNanos > 0) {
        return FairQueue.Found.ENOUGH;
      }
      long lease = InFlight.NONE;
      try {
        Decision decision =
            route(router, view, waiter.request(view, rank, nowMs), nowMs, waiter.explained());
        lease = decision.lease();
        if (decision.route() instanceof Route.Placed && lease == InFlight.NONE) {
          return FairQueue.Found.ENOUGH; // too many under way
        }
        if (decision.route() instanceof Route.Refused refused && refused.why().passes()) {
          waiter.passedOver(refused);
          return FairQueue.Found.NOT_FOR_THIS;
        }
        waiter.arrived(decision, view, rank);
      } catch (RuntimeException e) {
        // Whoever it is, it must hold up nobody else.
        log.error("a request that waited cannot be routed", e);
        inFlight.end(lease);
        refuse(waiter, rank);
      }
      return FairQueue.Found.PLACE;
    }

    private void refuse(Waiter waiter, ServiceTier rank) {
      var refused = new Route.Refused(Refusal.NO_ENDPOINT_READY, RETRY_AFTER_MS);
      try {
        waiter.arrived(new Decision(refused, InFlight.NONE, null), view, rank);
      } catch (RuntimeException e) {
        log.warn("a request that waited cannot be told", e); // its event loop is over
      }
    }
  }

  /// A lease weighs less or nothing any more: there may be a place.
  private void eased(int endpoint) {
    if (waiting > 0 && endpoint >= 0) {
      GridView view = views.get();
      Roster roster = view.roster();
      if (endpoint < roster.endpointCount()
          && router.hasRoom(view, inFlight, endpoint, clockMs.getAsLong())) {
        serve(roster.modelSpec(roster.modelOf(endpoint)).name());
      }
    }
  }

  /// Weighs a stream whose caller has moved, and charges its new place.
  Weighed weigh(
      GridView view,
      RouteRequest request,
      int present,
      int generated,
      long stayMs,
      boolean mayWarm,
      long nowMs) {
    lock.lock();
    try {
      Handover.Decision decision =
          Handover.decide(
              steady, view, inFlight, prefixes, request, present, generated, stayMs, mayWarm,
              handover, random, nowMs);
      long lease = InFlight.NONE;
      if (decision instanceof Handover.Decision.Move(Route.Placed target, var _)) {
        lease = inFlight.charge(target.endpoint(), target.uncachedTokens(), nowMs + leaseMs);
        if (request.blocks() != null) {
          prefixes.record(request.blocks(), target.endpoint(), nowMs);
        }
      }
      return new Weighed(decision, lease);
    } finally {
      lock.unlock();
    }
  }

  /// Finds where a prompt is to be computed ahead, takes it from the budget, and charges it. What
  /// was granted ends with `prewarmed`.
  Ahead prewarm(GridView view, RouteRequest request, PromptBlocks blocks, long nowMs) {
    if (blocks.count() == 0) {
      return new Ahead("too_short", null, InFlight.NONE);
    }
    lock.lock();
    try {
      if (waiting > 0 && room.waitsFor(view.roster().modelSpec(request.model()).name())) {
        return new Ahead("saturated", null, InFlight.NONE); // nobody overtakes those who wait
      }
      Route route =
          steady.route(view, inFlight, prefixes, Handover.asIfWarm(request, 0), random, nowMs);
      if (!(route instanceof Route.Placed target)) {
        return new Ahead("no_place", null, InFlight.NONE);
      }
      int held = heldBy(blocks, target.endpoint(), nowMs);
      if (held == blocks.count()) {
        return new Ahead("held", target, InFlight.NONE);
      }
      return switch (prewarms.take(request.promptTokens())) {
        case NO_TOKENS_LEFT -> new Ahead("no_budget", null, InFlight.NONE);
        case TOO_MANY -> new Ahead("too_many", null, InFlight.NONE);
        case GRANTED -> {
          int tokens = request.promptTokens() - held * PromptBlocks.BLOCK_TOKENS;
          long lease = inFlight.charge(target.endpoint(), tokens, nowMs + leaseMs);
          if (lease == InFlight.NONE) {
            prewarms.done(request.promptTokens());
            yield new Ahead("saturated", null, InFlight.NONE);
          }
          yield new Ahead("granted", target, lease);
        }
      };
    } finally {
      lock.unlock();
    }
  }

  private int heldBy(PromptBlocks blocks, int endpoint, long nowMs) {
    int found = prefixes.find(blocks, nowMs, holders, heldBlocks);
    for (int i = 0; i < found; i++) {
      if (holders[i] == endpoint) {
        return heldBlocks[i];
      }
    }
    return 0;
  }

  /// A pre-warm has ended.
  ///
  /// @param endpoint that has computed the prompt, or -1
  /// @param unused of its tokens
  void prewarmed(PromptBlocks blocks, int endpoint, int unused, long nowMs) {
    lock.lock();
    try {
      prewarms.done(unused);
      if (endpoint >= 0) {
        prefixes.record(blocks, endpoint, nowMs);
      }
    } finally {
      lock.unlock();
    }
  }

  void firstToken(long lease) {
    lock.lock();
    try {
      inFlight.firstToken(lease);
      eased(inFlight.endpoint(lease));
    } finally {
      lock.unlock();
    }
  }

  void end(long lease) {
    lock.lock();
    try {
      int endpoint = inFlight.endpoint(lease);
      inFlight.end(lease);
      eased(endpoint);
    } finally {
      lock.unlock();
    }
  }

  /// The endpoint could not be reached: it is passed over until its site speaks again.
  void unreachable(GridView view, int endpoint) {
    lock.lock();
    try {
      Router.takeReport(view, inFlight, endpoint);
      inFlight.suspect(endpoint);
    } finally {
      lock.unlock();
    }
  }

  /// A request of so many prompt tokens has arrived: what it earns for retries, hedges and
  /// pre-warms.
  void earn(int promptTokens) {
    lock.lock();
    try {
      retries.earn();
      hedges.earn();
      prewarms.earn(promptTokens);
    } finally {
      lock.unlock();
    }
  }

  boolean spendRetry() {
    lock.lock();
    try {
      return retries.spend();
    } finally {
      lock.unlock();
    }
  }

  /// Takes one hedge; false when the share of requests that may be hedged is used up.
  boolean spendHedge() {
    lock.lock();
    try {
      return hedges.spend();
    } finally {
      lock.unlock();
    }
  }

  /// Requests under way.
  int inFlight() {
    lock.lock();
    try {
      return inFlight.leases();
    } finally {
      lock.unlock();
    }
  }
}
