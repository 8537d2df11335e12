package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.aigrid.core.node.Handover.Decision;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.route.UnderWay;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.junit.jupiter.api.Test;

class HandoverTest {
  private static final HandoverSettings SETTINGS = HandoverSettings.DEFAULT;
  private static final int MEAN_TOKENS = 256;
  private static final long NOW = 1_000;

  private final Router router = new Router(RouterSettings.DEFAULT.withExplorationShare(0));
  private final InFlight inFlight = new InFlight(64);
  private final PrefixIndex prefixes = new PrefixIndex(new PrefixIndexSettings(1 << 12, 600_000));

  /// Where a stream began, a neighbour 3 km away, and a cell at the other end of the country.
  private static GridView grid() {
    return grid(
        SmallWorld.site("begun", Tier.CELL, 35.60, 139.70),
        SmallWorld.site("near", Tier.CELL, 35.62, 139.72),
        SmallWorld.site("far", Tier.CELL, 13.70, 100.50));
  }

  private static GridView grid(SiteSpec... sites) {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    for (SiteSpec site : sites) {
      builder.register(site);
      builder.apply(SmallWorld.idle(site, 1, 60_000), 0);
    }
    return builder.snapshot(NOW);
  }

  private static PromptBlocks prompt(int blockCount) {
    var blocks = new PromptBlocks();
    byte[] bytes = new byte[blockCount * PromptBlocks.BLOCK_BYTES];
    new SplittableRandom(blockCount).nextBytes(bytes);
    blocks.update(bytes, 0, bytes.length);
    return blocks;
  }

  private Decision decide(
      GridView view, String cell, PromptBlocks blocks, int generated, int rest, boolean mayWarm) {
    int present = view.roster().endpointOf(view.roster().indexOfSite("begun"), 0);
    var request =
        new RouteRequest(
            0,
            blocks.count() * PromptBlocks.BLOCK_TOKENS + generated,
            rest,
            blocks,
            view.roster().indexOfSite(cell),
            -1,
            20_000,
            ServiceTier.STANDARD,
            new int[] {present});
    return Handover.decide(
        router,
        view,
        inFlight,
        prefixes,
        request,
        present,
        generated,
        60_000,
        mayWarm,
        SETTINGS,
        new SplittableRandom(1),
        NOW);
  }

  private static String siteOf(GridView view, Route.Placed placed) {
    SiteSpec spec = view.roster().siteSpec(placed.site());
    return spec == null ? "" : spec.id();
  }

  @Test
  void aStreamStaysWhenItsCallerIsInTheNextCell() {
    GridView view = grid();
    assertThat(decide(view, "near", prompt(40), 50, MEAN_TOKENS, true))
        .isInstanceOfSatisfying(
            Decision.Stay.class,
            stay -> assertThat(stay.terms().moveMs()).isGreaterThan(stay.terms().stayMs()));
  }

  @Test
  void aStreamGoesAfterACallerWhoIsFarAway() {
    GridView view = grid();
    assertThat(decide(view, "far", prompt(2), 20, MEAN_TOKENS, true))
        .isInstanceOfSatisfying(
            Decision.Move.class, move -> assertThat(siteOf(view, move.target())).isEqualTo("far"));
  }

  @Test
  void aLongPromptIsComputedAheadAndThenTheStreamMoves() {
    GridView view = grid();
    PromptBlocks blocks = prompt(500);
    Decision cold = decide(view, "far", blocks, 20, MEAN_TOKENS, true);
    assertThat(cold)
        .isInstanceOfSatisfying(
            Decision.Warm.class, warm -> assertThat(siteOf(view, warm.target())).isEqualTo("far"));
    assertThat(decide(view, "far", blocks, 20, MEAN_TOKENS, false))
        .as("where nothing may be computed ahead, it stays")
        .isInstanceOf(Decision.Stay.class);
    prefixes.record(blocks, ((Decision.Warm) cold).target().endpoint(), NOW);
    assertThat(decide(view, "far", blocks, 20, MEAN_TOKENS, false))
        .as("what the target holds is not counted against it")
        .isInstanceOf(Decision.Move.class);
  }

  @Test
  void aStreamNearItsEndStays() {
    GridView view = grid();
    assertThat(decide(view, "far", prompt(2), 20, 4, true)).isInstanceOf(Decision.Stay.class);
    assertThat(decide(view, "far", prompt(2), 20, 0, true)).isInstanceOf(Decision.Stay.class);
  }

  @Test
  void aStreamWithoutAnotherPlaceStays() {
    GridView view = grid(SmallWorld.site("begun", Tier.CELL, 35.60, 139.70));
    assertThat(decide(view, "begun", prompt(2), 20, MEAN_TOKENS, true))
        .isInstanceOf(Decision.NoPlace.class);
  }

  @Test
  void lengthsAreMemorylessUpToTheClientsBound() {
    assertThat(Handover.restTokens(0, 700, MEAN_TOKENS)).isEqualTo(MEAN_TOKENS);
    assertThat(Handover.restTokens(4_096, 700, MEAN_TOKENS)).isEqualTo(MEAN_TOKENS);
    assertThat(Handover.restTokens(750, 700, MEAN_TOKENS)).isEqualTo(50);
    assertThat(Handover.restTokens(700, 701, MEAN_TOKENS)).isZero();
  }

  @Test
  void aCallerWhoSoonMovesOnIsWorthLess() {
    var here = new UnderWay(0, 90, 20, 0, 0, 100);
    var there = new UnderWay(1, 0.3, 20, 0, 0, 100);
    assertThat(Handover.weigh(here, there, 200, 0, 256, 60_000, SETTINGS).worthIt()).isTrue();
    assertThat(Handover.weigh(here, there, 200, 0, 256, 500, SETTINGS).worthIt()).isFalse();
  }

  @Test
  void noStreamStandsStillForLongerThanItMayBeHeld() {
    var here = new UnderWay(0, 900, 20, 0, 0, 100);
    var there = new UnderWay(1, 0.3, 20, 0, 0, 100);
    assertThat(Handover.weigh(here, there, 1_000, 0, 256, 60_000, SETTINGS).worthIt()).isTrue();
    assertThat(Handover.weigh(here, there, 1_001, 0, 256, 60_000, SETTINGS).worthIt()).isFalse();
  }

  @Test
  void aShorterPauseOrALongerWayNeverTurnsAMoveIntoAStay() {
    for (int seed = 0; seed < 2_000; seed++) {
      var random = new SplittableRandom(seed);
      UnderWay here = any(random, 0);
      UnderWay there = any(random, 1);
      double pause = random.nextDouble(3_000);
      double work = random.nextDouble(3_000);
      int rest = random.nextInt(600);
      long stay = random.nextLong(100, 100_000);
      if (Handover.weigh(here, there, pause, work, rest, stay, SETTINGS).worthIt()) {
        var farther =
            new UnderWay(
                0,
                here.roundTripMs() + random.nextDouble(50),
                here.tokenMs(),
                here.decodeMs(),
                here.evictionMs() + random.nextDouble(50),
                here.prefillMs());
        assertThat(
                Handover.weigh(
                        farther,
                        there,
                        pause * random.nextDouble(),
                        work * random.nextDouble(),
                        rest,
                        stay,
                        SETTINGS)
                    .worthIt())
            .as("seed %d", seed)
            .isTrue();
      }
    }
  }

  private static UnderWay any(SplittableRandom random, int endpoint) {
    return new UnderWay(
        endpoint,
        random.nextDouble(150),
        random.nextDouble(5, 80),
        random.nextDouble(1_000),
        random.nextDouble(100),
        random.nextDouble(3_000));
  }

  @Test
  void aStreamMovesOnlyWhereItIsPermittedAndOnlyWhenThatIsCheaper() {
    int moved = 0;
    for (int seed = 0; seed < 1_500; seed++) {
      var random = new SplittableRandom(seed);
      List<SiteSpec> sites = SmallWorld.sites(4 + random.nextInt(30), random);
      var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
      builder.registerAll(sites);
      for (SiteSpec site : sites) {
        builder.apply(
            random.nextBoolean()
                ? SmallWorld.idle(site, 1, 60_000)
                : SmallWorld.any(site, 1, random),
            random.nextInt(1_000));
      }
      GridView view = builder.snapshot(NOW);
      int model = view.roster().indexOfModel(SmallWorld.MODEL);
      if (model < 0) {
        continue;
      }
      var present = new ArrayList<Integer>();
      for (int e = 0; e < view.roster().endpointCount(); e++) {
        if (view.roster().modelOf(e) == model) {
          present.add(e);
        }
      }
      int here = present.get(random.nextInt(present.size()));
      PromptBlocks blocks = prompt(1 + random.nextInt(60));
      int generated = random.nextInt(300);
      long bits = random.nextBoolean() ? -1 : view.roster().jurisdictionBits(List.of("JP", "DE"));
      var request =
          new RouteRequest(
              model,
              blocks.count() * PromptBlocks.BLOCK_TOKENS + generated,
              random.nextInt(400),
              blocks,
              random.nextInt(view.roster().siteCount()),
              bits,
              20_000,
              ServiceTier.STANDARD,
              new int[] {here});
      Decision decision =
          Handover.decide(
              router,
              view,
              new InFlight(8),
              new PrefixIndex(new PrefixIndexSettings(1 << 8, 600_000)),
              request,
              here,
              generated,
              60_000,
              random.nextBoolean(),
              SETTINGS,
              new SplittableRandom(seed),
              NOW);
      Route.Placed target =
          switch (decision) {
            case Decision.Move(Route.Placed to, Handover.Terms terms) -> {
              assertThat(terms.worthIt()).as("seed %d", seed).isTrue();
              yield to;
            }
            case Decision.Warm(Route.Placed to, Handover.Terms terms) -> {
              assertThat(terms.worthIt()).as("seed %d", seed).isTrue();
              yield to;
            }
            case Decision.Stay(Handover.Terms terms) -> {
              assertThat(terms.worthIt()).as("seed %d", seed).isFalse();
              yield null;
            }
            case Decision.NoPlace _ -> null;
          };
      if (target != null) {
        moved++;
        int e = target.endpoint();
        assertThat(e).as("seed %d: not where it is", seed).isNotEqualTo(here);
        assertThat(view.roster().modelOf(e)).isEqualTo(model);
        assertThat(view.roster().jurisdictionBit(target.site()) & bits)
            .as("seed %d: residency", seed)
            .isNotZero();
        assertThat(view.endpointLeaseFresh(e, NOW)).as("seed %d", seed).isTrue();
        assertThat(view.endpointAdmission(e)).isEqualTo(AdmissionState.NEW_AND_EXISTING);
        assertThat(view.aiShare(e)).isPositive();
      }
    }
    assertThat(moved).as("the property was put to the test").isGreaterThan(50);
  }
}
