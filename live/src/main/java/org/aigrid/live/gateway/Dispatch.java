package org.aigrid.live.gateway;

import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PromptBlocks;
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
  private final SplittableRandom random;
  private final int leaseMs;

  /// A decision, the charge that goes with it, and its reasons where they were asked for.
  record Decision(Route route, long lease, @Nullable Explanation explanation) {}

  Dispatch(GatewaySettings settings) {
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

  void earnRetry() {
    lock.lock();
    try {
      retries.earn();
      hedges.earn();
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
