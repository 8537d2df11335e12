package org.aigrid.core.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.SmallWorld;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PrefixIndexSettings;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.Explanation.Candidate;
import org.aigrid.core.route.Explanation.Standing;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

class RouterTest {
  private static final int SEEDS = 400;
  private static final RouterSettings CHEAPEST = RouterSettings.DEFAULT.withExplorationShare(0);

  /// A grid drawn from a seed: heartbeats of every kind, some leases over, some load, some
  /// prefixes.
  private static final class World {
    final SplittableRandom random;
    final GridView view;
    final InFlight inFlight = new InFlight(256);
    final PrefixIndex prefixes = new PrefixIndex(new PrefixIndexSettings(1 << 12, 600_000));
    final List<PromptBlocks> prompts = new ArrayList<>();
    long nowMs = 2_000;

    World(long seed) {
      random = new SplittableRandom(seed);
      List<SiteSpec> sites = SmallWorld.sites(2 + random.nextInt(50), random);
      var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
      builder.registerAll(sites);
      for (SiteSpec site : sites) {
        if (random.nextInt(10) > 0) {
          builder.apply(SmallWorld.any(site, 1, random), random.nextInt(2_000));
        }
      }
      view = builder.snapshot(nowMs);
      int endpoints = view.roster().endpointCount();
      for (int i = 0; i < 40 && endpoints > 0; i++) {
        inFlight.charge(random.nextInt(endpoints), random.nextInt(20_000), 60_000);
      }
      for (int i = 0; i < 4; i++) {
        var blocks = new PromptBlocks();
        byte[] bytes = new byte[256 * (2 + random.nextInt(60))];
        random.nextBytes(bytes);
        blocks.update(bytes, 0, bytes.length);
        prompts.add(blocks);
        for (int h = random.nextInt(4); h > 0 && endpoints > 0; h--) {
          prefixes.record(blocks, random.nextInt(endpoints), nowMs);
        }
      }
    }

    RouteRequest request() {
      Roster roster = view.roster();
      PromptBlocks blocks = prompts.get(random.nextInt(prompts.size()));
      int[] tried = new int[random.nextInt(4)];
      for (int i = 0; i < tried.length; i++) {
        tried[i] = random.nextInt(roster.endpointCount() + 1);
      }
      return new RouteRequest(
          roster.indexOfModel(random.nextBoolean() ? SmallWorld.MODEL : SmallWorld.LARGE_MODEL),
          blocks.count() * PromptBlocks.BLOCK_TOKENS + random.nextInt(200),
          random.nextInt(2_000),
          random.nextInt(4) == 0 ? null : blocks,
          random.nextInt(-1, roster.siteCount()),
          random.nextBoolean() ? -1 : roster.jurisdictionBits(List.of("JP", "DE")),
          random.nextInt(4) > 0 ? null : sites(roster.siteCount()),
          random.nextInt(1_000, 120_000),
          ServiceTier.values()[random.nextInt(ServiceTier.values().length)],
          tried);
    }

    /// Some sites, often few or none.
    SiteSet sites(int count) {
      int[] classes = new int[count];
      for (int i = 0; i < count; i++) {
        classes[i] = random.nextInt(1, 20);
      }
      long bits = 0;
      for (int i = random.nextInt(8); i > 0; i--) {
        bits |= 1L << random.nextInt(20);
      }
      return new SiteSet(classes, new long[] {bits});
    }

    boolean permitted(RouteRequest request, int endpoint) {
      int site = view.roster().siteOf(endpoint);
      boolean tried = false;
      for (int e : request.triedEndpoints()) {
        tried |= e == endpoint;
      }
      return readyBut(request, site, endpoint) && !tried;
    }

    boolean readyBut(RouteRequest request, int site, int endpoint) {
      return view.roster().modelOf(endpoint) == request.model()
          && (view.roster().jurisdictionBit(site) & request.jurisdictionBits()) != 0
          && (request.permitted() == null || request.permitted().contains(site))
          && view.leaseEndMs(site) > nowMs
          && view.admission(site) == AdmissionState.NEW_AND_EXISTING
          && view.serving(endpoint)
          && view.aiShare(endpoint) > 0;
    }

    Route route(Router router, RouteRequest request, long seed) {
      return router.route(view, inFlight, prefixes, request, new SplittableRandom(seed), nowMs);
    }
  }

  @Test
  void aRequestNeverRunsWhereItIsNotPermitted() {
    int placed = 0;
    int explored = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      var world = new World(seed);
      var router = new Router(RouterSettings.DEFAULT.withExplorationShare(0.3));
      for (int i = 0; i < 20; i++) {
        RouteRequest request = world.request();
        if (world.route(router, request, i) instanceof Route.Placed p) {
          assertThat(world.permitted(request, p.endpoint())).as("seed %d %s", seed, p).isTrue();
          assertThat(p.site()).isEqualTo(world.view.roster().siteOf(p.endpoint()));
          if (p.runnerUp() >= 0) {
            assertThat(world.permitted(request, p.runnerUp())).as("seed %d", seed).isTrue();
          }
          placed++;
          explored += p.reason() == Reason.EXPLORATION ? 1 : 0;
        }
      }
    }
    assertThat(placed).isGreaterThan(SEEDS * 3);
    assertThat(explored).isGreaterThan(SEEDS / 10);
  }

  @Test
  void aRefusalNamesTheFirstCheckThatLeftNothing() {
    int[] seen = new int[Refusal.values().length];
    for (int seed = 0; seed < SEEDS; seed++) {
      var world = new World(seed);
      var router = new Router(CHEAPEST);
      Roster roster = world.view.roster();
      for (int i = 0; i < 20; i++) {
        RouteRequest request = world.request();
        boolean anyServes = false;
        boolean anyAllowed = false;
        boolean anyReady = false;
        boolean anyUntried = false;
        for (int e = 0; e < roster.endpointCount(); e++) {
          int site = roster.siteOf(e);
          boolean serves = roster.modelOf(e) == request.model();
          boolean ready = world.readyBut(request, site, e);
          anyServes |= serves;
          anyAllowed |= serves && request.permits(site, roster.jurisdictionBit(site));
          anyReady |= ready;
          anyUntried |= world.permitted(request, e);
        }
        Refusal expected =
            !anyServes
                ? Refusal.MODEL_UNKNOWN
                : !anyAllowed
                    ? Refusal.RESIDENCY_FORBIDS
                    : !anyReady
                        ? Refusal.NO_ENDPOINT_READY
                        : !anyUntried ? Refusal.ALL_TRIED : Refusal.SATURATED;
        switch (world.route(router, request, i)) {
          case Route.Refused(Refusal why, int retryAfterMs) -> {
            assertThat(why).as("seed %d request %d", seed, i).isEqualTo(expected);
            assertThat(retryAfterMs > 0)
                .isEqualTo(why != Refusal.MODEL_UNKNOWN && why != Refusal.RESIDENCY_FORBIDS);
            seen[why.ordinal()]++;
          }
          case Route.Placed _ -> assertThat(anyUntried).as("seed %d request %d", seed, i).isTrue();
        }
      }
    }
    var softly = new SoftAssertions();
    for (Refusal refusal : Refusal.values()) {
      if (refusal != Refusal.CONTEXT_TOO_LONG) {
        softly.assertThat(seen[refusal.ordinal()]).as(refusal.name()).isPositive();
      }
    }
    softly.assertAll();
  }

  @Test
  void withoutStickinessAndExplorationTheCheapestWinsAndTheSecondIsNamed() {
    int compared = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      var world = new World(seed);
      var router = new Router(CHEAPEST);
      for (int i = 0; i < 20; i++) {
        if (!(world.route(router, world.request(), i) instanceof Route.Placed p)) {
          continue;
        }
        Explanation why = router.explain(world.view, p);
        double least = Double.MAX_VALUE;
        double second = Double.MAX_VALUE;
        double leastFirstTokenMs = Double.MAX_VALUE;
        for (Candidate c : why.candidateList()) {
          if (c.standing() == Standing.READY) {
            least = Math.min(least, c.costMs());
            leastFirstTokenMs =
                Math.min(leastFirstTokenMs, c.roundTripMs() + c.queueMs() + c.prefillMs());
            if (c.endpoint() != p.endpoint()) {
              second = Math.min(second, c.costMs());
            }
            assertThat(c.costMs())
                .isEqualTo(
                    c.roundTripMs() + c.queueMs() + c.prefillMs() + c.decodeMs() + c.evictionMs())
                .isNotNegative();
          }
        }
        if (p.reason() == Reason.STICKY_PREFIX) {
          assertThat(p.firstTokenMs())
              .as("seed %d %s", seed, p)
              .isLessThanOrEqualTo(leastFirstTokenMs + CHEAPEST.stickyPenaltyMsMax());
          assertThat(p.cachedTokens()).isPositive();
        } else {
          assertThat(p.costMs()).as("seed %d %s", seed, p).isEqualTo(least);
          compared++;
        }
        assertThat(p.runnerUpCostMs()).isEqualTo(second == Double.MAX_VALUE ? 0 : second);
      }
    }
    assertThat(compared).isGreaterThan(SEEDS);
  }

  /// Other regional centres are drawn at random only, so only base stations are compared.
  @Test
  void lookingNoFurtherThanNecessaryNeverMissesAClearlyBetterBaseStation() {
    int stoppedEarly = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      var world = new World(seed);
      var quick = new Router(CHEAPEST);
      var thorough = new Router(CHEAPEST, true);
      for (int i = 0; i < 20; i++) {
        RouteRequest request = world.request();
        if (!(world.route(quick, request, i) instanceof Route.Placed p)) {
          continue;
        }
        int looked = quick.explain(world.view, p).candidateList().size();
        Route full = world.route(thorough, request, i);
        List<Candidate> all = thorough.explain(world.view, full).candidateList();
        if (looked == all.size()) {
          continue;
        }
        stoppedEarly++;
        for (Candidate c : all) {
          if (c.standing() == Standing.READY
              && world.view.roster().tierOfEndpoint(c.endpoint()) == Tier.CELL
              && p.reason() != Reason.STICKY_PREFIX) {
            assertThat(c.costMs() + CHEAPEST.contentMs())
                .as("seed %d %s", seed, p)
                .isGreaterThanOrEqualTo(p.costMs());
          }
        }
      }
    }
    assertThat(stoppedEarly).isGreaterThan(SEEDS / 4);
  }

  @Test
  void theSameInputsGiveTheSameAnswerFromAnyRouter() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var world = new World(seed);
      var used = new Router(RouterSettings.DEFAULT);
      for (int i = 0; i < 5; i++) {
        RouteRequest request = world.request();
        Route first = world.route(used, request, i);
        assertThat(world.route(used, request, i)).isEqualTo(first);
        assertThat(world.route(new Router(RouterSettings.DEFAULT), request, i)).isEqualTo(first);
      }
    }
  }

  // From here on two equal sites, `a` at the caller and `b` 60 km away.

  private static final SiteSpec A = SmallWorld.site("a", Tier.CELL, 35, 139);
  private static final SiteSpec B = SmallWorld.site("b", Tier.CELL, 35.5, 139.3);

  private final PrefixIndex prefixes = new PrefixIndex(PrefixIndexSettings.DEFAULT);
  private final InFlight inFlight = new InFlight(64);
  private final PromptBlocks blocks = new PromptBlocks();

  private static GridView two(int queuedTokensAtB) {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    builder.registerAll(List.of(A, B));
    builder.apply(SmallWorld.idle(A, 1, 10_000), 0);
    builder.apply(
        new Heartbeat(
            "b",
            1L + queuedTokensAtB, // a report of its own for each load
            10_000,
            AdmissionState.NEW_AND_EXISTING,
            List.of(new EndpointLoad(SmallWorld.MODEL, queuedTokensAtB, 0, 1, 1_000, 0))),
        0);
    return builder.snapshot(0);
  }

  private Route route(GridView view, RouteRequest request) {
    return new Router(CHEAPEST)
        .route(view, inFlight, prefixes, request, new SplittableRandom(1), 1_000);
  }

  private RouteRequest request(int promptTokens) {
    return new RouteRequest(
        0, promptTokens, 64, blocks, 0, -1, 60_000, ServiceTier.STANDARD, RouteRequest.NONE_TRIED);
  }

  /// Site A, the caller's own, beside a radio; site B free.
  private static GridView besideRadio(double aiShare, double reclaimsPerHour) {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    builder.registerAll(List.of(A, B));
    EndpointLoad load = EndpointLoad.idle(SmallWorld.MODEL).beside(aiShare, reclaimsPerHour);
    builder.apply(new Heartbeat("a", 1, 10_000, AdmissionState.NEW_AND_EXISTING, List.of(load)), 0);
    builder.apply(SmallWorld.idle(B, 1, 10_000), 0);
    return builder.snapshot(0);
  }

  @Test
  void whatAPolicyPermitsIsFoundHoweverFewTheSitesAreAndNothingElse() {
    var sites = new ArrayList<SiteSpec>();
    for (int i = 0; i < 5_000; i++) {
      sites.add(
          new SiteSpec(
              "cell-" + i, "", Tier.CELL, "tokyo", A.position(), "JP", "operator", A.endpoints()));
    }
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    builder.registerAll(sites);
    for (SiteSpec site : sites) {
      builder.apply(SmallWorld.idle(site, 1, 10_000), 0);
    }
    GridView view = builder.snapshot(0);
    int[] classes = new int[5_000];
    classes[4_321] = 1;
    var only = new SiteSet(classes, new long[] {2});
    assertThat(((Route.Placed) route(view, permittedAt(only))).site()).isEqualTo(4_321);
    assertThat(route(view, permittedAt(new SiteSet(classes, new long[] {4}))))
        .isEqualTo(new Route.Refused(Refusal.RESIDENCY_FORBIDS, 0));
  }

  private RouteRequest permittedAt(SiteSet sites) {
    return new RouteRequest(
        0, 500, 64, blocks, 0, -1, sites, 60_000, ServiceTier.STANDARD, RouteRequest.NONE_TRIED);
  }

  @Test
  void whereTheRadioHoldsTheGpuNothingGoes() {
    var router = new Router(CHEAPEST);
    GridView view = besideRadio(0, 0);
    Route route =
        router.route(view, inFlight, prefixes, request(500), new SplittableRandom(1), 1_000);
    assertThat(((Route.Placed) route).endpoint()).isEqualTo(1);
    assertThat(router.explain(view, route).candidateList())
        .anySatisfy(c -> assertThat(c.standing()).isEqualTo(Standing.RADIO_HOLDS));
    assertThat(((Route.Placed) route(besideRadio(0.5, 0), request(500))).endpoint()).isZero();
  }

  @Test
  void theDangerOfBeingRevokedIsATermOfTheCost() {
    var router = new Router(CHEAPEST);
    double calm = 0;
    for (double reclaims : new double[] {0, 1, 3_600}) {
      GridView view = besideRadio(1, reclaims);
      Route route =
          router.route(view, inFlight, prefixes, request(4_000), new SplittableRandom(1), 1_000);
      Candidate own =
          router.explain(view, route).candidateList().stream()
              .filter(c -> c.endpoint() == 0)
              .findFirst()
              .orElseThrow();
      assertThat(own.evictionMs()).isGreaterThanOrEqualTo(calm);
      calm = Math.max(own.evictionMs(), 1e-9);
      // With a reclaim each second the stream would hardly end there.
      assertThat(((Route.Placed) route).endpoint()).isEqualTo(reclaims < 3_600 ? 0 : 1);
    }
    GridView view = besideRadio(0.25, 60);
    assertThat(view.aiShare(0)).isCloseTo(0.25, within(0.01));
    assertThat(view.reclaimsPerHour(0)).isCloseTo(60, within(60 * 0.1));
    assertThat(view.expectedStayMs(0)).isCloseTo(60_000, within(6_000.0));
    assertThat(view.reclaimProbability(0, 60_000)).isCloseTo(0.63, within(0.05));
    assertThat(view.expectedStayMs(1)).isInfinite();
  }

  @Test
  void besideARadioNobodyIsSentWhoseClassHasItsPart() {
    GridView view = besideRadio(0.5, 1);
    int slots = (int) (view.roster().profile(0).sequencesMax() * view.aiShare(0));
    assertThat(slots).isGreaterThan(10);
    for (ServiceTier tier : ServiceTier.values()) {
      for (int inside = 0; inside <= slots; inside++) {
        var busy = new InFlight(1_000);
        for (int i = 0; i < inside; i++) {
          busy.firstToken(busy.charge(0, 1, Long.MAX_VALUE));
        }
        var request = new RouteRequest(0, 500, 64, null, 0, -1, 60_000, tier, new int[] {1});
        var router = new Router(CHEAPEST);
        Route route = router.route(view, busy, prefixes, request, new SplittableRandom(1), 1_000);
        assertThat(router.explain(view, route).candidateList())
            .as("terms that can be shown")
            .allSatisfy(c -> assertThat(c.costMs()).isFinite());
        assertThat(route instanceof Route.Placed)
            .as("%s where %d of %d are", tier, inside, slots)
            .isEqualTo(inside < tier.slots(slots));
      }
    }
  }

  @Test
  void aPeakIsShedClassByClass() {
    double tokensPerMs = two(0).roster().profile(1).prefillTokensPerSecond() / 1000;
    ServiceTier shed = null;
    for (double waitMs = 500; waitMs < 60_000; waitMs *= 1.1) {
      GridView view = two((int) (waitMs * tokensPerMs));
      boolean refused = false;
      for (ServiceTier tier : ServiceTier.values()) {
        var request = new RouteRequest(0, 500, 64, null, 1, -1, 60_000, tier, new int[] {0});
        boolean placed = route(view, request) instanceof Route.Placed;
        assertThat(placed && refused).as("%s at %.0f ms", tier, waitMs).isFalse();
        if (!placed && !refused) {
          refused = true;
          assertThat(shed == null || !tier.yieldsTo(shed)).isTrue();
          shed = tier;
          assertThat(route(view, request))
              .isInstanceOfSatisfying(
                  Route.Refused.class,
                  r -> {
                    assertThat(r.why()).isEqualTo(Refusal.SATURATED);
                    assertThat(r.retryAfterMs()).isPositive();
                  });
        }
      }
    }
    assertThat(shed).isEqualTo(ServiceTier.REALTIME);
  }

  @Test
  void anIdleGridServesAtTheCallersOwnSite() {
    assertThat(route(two(0), request(500)))
        .isInstanceOfSatisfying(Route.Placed.class, p -> assertThat(p.endpoint()).isZero());
  }

  @Test
  void aConversationStaysWhereItsPrefixIsUntilThatCostsMoreThanTheBudget() {
    blocks.update(new byte[256 * 8], 0, 256 * 8); // 512 tokens: 20 ms of prefill
    prefixes.record(blocks, 1, 0);
    double tokensPerMs = two(0).roster().profile(1).prefillTokensPerSecond() / 1000;

    int within = (int) (0.8 * CHEAPEST.stickyPenaltyMsMax() * tokensPerMs);
    assertThat(route(two(within), request(520)))
        .isInstanceOfSatisfying(
            Route.Placed.class,
            p -> {
              assertThat(p.endpoint()).isEqualTo(1);
              assertThat(p.reason()).isEqualTo(Reason.STICKY_PREFIX);
              assertThat(p.cachedTokens()).isEqualTo(512);
              assertThat(p.uncachedTokens()).isEqualTo(8);
            });

    int above = (int) (1.2 * CHEAPEST.stickyPenaltyMsMax() * tokensPerMs);
    assertThat(route(two(above), request(520)))
        .isInstanceOfSatisfying(
            Route.Placed.class,
            p -> {
              assertThat(p.endpoint()).isZero();
              assertThat(p.reason()).isEqualTo(Reason.LOWEST_COST);
            });
  }

  @Test
  void aShortPrefixIsNotSticky() {
    blocks.update(new byte[256 * 3], 0, 256 * 3);
    prefixes.record(blocks, 1, 0);
    assertThat(route(two(2_000), request(200)))
        .isInstanceOfSatisfying(Route.Placed.class, p -> assertThat(p.endpoint()).isZero());
  }

  @Test
  void loadThatThisRouterSentMovesTheNextRequestAway() {
    inFlight.charge(0, 30_000, 60_000);
    assertThat(route(two(0), request(500)))
        .isInstanceOfSatisfying(Route.Placed.class, p -> assertThat(p.endpoint()).isEqualTo(1));
  }

  @Test
  void aPromptFarBeyondTheContextIsRefused() {
    assertThat(route(two(0), request(300_000)))
        .isEqualTo(new Route.Refused(Refusal.CONTEXT_TOO_LONG, 0));
  }

  @Test
  void aFullGridSaysWhenToComeBack() {
    inFlight.charge(0, 2_000_000, 60_000);
    assertThat(route(two(2_000_000), request(500)))
        .isInstanceOfSatisfying(
            Route.Refused.class,
            refused -> {
              assertThat(refused.why()).isEqualTo(Refusal.SATURATED);
              assertThat(refused.retryAfterMs()).isBetween(1_000, 60_000);
            });
  }

  private void suspect(GridView view, int endpoint) {
    Router.takeReport(view, inFlight, endpoint);
    inFlight.suspect(endpoint);
  }

  @Test
  void anUnreachableEndpointIsPassedOverUntilItsSiteSpeaksAgain() {
    GridView view = two(0);
    suspect(view, 0);
    assertThat(route(view, request(500)))
        .isInstanceOfSatisfying(Route.Placed.class, p -> assertThat(p.endpoint()).isEqualTo(1));

    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    builder.registerAll(List.of(A, B));
    builder.apply(SmallWorld.idle(A, 2, 10_000), 0);
    builder.apply(SmallWorld.idle(B, 1, 10_000), 0);
    assertThat(route(builder.snapshot(0), request(500)))
        .isInstanceOfSatisfying(Route.Placed.class, p -> assertThat(p.endpoint()).isZero());
  }

  @Test
  void anUnreachableEndpointIsBetterThanNone() {
    GridView view = two(0);
    suspect(view, 0);
    suspect(view, 1);
    assertThat(route(view, request(500))).isInstanceOf(Route.Placed.class);
  }
}
