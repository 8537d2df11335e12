package org.aigrid.twin.play;

import java.util.SplittableRandom;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PrefixIndexSettings;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;

/// Carries out a `Policy`: core's router itself, or a simple rule to compare it with. The rules get
/// the same counts as the router. One thread.
final class Chooser {
  /// No place was found.
  static final int NOWHERE = -1;

  private static final int MODEL = 0;
  private static final int DEADLINE_MS = 60_000;

  private final Policy policy;
  private final Router router;
  private final InFlight inFlight;
  private final PrefixIndex prefixes = new PrefixIndex(new PrefixIndexSettings(64, 1_000));
  private final SplittableRandom random;
  private int turn;

  Chooser(Policy policy, RouterSettings settings, InFlight inFlight, long seed) {
    this.policy = policy;
    this.inFlight = inFlight;
    router = new Router(settings);
    random = new SplittableRandom(seed);
  }

  /// The endpoint for a request of a caller at `site`, or `NOWHERE`.
  int choose(GridView view, int site, int promptTokens, long nowMs) {
    Roster roster = view.roster();
    return switch (policy) {
      case OURS -> routed(view, site, promptTokens, nowMs);
      case NEAREST -> roster.endpointOf(site, MODEL);
      case HUB -> roster.endpointOf(roster.hub(0), MODEL);
      case LEAST_IN_FLIGHT -> leastInFlight(view, site);
      case TWO_CHOICES -> lessLoaded(view, drawn(roster), drawn(roster));
      case ROUND_ROBIN -> {
        turn = (turn + 1) % roster.endpointCountOfModel(MODEL);
        yield roster.endpointOfModel(MODEL, turn);
      }
    };
  }

  private int routed(GridView view, int site, int promptTokens, long nowMs) {
    var request =
        new RouteRequest(
            MODEL, promptTokens, 0, null, site, -1, DEADLINE_MS, RouteRequest.NONE_TRIED);
    return switch (router.route(view, inFlight, prefixes, request, random, nowMs)) {
      case Route.Placed placed -> placed.endpoint();
      case Route.Refused _ -> NOWHERE;
    };
  }

  private int leastInFlight(GridView view, int site) {
    Roster roster = view.roster();
    int best = roster.endpointOf(site, MODEL);
    for (int i = 0; i < Roster.NEIGHBOURS_MAX; i++) {
      best = lessLoaded(view, best, roster.endpointOfNeighbour(site, i, MODEL));
    }
    int regional = roster.regionalOf(site);
    if (regional >= 0) {
      best = lessLoaded(view, best, roster.endpointOf(regional, MODEL));
    }
    return lessLoaded(view, best, roster.endpointOf(roster.hub(0), MODEL));
  }

  private int drawn(Roster roster) {
    return roster.endpointOfModel(MODEL, random.nextInt(roster.endpointCountOfModel(MODEL)));
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
}
