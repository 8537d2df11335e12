package org.aigrid.twin.play;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.country.MadeUpCountry;
import org.aigrid.twin.demand.Commute;
import org.aigrid.twin.demand.DayShape;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Lengths;
import org.aigrid.twin.demand.Script;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Incident.Selection;
import org.aigrid.twin.radio.RadioLoad;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class PlayTest {
  private static final Country COUNTRY = MadeUpCountry.of(48, 1);
  private static final double DAY_S = 86_400;

  private static Service service(String name, double share, double ttftMs, double followUp) {
    return new Service(
        name,
        name,
        "llama-3.1-8b",
        share,
        Lengths.ofPercentiles(300, 900, 2_000, 8_000),
        Lengths.ofPercentiles(40, 120, 300, 1_000),
        1.5,
        DayShape.FLAT,
        ttftMs,
        50,
        1e12,
        60_000,
        followUp,
        0.2,
        Double.POSITIVE_INFINITY);
  }

  private static Demand demand(double perSecond) {
    return new Demand(
        perSecond * DAY_S,
        List.of(service("chat", 0.7, 1_000, 0.6), service("voice", 0.3, 200, 0)),
        Commute.WORKING_DAY);
  }

  private static PlaySettings settings(Policy policy, double seconds, int heartbeatMs) {
    var radio = new RadioLoad.Settings(0.15, 0.5, 0.4, 60_000, 0.02, DayShape.FLAT, DayShape.FLAT);
    return new PlaySettings(
        policy,
        RouterSettings.DEFAULT,
        RouterSettings.DEFAULT.roundTrips(),
        radio,
        20 * 3_600_000,
        seconds * 1_000,
        0,
        10,
        heartbeatMs,
        5_000,
        10_000,
        10_000,
        4_096,
        3);
  }

  private static Outcome play(
      double perSecond, Policy policy, double seconds, long seed, int threads, Incident... what) {
    return Play.of(
        COUNTRY,
        demand(perSecond),
        settings(policy, seconds, 1_000),
        List.of(what),
        seed,
        threads,
        Play.Progress.NONE);
  }

  private static void assertNothingLost(Outcome outcome, String name) {
    assertThat(outcome.inside()).as(name).isZero();
    assertThat(outcome.outputTokensOpen()).as(name).isZero();
    assertThat(outcome.ends().all()).as(name).isEqualTo(outcome.arrived());
    long answered = 0;
    for (int service = 0; service < outcome.demand().services().size(); service++) {
      for (Tier tier : Tier.values()) {
        answered += outcome.answered(service, tier);
      }
    }
    assertThat(answered).as(name).isEqualTo(outcome.ends().met() + outcome.ends().late());
    assertThat(outcome.violations()).as(name).isZero();
  }

  /// Each play also counts ten times a heartbeat whether what went in and not out is still there.
  @Test
  void everyRequestAndTokenIsAccountedForWhateverThePolicyAndTheLoad() {
    for (double perSecond : new double[] {5, 150, 900}) {
      for (Policy policy : Policy.values()) {
        Outcome outcome = play(perSecond, policy, 20, 3, 1);
        assertNothingLost(outcome, policy + " at " + perSecond);
        assertThat(outcome.arrived() / 20.0)
            .isCloseTo(perSecond, Percentage.withPercentage(perSecond < 10 ? 40 : 10));
      }
    }
  }

  @Test
  void everythingThatGoesWrongLosesNoRequestFromTheBooks() {
    Incident[] what = {
      new Incident.SitesDown(5_000, 12_000, new Selection(Tier.HUB, null, null, null, 0), 1),
      new Incident.SitesDown(
          8_000, 20_000, new Selection(Tier.CELL, null, null, new GeoPoint(34, 134), 150), 0.5),
      new Incident.RegionCut(10_000, 18_000, "west"),
      new Incident.SlowHeartbeats(3_000, 25_000, 3),
      new Incident.Crowd(6_000, 16_000, new GeoPoint(34.1, 134.1), 60, 200, 0.5),
      new Incident.Surge(2_000, 28_000, List.of("east"), 3, 0.2),
    };
    for (Policy policy : Policy.values()) {
      for (int seed = 0; seed < 3; seed++) {
        Outcome outcome = play(200, policy, 30, seed, 1, what);
        assertNothingLost(outcome, policy + " seed " + seed);
        assertThat(outcome.retries()).as("%s seed %d", policy, seed).isPositive();
      }
    }
  }

  @Test
  void streamsOfADeadSiteGoOnElsewhereAndNobodyElseNotices() {
    var hubs = new Selection(Tier.HUB, null, null, null, 0);
    Outcome calm = play(200, Policy.OURS, 40, 5, 1);
    Outcome dead =
        play(200, Policy.OURS, 40, 5, 1, new Incident.SitesDown(10_000, 30_000, hubs, 1));
    assertThat(calm.ends().failed() + calm.ends().broken()).isZero();
    assertThat(dead.movedStreams()).as("streams that were running there").isPositive();
    assertThat(dead.ends().broken()).isZero();
    assertThat(dead.ends().failed()).as("all others went elsewhere").isZero();
    assertThat(dead.gapUs().count()).isEqualTo(dead.moves());
    assertThat(dead.replayedTokens()).isGreaterThan(dead.moves());
    assertThat(dead.answered(0, Tier.HUB)).isLessThan(calm.answered(0, Tier.HUB));
  }

  @Test
  void aStreamBreaksWhenNoSiteMayGoOnWithIt() {
    Outcome dead =
        play(
            100,
            Policy.OURS,
            60,
            5,
            1,
            new Incident.SitesDown(10_000, 40_000, new Selection(null, null, null, null, 0), 1));
    assertThat(dead.ends().broken()).as("after twenty seconds without a site").isPositive();
    assertThat(dead.outputTokensOpen()).isZero();
  }

  @Test
  void aRadioThatWantsItsGpuHasItWithinItsBoundAndItsStreamsGoOn() {
    var crowd = new Incident.Crowd(10_000, 30_000, new GeoPoint(34.1, 134.1), 60, 50, 0.8);
    Outcome outcome = play(300, Policy.OURS, 40, 5, 1, crowd);
    assertThat(outcome.reclaims()).isPositive();
    assertThat(outcome.movesForRadio()).isPositive();
    assertThat(outcome.ends().broken()).isZero();
    assertThat(outcome.reclaimUs().quantile(1)).isLessThanOrEqualTo(100_000);
    assertThat(outcome.violations()).isZero();
  }

  @Test
  void aRegionThatIsCutOffServesItself() {
    Outcome cut = play(100, Policy.OURS, 60, 2, 1, new Incident.RegionCut(0, 60_000, "west"));
    int west = COUNTRY.indexOfRegion("west");
    Outcome.Ends ends = cut.endsOfRegion(west, 0);
    assertThat(ends.met() + ends.late()).isGreaterThan(ends.all() * 9 / 10);
  }

  @Test
  void theSameSeedGivesTheSameOnAnyNumberOfThreadsAndAnotherSeedAnother() {
    var crowd = new Incident.Crowd(5_000, 15_000, new GeoPoint(34.1, 134.1), 60, 200, 0.5);
    Outcome one = play(300, Policy.OURS, 20, 9, 1, crowd);
    Outcome two = play(300, Policy.OURS, 20, 9, 2, crowd);
    Outcome three = play(300, Policy.OURS, 20, 9, 3, crowd);
    for (Outcome other : List.of(two, three)) {
      assertThat(other.arrived()).isEqualTo(one.arrived());
      assertThat(other.events()).isEqualTo(one.events());
      assertThat(other.ends()).isEqualTo(one.ends());
      assertThat(other.uses()).isEqualTo(one.uses());
      for (int service = 0; service < 2; service++) {
        assertThat(other.ttftUs(service).sum()).isEqualTo(one.ttftUs(service).sum());
        assertThat(other.latencyUs(service).sum()).isEqualTo(one.latencyUs(service).sum());
      }
    }
    assertThat(play(300, Policy.OURS, 20, 10, 2, crowd).ends()).isNotEqualTo(one.ends());
  }

  @Test
  void littlesLawHolds() {
    for (Policy policy : new Policy[] {Policy.OURS, Policy.TWO_CHOICES}) {
      Outcome outcome = play(400, policy, 120, 4, 2);
      assertThat(outcome.meanInside())
          .as("%s", policy)
          .isCloseTo(outcome.rateTimesTime(), Percentage.withPercentage(3));
    }
  }

  @Test
  void onAnIdleGridTheRuleDecidesWhereAndNobodyIsLate() {
    Outcome nearest = play(2, Policy.NEAREST, 60, 5, 1);
    Outcome hub = play(2, Policy.HUB, 60, 5, 1);
    assertThat(nearest.answered(0, Tier.CELL) + nearest.answered(1, Tier.CELL))
        .isEqualTo(nearest.arrived());
    assertThat(hub.answered(0, Tier.HUB) + hub.answered(1, Tier.HUB)).isEqualTo(hub.arrived());
  }

  @Test
  void aCrowdIsMoreThanItsCellsCanServeAndNotMoreThanTheCountryCan() {
    var crowd = new Incident.Crowd(2_000, 30_000, new GeoPoint(34.1, 134.1), 20, 150, 0.3);
    Outcome nearest = play(30, Policy.NEAREST, 30, 6, 1, crowd);
    Outcome ours = play(30, Policy.OURS, 30, 6, 1, crowd);
    assertThat(ours.ends().attainment()).isGreaterThan(nearest.ends().attainment() + 0.05);
    assertThat(ours.ends().attainment()).isGreaterThan(0.95);
  }

  @Test
  void conversationsFindTheirPrefixAgain() {
    Outcome outcome = play(100, Policy.OURS, 60, 8, 1);
    long prompts = 0;
    for (Tier tier : Tier.values()) {
      prompts += outcome.promptTokens(0, tier);
    }
    assertThat((double) outcome.cachedTokens(0) / prompts).isBetween(0.1, 0.6);
    assertThat(outcome.cachedTokens(1)).isZero();
  }

  @Test
  void sampledCellsAreSeenWhole() {
    Outcome outcome = play(300, Policy.OURS, 30, 8, 1);
    assertThat(outcome.samples()).hasSize(3);
    for (Outcome.SampledCell cell : outcome.samples()) {
      assertThat(cell.timings()).hasSameSizeAs(cell.arrivals());
      assertThat(cell.timings()).allMatch(timing -> timing.lastTokenMs() >= timing.firstTokenMs());
    }
  }

  @Test
  void aScriptIsPlayedRequestForRequest() {
    var requests = new ArrayList<Script.Request>();
    for (int i = 0; i < 500; i++) {
      requests.add(new Script.Request(i * 20.0 + 3, i % 2, 4 + i % 48, 200 + i, 1 + i % 50));
    }
    Outcome outcome =
        Play.ofScript(
            COUNTRY, demand(1), settings(Policy.OURS, 20, 1_000), new Script(requests), 1);
    assertNothingLost(outcome, "script");
    assertThat(outcome.ends(0).all()).isEqualTo(250);
    assertThat(outcome.ends(1).all()).isEqualTo(250);
    long output = 0;
    for (Tier tier : Tier.values()) {
      output += outcome.outputTokens(0, tier) + outcome.outputTokens(1, tier);
    }
    assertThat(output).isEqualTo(requests.stream().mapToInt(Script.Request::outputTokens).sum());
  }

  @Test
  void whoSendsMoreThanItsLimitIsRefusedTheRest() {
    Service chat = service("chat", 1, 1_000, 0);
    var limited =
        new Service(
            "chat",
            "chat",
            chat.model(),
            1,
            chat.input(),
            chat.output(),
            1,
            DayShape.FLAT,
            1_000,
            50,
            1e12,
            60_000,
            0,
            0,
            600);
    Outcome outcome =
        Play.of(
            COUNTRY,
            new Demand(100 * DAY_S, List.of(limited), Commute.WORKING_DAY),
            settings(Policy.OURS, 60, 1_000),
            List.of(),
            1,
            1,
            Play.Progress.NONE);
    assertNothingLost(outcome, "limited");
    long admitted = outcome.ends().met() + outcome.ends().late();
    // A full bucket of a minute at first and a minute's worth after it, at three gateways whose
    // shares of the people, by night or by day, sum to a little more than one.
    assertThat(admitted).isBetween(1_000L, 1_700L);
    assertThat(outcome.ends().refused()).isEqualTo(outcome.arrived() - admitted);
  }

  @Test
  void aModelThatNobodyServesIsToldBeforeTheFirstRequest() {
    var other =
        new Service(
            "x",
            "x",
            "none",
            1,
            Lengths.ofPercentiles(1, 2, 3, 9),
            Lengths.ofPercentiles(1, 2, 3, 9),
            1,
            DayShape.FLAT,
            1,
            1,
            1,
            1,
            0,
            0,
            1);
    assertThatThrownBy(
            () ->
                Play.of(
                    COUNTRY,
                    new Demand(1e5, List.of(other), Commute.WORKING_DAY),
                    settings(Policy.OURS, 10, 1_000),
                    List.of(),
                    1,
                    1,
                    Play.Progress.NONE))
        .hasMessageContaining("asks for none, which no site of");
    assertThatThrownBy(() -> settings(Policy.OURS, 10, 55)).hasMessageContaining("heartbeatMs: 55");
  }
}
