package org.aigrid.twin.burst;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.aigrid.twin.burst.BurstSettings.Bounds;
import org.aigrid.twin.burst.BurstSettings.Engines;
import org.aigrid.twin.burst.BurstSettings.Traffic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Plays of 40 seconds: some four thousand requests each, enough to see what the tests say.
class BurstTest {
  private static final BurstSettings USUAL = BurstSettings.DEFAULT;
  private static final BurstSettings SHORT = with(USUAL.bounds(), 40);
  private static final double NEAR_MS = 0;
  private static final double FAR_MS = 400;

  private static BurstSettings with(Bounds bounds, double seconds) {
    return new BurstSettings(
        USUAL.engines(),
        USUAL.traffic(),
        bounds,
        USUAL.siteRoundTripMs(),
        USUAL.neighbourMs(),
        seconds);
  }

  private static LoadSearch.Found largest(Arm arm, double roundTripMs, long seed) {
    return LoadSearch.largest(
        perSecond -> BurstPlay.of(SHORT, arm, roundTripMs, perSecond, seed),
        SHORT.bounds().metLeast(),
        SHORT.impossiblePerSecond());
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void farAwayTheOnePlaceMustRunEmptierThanTheSites(long seed) {
    LoadSearch.Found centre = largest(Arm.CENTRE, FAR_MS, seed);
    LoadSearch.Found routed = largest(Arm.CENTRE_ROUTED, FAR_MS, seed);
    LoadSearch.Found alone = largest(Arm.SITES_ALONE, NEAR_MS, seed);
    LoadSearch.Found pooled = largest(Arm.SITES_POOLED, NEAR_MS, seed);
    assertThat(alone.goodput()).isGreaterThan(1.3 * centre.goodput());
    assertThat(pooled.goodput()).isGreaterThan(1.3 * routed.goodput());
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void nextDoorTheOnePlaceStandsMoreThanSitesThatShareNothing(long seed) {
    double alone = largest(Arm.SITES_ALONE, NEAR_MS, seed).perSecond();
    assertThat(largest(Arm.CENTRE, NEAR_MS, seed).perSecond()).isGreaterThan(alone);
    assertThat(largest(Arm.CENTRE_ROUTED, NEAR_MS, seed).perSecond()).isGreaterThan(alone);
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void whoMayGoToTheNeighbourStandsMoreThanWhoMayNot(long seed) {
    assertThat(largest(Arm.SITES_POOLED, NEAR_MS, seed).perSecond())
        .isGreaterThan(largest(Arm.SITES_ALONE, NEAR_MS, seed).perSecond());
  }

  /// The bound less the round trip is all that the network has to do with it.
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void aRoundTripCostsWhatAsMuchPipelineCosts(long seed) {
    Bounds bounds = USUAL.bounds();
    double load = 120;
    BurstPlay.Point far = BurstPlay.of(SHORT, Arm.CENTRE, 390, load, seed);
    var slower =
        new Bounds(bounds.firstTokenMs(), 390, bounds.tpotMs(), bounds.metLeast(), 500, false);
    BurstPlay.Point near = BurstPlay.of(with(slower, 40), Arm.CENTRE, 0, load, seed);
    assertThat(far.met()).isLessThan(0.99).isBetween(near.met() - 0.01, near.met() + 0.01);
  }

  /// Beyond what the GPUs can do, who refuses in time serves the rest; who does not is late for
  /// all.
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void aDeadlineThatCountsTheNetworkKeepsGoodputInAnOverload(long seed) {
    Bounds usual = USUAL.bounds();
    var less =
        new Bounds(usual.firstTokenMs(), 0, usual.tpotMs(), usual.metLeast(), usual.waitMs(), true);
    double load = 200;
    BurstPlay.Point told = BurstPlay.of(with(less, 40), Arm.CENTRE_ROUTED, 300, load, seed);
    BurstPlay.Point untold = BurstPlay.of(SHORT, Arm.CENTRE_ROUTED, 300, load, seed);
    BurstPlay.Point plain = BurstPlay.of(SHORT, Arm.CENTRE, 300, load, seed);
    assertThat(told.goodput()).isGreaterThan(2 * untold.goodput());
    assertThat(untold.goodput()).isGreaterThan(plain.goodput());
    assertThat(told.refused()).isBetween(0.05, 0.5);
  }

  @Test
  void theSearchFindsTheEdgeAndSaysWhenThereIsNone() {
    LoadSearch.Found edge =
        LoadSearch.largest(
            load -> new BurstPlay.Point(load, load <= 30 ? 1 : 0.5, 2 * load, 0, 0, 0), 0.99, 100);
    assertThat(edge.perSecond()).isBetween(30 - 100 / 4096.0, 30.0);
    assertThat(edge.goodput()).isEqualTo(2 * edge.perSecond());
    LoadSearch.Found none =
        LoadSearch.largest(load -> new BurstPlay.Point(load, 0.5, load, 0, 0, 0), 0.99, 100);
    assertThat(none).isEqualTo(new LoadSearch.Found(0, 0));
  }

  @Test
  void theLadderGoesFromTheBaselineToThePublishedBurst() {
    assertThat(LoadLevel.LADDER.get(LoadLevel.BASELINE)).isEqualTo(new LoadLevel("P50", 1));
    LoadLevel burst = LoadLevel.LADDER.get(LoadLevel.BURST);
    assertThat(burst.name()).isEqualTo("P99");
    assertThat(burst.factor()).isBetween(1.808, 1.810);
    assertThat(Published.BASELINE_RATIO).isBetween(2.11, 2.13);
    assertThat(Published.BURST_RATIO).isBetween(4.17, 4.19);
  }

  @Test
  void theExperimentIsTheSameWithOneThreadOrTwoAndCountsItsPlays() {
    var plan = new BurstPlan(List.of(0.0, FAR_MS), 2, 7, 0);
    BurstSettings shorter = with(USUAL.bounds(), 10);
    var played = new AtomicInteger();
    Burst.Result one = Burst.of(shorter, plan, 1, played::incrementAndGet);
    Burst.Result two = Burst.of(shorter, plan, 2, () -> {});
    assertThat(played.get()).isEqualTo(plan.plays());
    assertThat(new BurstReport(two, 3).json().toString())
        .isEqualTo(new BurstReport(one, 3).json().toString());
    assertThat(one.rows()).hasSize(6);
    assertThat(one.of(Arm.SITES_POOLED).getFirst().met(LoadLevel.BURST).mean())
        .isBetween(0.95, 1.0);
  }

  @Test
  void aCrossingLiesBetweenTheRoundTripsAroundItOrIsToldToBeMissing() {
    var plan = new BurstPlan(List.of(0.0, FAR_MS), 1, 1, 100);
    Burst.Result result = Burst.of(with(USUAL.bounds(), 10), plan, 1, () -> {});
    Pair plain = Pair.of(result).getFirst();
    assertThat(plain.loadCrossing(1.05).atMs()).isNotNull().isBetween(1.0, FAR_MS);
    assertThat(plain.loadCrossing(1e9)).isEqualTo(new Pair.Crossing(FAR_MS, null));
    assertThat(plain.loadCrossing(0.1)).isEqualTo(new Pair.Crossing(null, 0.0));
  }

  @Test
  void whatCannotBePlayedIsToldInASentence() {
    assertThatThrownBy(() -> new Engines("gpt-0", "RTX PRO 6000", 4, 64))
        .hasMessageContaining("model 'gpt-0' (expected: one of");
    assertThatThrownBy(() -> new Engines("llama-3.1-70b", "RTX PRO 6000", 4, 64))
        .hasMessageContaining("does not fit");
    assertThatThrownBy(() -> new Engines("llama-3.1-8b", "RTX PRO 6000", 9, 64))
        .hasMessageContaining("gpus: 9.0 (expected: 1 to 8)");
    assertThatThrownBy(() -> new Traffic(USUAL.traffic().prompt(), USUAL.traffic().answer(), 0))
        .hasMessageContaining("burstiness: 0.0 (expected");
    assertThatThrownBy(() -> new Bounds(500, 500, 250, 0.99, 500, false))
        .hasMessageContaining("pipelineMs: 500.0 (expected: 0 or more, less than the bound of 500");
    assertThatThrownBy(() -> new BurstPlan(List.of(20.0, 0.0), 1, 1, 0))
        .hasMessageContaining("round trips [20.0, 0.0] (expected: one or more, rising");
    assertThatThrownBy(() -> new BurstPlan(List.of(0.0), 0, 1, 0))
        .hasMessageContaining("seeds: 0 (expected: 1 to 1000)");
  }
}
