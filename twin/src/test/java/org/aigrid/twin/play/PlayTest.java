package org.aigrid.twin.play;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.country.MadeUpCountry;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Demand.Crowd;
import org.junit.jupiter.api.Test;

class PlayTest {
  private static final Country COUNTRY = MadeUpCountry.of(48, 1);

  private static Demand demand(double perSecond, long seed, Crowd... crowds) {
    return Demand.of(COUNTRY, 30_000, perSecond, 1.5, List.of(crowds), seed);
  }

  private static Outcome play(Demand demand, Policy policy) {
    return Play.of(COUNTRY, demand, policy, PlaySettings.DEFAULT, 7);
  }

  @Test
  void everyRequestIsAnsweredOrRefusedOnceWhateverThePolicyAndTheLoad() {
    for (double perSecond : new double[] {5, 100, 600}) {
      Demand demand = demand(perSecond, 1, new Crowd(12_000, 20_000, 10, 60));
      long counted = demand.requests().stream().filter(r -> r.atMs() >= 10_000).count();
      for (Policy policy : Policy.values()) {
        Outcome outcome = play(demand, policy);
        long finished = outcome.byTier().stream().mapToLong(Long::longValue).sum();
        assertThat(outcome.unfinished()).as("%s at %s/s", policy, perSecond).isZero();
        assertThat(outcome.requests()).isEqualTo(counted);
        assertThat(finished + outcome.refused())
            .as("%s at %s/s", policy, perSecond)
            .isEqualTo(counted);
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameOutcomeAndAnotherSeedAnother() {
    for (Policy policy : Policy.values()) {
      Outcome first = play(demand(100, 3), policy);
      assertThat(play(demand(100, 3), policy)).isEqualTo(first);
      assertThat(play(demand(100, 4), policy)).isNotEqualTo(first);
    }
  }

  @Test
  void onAnIdleGridDistanceIsTheOnlyDifference() {
    Demand demand = demand(2, 5);
    Outcome nearest = play(demand, Policy.NEAREST);
    Outcome hub = play(demand, Policy.HUB);
    assertThat(nearest.byTier().get(org.aigrid.core.model.Tier.CELL.ordinal()))
        .isEqualTo(nearest.requests());
    assertThat(hub.byTier().get(org.aigrid.core.model.Tier.HUB.ordinal()))
        .isEqualTo(hub.requests());
    assertThat(nearest.refused() + hub.refused()).isZero();
  }

  @Test
  void aCrowdAtOneCellIsMoreThanThatCellCanServeAndNotMoreThanTheCountryCan() {
    Demand demand = demand(20, 6, new Crowd(10_000, 30_000, 10, 80));
    Outcome nearest = play(demand, Policy.NEAREST);
    Outcome ours = play(demand, Policy.OURS);
    assertThat(ours.refused()).isZero();
    assertThat(ours.attainment()).isGreaterThan(nearest.attainment());
  }

  @Test
  void demandHasTheRateAndTheBurstinessItWasAskedFor() {
    for (double burstiness : new double[] {0.5, 1, 3}) {
      List<Demand.Request> requests =
          Demand.of(COUNTRY, 600_000, 100, burstiness, List.of(), 11).requests();
      assertThat(requests.size() / 600.0).isBetween(94.0, 106.0);
      double sum = 0;
      double squares = 0;
      for (int i = 1; i < requests.size(); i++) {
        double gap = requests.get(i).atMs() - requests.get(i - 1).atMs();
        sum += gap;
        squares += gap * gap;
      }
      double mean = sum / (requests.size() - 1);
      double deviation = Math.sqrt(squares / (requests.size() - 1) - mean * mean);
      assertThat(deviation / mean).isBetween(0.95 * burstiness, 1.05 * burstiness);
    }
  }

  @Test
  void nonsenseIsRefusedInASentence() {
    assertThatThrownBy(() -> MadeUpCountry.of(3, 1)).hasMessageContaining("expected: at least one");
    assertThatThrownBy(() -> demand(0, 1)).hasMessageContaining("expected: above 0");
  }
}
