package org.aigrid.twin.play;

import java.util.SplittableRandom;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PrefixIndexSettings;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.jspecify.annotations.Nullable;

/// Carries out a `Policy`: core's router itself, or a simple rule to compare it with. The rules get
/// the same reports and counts as the router, and like it pass over what is not alive. One thread.
final class Chooser {
  /// No place was found.
  static final int NOWHERE = -1;

  private static final int DRAWS_MAX = 16;

  /// Policies that give no reason may find a place later.
  private static final int RETRY_AFTER_MS = 1_000;

  private final Policy policy;
  private final Router router;
  private final InFlight inFlight;
  private final PrefixIndex prefixes;
  private final SplittableRandom random;
  private int turn;
  private int cachedTokens;
  private double firstTokenMs;
  private Refusal refusal = Refusal.NO_ENDPOINT_READY;
  private int retryAfterMs;

  Chooser(Policy policy, RouterSettings settings, InFlight inFlight, int prefixBlocks, long seed) {
    this.policy = policy;
    this.inFlight = inFlight;
    router = new Router(settings);
    prefixes = new PrefixIndex(new PrefixIndexSettings(Math.max(64, prefixBlocks), 600_000));
    random = new SplittableRandom(seed);
    turn = random.nextInt(1 << 20);
  }

  /// Prompt tokens that the last choice expects in the endpoint's cache.
  int cachedTokens() {
    return cachedTokens;
  }

  /// When the last choice expects the first token; 0 where the policy does not say.
  double firstTokenMs() {
    return firstTokenMs;
  }

  /// Why the last choice was `NOWHERE`.
  Refusal refusal() {
    return refusal;
  }

  /// When a place may be found after all; 0 when never.
  int retryAfterMs() {
    return retryAfterMs;
  }

  /// The endpoint for a request, or `NOWHERE`.
  ///
  /// @param lastEndpoint where the conversation ran before, or -1
  int choose(GridView view, RouteRequest request, int lastEndpoint, long nowMs) {
    cachedTokens = 0;
    firstTokenMs = 0;
    refusal = Refusal.NO_ENDPOINT_READY;
    retryAfterMs = RETRY_AFTER_MS;
    int chosen =
        switch (policy) {
          case OURS -> routed(view, request, nowMs);
          case NEAREST -> nearest(view, request, nowMs);
          case HUB -> hub(view, request, nowMs);
          case LEAST_IN_FLIGHT -> leastInFlight(view, request, nowMs);
          case TWO_CHOICES ->
              lessLoaded(view, drawn(view, request, nowMs), drawn(view, request, nowMs));
          case STICKY -> sticky(view, request, lastEndpoint, nowMs);
          case ROUND_ROBIN -> roundRobin(view, request, nowMs);
        };
    PromptBlocks blocks = request.blocks();
    if (chosen != NOWHERE && blocks != null && policy == Policy.OURS) {
      prefixes.record(blocks, chosen, nowMs);
    }
    return chosen;
  }

  private int routed(GridView view, RouteRequest request, long nowMs) {
    return switch (router.route(view, inFlight, prefixes, request, random, nowMs)) {
      case Route.Placed placed -> {
        cachedTokens = placed.cachedTokens();
        firstTokenMs = placed.firstTokenMs();
        yield placed.endpoint();
      }
      case Route.Refused refused -> {
        refusal = refused.why();
        retryAfterMs = refused.retryAfterMs();
        yield NOWHERE;
      }
    };
  }

  private int nearest(GridView view, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    int site = request.originSite();
    int own = alive(view, roster.endpointOf(site, request.model()), request, nowMs);
    if (own >= 0) {
      return own;
    }
    int regional = roster.regionalOf(site);
    int there =
        regional < 0
            ? NOWHERE
            : alive(view, roster.endpointOf(regional, request.model()), request, nowMs);
    return there >= 0 ? there : hub(view, request, nowMs);
  }

  private int hub(GridView view, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    int best = NOWHERE;
    double bestKm = Double.MAX_VALUE;
    for (int i = 0; i < roster.hubCount(); i++) {
      int endpoint = alive(view, roster.endpointOf(roster.hub(i), request.model()), request, nowMs);
      double km = roster.distanceKm(request.originSite(), roster.hub(i));
      if (endpoint >= 0 && km < bestKm) {
        best = endpoint;
        bestKm = km;
      }
    }
    return best;
  }

  private int leastInFlight(GridView view, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    int site = request.originSite();
    int model = request.model();
    int best = alive(view, roster.endpointOf(site, model), request, nowMs);
    for (int i = 0; i < Roster.NEIGHBOURS_MAX; i++) {
      int neighbour = roster.endpointOfNeighbour(site, i, model);
      best = lessLoaded(view, best, alive(view, neighbour, request, nowMs));
    }
    int regional = roster.regionalOf(site);
    if (regional >= 0) {
      int endpoint = roster.endpointOf(regional, model);
      best = lessLoaded(view, best, alive(view, endpoint, request, nowMs));
    }
    for (int i = 0; i < roster.hubCount(); i++) {
      int endpoint = roster.endpointOf(roster.hub(i), model);
      best = lessLoaded(view, best, alive(view, endpoint, request, nowMs));
    }
    return best;
  }

  private int sticky(GridView view, RouteRequest request, int lastEndpoint, long nowMs) {
    int home = alive(view, lastEndpoint, request, nowMs);
    if (home < 0) {
      home = nearest(view, request, nowMs);
    }
    if (home >= 0 && load(view, home) < 1 && view.waiting(home) == 0) {
      return home;
    }
    int elsewhere = lessLoaded(view, drawn(view, request, nowMs), drawn(view, request, nowMs));
    return lessLoaded(view, home, elsewhere);
  }

  private int roundRobin(GridView view, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    for (int i = 0; i < DRAWS_MAX; i++) {
      turn = turn + 1 & Integer.MAX_VALUE;
      int endpoint =
          roster.endpointOfModel(
              request.model(), turn % roster.endpointCountOfModel(request.model()));
      if (alive(view, endpoint, request, nowMs) >= 0) {
        return endpoint;
      }
    }
    return NOWHERE;
  }

  private int drawn(GridView view, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    for (int i = 0; i < DRAWS_MAX; i++) {
      int drawn = random.nextInt(roster.endpointCountOfModel(request.model()));
      int endpoint = roster.endpointOfModel(request.model(), drawn);
      if (alive(view, endpoint, request, nowMs) >= 0) {
        return endpoint;
      }
    }
    return NOWHERE;
  }

  /// The endpoint itself, or -1 when it does not serve, has no lease, is not permitted or was
  /// tried.
  private static int alive(GridView view, int endpoint, RouteRequest request, long nowMs) {
    if (endpoint < 0 || !view.endpointLeaseFresh(endpoint, nowMs) || !view.serving(endpoint)) {
      return NOWHERE;
    }
    if ((view.roster().jurisdictionBitOfEndpoint(endpoint) & request.jurisdictionBits()) == 0) {
      return NOWHERE;
    }
    for (int tried : request.triedEndpoints()) {
      if (tried == endpoint) {
        return NOWHERE;
      }
    }
    return endpoint;
  }

  /// The one with fewer requests for each of its places; the first when equal.
  private int lessLoaded(GridView view, int a, int b) {
    if (a < 0 || b < 0) {
      return Math.max(a, b);
    }
    return load(view, b) < load(view, a) ? b : a;
  }

  private double load(GridView view, int endpoint) {
    Router.takeReport(view, inFlight, endpoint);
    Roster roster = view.roster();
    return (double) inFlight.requests(endpoint)
        / (roster.profile(endpoint).sequencesMax() * roster.replicas(endpoint));
  }

  /// Blocks of a conversation's prompt: the same beginning for each of its turns.
  static @Nullable PromptBlocks blocks(PromptBlocks into, long conversation, int tokens) {
    into.reset(conversation);
    for (int i = 0; i < tokens / PromptBlocks.BLOCK_TOKENS; i++) {
      into.block(i);
    }
    return into.count() == 0 ? null : into;
  }
}
