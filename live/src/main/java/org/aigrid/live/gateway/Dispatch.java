package org.aigrid.live.gateway;

import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.node.Handover;
import org.aigrid.core.node.HandoverSettings;
import org.aigrid.core.node.PrewarmBudget;
import org.aigrid.core.node.RetryBudget;
import org.aigrid.core.route.Explanation;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.view.GridView;
import org.jspecify.annotations.Nullable;

/// The gateway's one copy of what core's router remembers, behind one lock.
///
/// All event loops share it, because load that only one of them knows is load that the others
/// double. A decision holds the lock for one to two microseconds: at 20,000 requests a second it is
/// taken 4 % of the time. More gateways are more processes, not more locks.
final class Dispatch {
  private static final int SWEEP_SLOTS = 8;
  private static final int HEDGE_RESERVE = 16;

  private final ReentrantLock lock = new ReentrantLock();
  private final Router router;
  private final InFlight inFlight;
  private final PrefixIndex prefixes;
  private final RetryBudget retries;
  private final RetryBudget hedges;
  private final Router steady; // explores nothing: for moves and pre-warms
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

  /// Where a prompt is to be computed ahead, or why not.
  ///
  /// @param outcome `granted`, or why not
  /// @param lease the charge, `InFlight.NONE` when nothing is to be computed
  record Ahead(String outcome, Route.@Nullable Placed target, long lease) {}

  Dispatch(GatewaySettings settings) {
    steady = new Router(settings.router().withExplorationShare(0));
    handover = settings.handover();
    prewarms = new PrewarmBudget(handover);
    router = new Router(settings.router());
    inFlight = new InFlight(settings.requestsMax());
    prefixes = new PrefixIndex(settings.prefixes());
    retries = new RetryBudget(settings.retryShare(), settings.retryReserve());
    hedges = new RetryBudget(settings.hedgeShare(), HEDGE_RESERVE);
    random = new SplittableRandom(settings.seed());
    leaseMs = settings.deadlineMsDefault() + settings.attempts().firstByteMsMost();
  }

  /// Decides and charges. A lease of `InFlight.NONE` with a place means: too many requests under
  /// way.
  Decision route(GridView view, RouteRequest request, long nowMs, boolean explain) {
    lock.lock();
    try {
      inFlight.expire(nowMs, SWEEP_SLOTS);
      Route route = router.route(view, inFlight, prefixes, request, random, nowMs);
      long lease = InFlight.NONE;
      if (route instanceof Route.Placed placed) {
        lease = inFlight.charge(placed.endpoint(), placed.uncachedTokens(), nowMs + leaseMs);
        PromptBlocks blocks = request.blocks();
        if (blocks != null) {
          prefixes.record(blocks, placed.endpoint(), nowMs);
        }
      }
      return new Decision(route, lease, explain ? router.explain(view, route) : null);
    } finally {
      lock.unlock();
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
    } finally {
      lock.unlock();
    }
  }

  void end(long lease) {
    lock.lock();
    try {
      inFlight.end(lease);
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
