package org.aigrid.core.reclaim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.Models;
import org.aigrid.core.engine.StepModel;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.reclaim.Victims.Running;
import org.junit.jupiter.api.Test;

class ReclaimTest {
  private static final EngineProfile PROFILE =
      EngineProfiles.of(
          new EndpointSpec(
              Objects.requireNonNull(Models.byName("llama-3.1-8b")),
              EngineKind.EMULATED,
              Objects.requireNonNull(Accelerators.byName("RTX PRO 6000")),
              1,
              64));

  @Test
  void aBudgetIsItsShareOfEverything() {
    AiBudget half = AiBudget.of(0.5, PROFILE, 2);
    assertThat(half.sequences()).isEqualTo(64);
    assertThat(half.prefillTokensPerSecond())
        .isCloseTo(PROFILE.prefillTokensPerSecond(), within(1e-6));
    assertThat(half.kvTokens()).isEqualTo(PROFILE.kvTokensMax());
    assertThat(AiBudget.sequences(0.3, 10)).isEqualTo(3);
    assertThat(AiBudget.of(0, PROFILE, 2).sequences()).isZero();
  }

  @Test
  void eachClassBeginsWithinItsShareOfTheBudget() {
    assertThat(AiBudget.admits(0.5, 20, ServiceTier.REALTIME, 9)).isTrue();
    assertThat(AiBudget.admits(0.5, 20, ServiceTier.REALTIME, 10)).isFalse();
    for (ServiceTier tier : ServiceTier.values()) {
      int most = (int) Math.ceil(10 * tier.ceiling());
      assertThat(AiBudget.admits(0.5, 20, tier, most - 1)).as("%s", tier).isTrue();
      assertThat(AiBudget.admits(0.5, 20, tier, most)).as("%s", tier).isFalse();
      assertThat(AiBudget.admits(0.04, 20, tier, 0)).as("%s", tier).isFalse();
    }
  }

  @Test
  void aStepStaysWithinItsDeadline() {
    for (double deadlineMs : new double[] {5, 20, 50, 100, 1_000}) {
      for (int sequences : new int[] {0, 1, 16, 64}) {
        int chunk = AiBudget.chunkTokensWithin(PROFILE, sequences, deadlineMs);
        assertThat(chunk).isBetween(0, PROFILE.chunkTokens());
        if (chunk > 0) {
          assertThat(PROFILE.step().stepMs(chunk, sequences, PROFILE.kvTokensMax()))
              .as("with a full KV cache, too")
              .isLessThanOrEqualTo(deadlineMs + 1e-9);
        }
      }
    }
    for (int percent = 1; percent <= 100; percent++) {
      double share = percent / 100.0;
      int chunk = AiBudget.chunkTokens(PROFILE, 90, share, 8, 4_000);
      assertThat(chunk).isBetween(1, PROFILE.chunkTokens());
      assertThat(chunk)
          .isGreaterThanOrEqualTo(AiBudget.chunkTokens(PROFILE, 90, share / 2, 8, 4_000));
      if (chunk > 1) {
        assertThat(PROFILE.step().stepMs(chunk, 8, 4_000) / share).isLessThanOrEqualTo(90 + 1e-9);
      }
    }
    assertThat(AiBudget.chunkTokens(PROFILE, Double.POSITIVE_INFINITY, 0.1, 8, 4_000))
        .isEqualTo(PROFILE.chunkTokens());
    assertThat(AiBudget.chunkTokensWithin(PROFILE, 0, 1_000)).isEqualTo(PROFILE.chunkTokens());
    assertThat(AiBudget.chunkTokensWithin(PROFILE, 0, 5)).isZero();
    assertThat(AiBudget.inPieces(PROFILE, 90).longestStepMs()).isLessThanOrEqualTo(90 + 1e-9);
  }

  @Test
  void withLessThanAStepNeedsAiCouldNotBeGoneInTimeSoTheRadioHasAll() {
    double least = AiBudget.leastShare(PROFILE, 90);
    assertThat(least).isBetween(0.05, 0.5);
    StepModel step = PROFILE.step();
    for (double share = 0.01; share <= 1; share += 0.01) {
      // All sequences of that share, its part of the cache, and the smallest piece of a prompt.
      double stepMs =
          (step.stepMs(64, 0, 0)
                  + share
                      * (step.stepMs(0, PROFILE.sequencesMax(), PROFILE.kvTokensMax())
                          - step.baseMs()))
              / share;
      assertThat(stepMs <= 90).as("share %.2f", share).isEqualTo(share >= least);
      assertThat(AiBudget.wholeDemand(1 - share, least)).isEqualTo(share < least ? 1 : 1 - share);
    }
    assertThat(AiBudget.leastShare(PROFILE, 5)).isEqualTo(1);
    assertThat(AiBudget.wholeDemand(Double.NaN, least)).isNaN();
  }

  @Test
  void aPieceStartsOnlyWhenARadioJobThatComesMeanwhileIsStillInTime() {
    assertThat(RadioGuard.admits(0.5, 0, 0, 0.5, 1)).isTrue();
    assertThat(RadioGuard.admits(0.51, 0, 0, 0.5, 1)).isFalse();
    assertThat(RadioGuard.admits(0.7, 0, 0.2, 0.5, 1)).isTrue();
    assertThat(RadioGuard.admits(0.1, 0.01, 5, 0.1, 1)).as("the radio first").isFalse();
    var random = new SplittableRandom(1);
    for (int i = 0; i < 10_000; i++) {
      double backlog = random.nextBoolean() ? 0 : random.nextDouble();
      double next = random.nextDouble();
      double job = random.nextDouble();
      double deadline = random.nextDouble(2);
      double longest = RadioGuard.longestPieceMs(backlog, next, job, deadline);
      if (backlog == 0 && longest > 0) {
        assertThat(RadioGuard.admits(longest * 0.999, backlog, next, job, deadline)).isTrue();
      }
      assertThat(RadioGuard.admits(longest + 0.001, backlog, next, job, deadline))
          .isEqualTo(backlog == 0 && job <= deadline && longest + 0.001 <= next);
    }
  }

  @Test
  void theForecastHoldsBackWhatTheRadioLatelyWanted() {
    RadioForecast forecast = RadioForecast.UNKNOWN;
    assertThat(forecast.upper(3)).as("nothing is known").isEqualTo(1);
    forecast = forecast.with(0.1, 0);
    for (int i = 1; i <= 200; i++) {
      forecast = forecast.with(0.1, i * 100);
    }
    assertThat(forecast.upper(3)).isCloseTo(0.1, within(0.01));
    for (int i = 1; i <= 5; i++) {
      forecast = forecast.with(0.7, 20_000 + i * 100);
    }
    assertThat(forecast.upper(3)).isGreaterThan(0.3);
    assertThat(forecast.upper(3)).isLessThanOrEqualTo(0.7);
    for (int i = 1; i <= 3_000; i++) {
      forecast = forecast.with(0.1, 21_000 + i * 100);
    }
    assertThat(forecast.upper(3)).as("peaks are forgotten").isLessThan(0.15);
  }

  @Test
  void theForecastCoversABurstyRadioMostOfTheTime() {
    long beyond = 0;
    long steps = 0;
    for (int seed = 0; seed < 20; seed++) {
      var random = new SplittableRandom(seed);
      RadioForecast forecast = RadioForecast.UNKNOWN;
      double base = 0.15;
      double burst = 0;
      for (int i = 0; i < 20_000; i++) {
        base = Math.clamp(base + 0.01 * random.nextGaussian() - 0.002 * (base - 0.15), 0, 1);
        if (random.nextInt(400) == 0) {
          burst = random.nextDouble(0.2, 0.6);
        } else if (random.nextInt(30) == 0) {
          burst = 0;
        }
        double demand = Math.min(1, base + burst);
        beyond += demand > forecast.upper(3) + 0.02 ? 1 : 0;
        steps++;
        forecast = forecast.with(demand, i * 20L);
      }
    }
    assertThat((double) beyond / steps).isLessThan(0.05);
  }

  @Test
  void theLeastUrgentGoFirstAndOfTheseWhatLosesLeast() {
    List<Running> running =
        List.of(
            new Running(0, ServiceTier.REALTIME, 0.1, 10, 0, 0, 1),
            new Running(1, ServiceTier.STANDARD, 0.1, 900, 50, 0, 5),
            new Running(2, ServiceTier.STANDARD, 0.1, 100, 50, 0, 9),
            new Running(3, ServiceTier.HARVEST, 0.1, 9_000, 900, 0, 900),
            new Running(4, ServiceTier.BACKGROUND, 0.1, 200, 0, 0, 3),
            new Running(5, ServiceTier.BACKGROUND, 0.1, 200, 0, 0, 2));
    assertThat(numbers(Victims.choose(running, 0.45, 17, 20_000, 100)))
        .containsExactly(3, 5, 4, 2, 1);
    assertThat(numbers(Victims.choose(running, 0.1, 17, 20_000, 100))).containsExactly(3);
    assertThat(Victims.choose(running, 0, 17, 20_000, 100)).isEmpty();
    assertThat(Victims.choose(running, 9, 17, 20_000, 100)).hasSize(6);
  }

  @Test
  void whatWouldBeDoneSoonerThanItCouldMoveStays() {
    var ending = new Running(0, ServiceTier.HARVEST, 0.5, 4_000, 98, 100, 1); // 51 ms at most
    var begun = new Running(1, ServiceTier.HARVEST, 0.5, 10, 2, 100, 1); // 20 ms to move
    assertThat(numbers(Victims.choose(List.of(ending, begun), 1, 17, 20_000, 100)))
        .containsExactly(1);
    assertThat(numbers(Victims.choose(List.of(ending), 1, 17, 20_000, 20)))
        .as("but not beyond the bound")
        .containsExactly(0);
    assertThat(numbers(Victims.choose(List.of(ending), 1, 17, 20_000, 50)))
        .as("the step under way counts")
        .containsExactly(0);
    assertThat(numbers(Victims.choose(List.of(ending), 1, 17, 20_000, 51))).isEmpty();
  }

  @Test
  void whoHasNoTokenYetIsNeverSpared() {
    var queued = new Running(0, ServiceTier.HARVEST, 0.5, 9_000, 0, 1, 1); // one token, some day
    assertThat(numbers(Victims.choose(List.of(queued), 1, 17, 20_000, 100))).containsExactly(0);
  }

  @Test
  void noneAboveGoesWhileOneBelowCouldHaveGoneInstead() {
    for (int seed = 0; seed < 500; seed++) {
      var random = new SplittableRandom(seed);
      var running = new ArrayList<Running>();
      for (int i = 0; i < random.nextInt(1, 30); i++) {
        ServiceTier tier = ServiceTier.values()[random.nextInt(5)];
        running.add(
            new Running(
                i,
                tier,
                1.0 / 64,
                random.nextInt(1, 4_000),
                random.nextInt(300),
                0,
                random.nextInt(9_000)));
      }
      double share = random.nextDouble(0.4);
      List<Running> gone = Victims.choose(running, share, 17, 20_000, 100);
      assertThat(gone).doesNotHaveDuplicates();
      double freed = gone.stream().mapToDouble(Running::share).sum();
      assertThat(freed >= share - 1e-6 || gone.size() == running.size()).isTrue();
      assertThat(freed).isLessThan(share + 1.0 / 64 + 1e-6);
      for (Running stays : running) {
        if (!gone.contains(stays)) {
          assertThat(gone).as("seed %d", seed).noneMatch(g -> stays.tier().yieldsTo(g.tier()));
        }
      }
    }
  }

  @Test
  void theRevocationRateFollowsWhatHappens() {
    RevocationRate rate = RevocationRate.UNKNOWN;
    double before = rate.perHour();
    for (int i = 0; i < 360; i++) {
      rate = rate.with(i % 36 == 0 ? 4 : 0, 20, 10_000); // 40 in 20 sequence-hours
    }
    assertThat(rate.perHour()).isBetween(1.5, 2.5).isGreaterThan(before);
    for (int i = 0; i < 100; i++) {
      rate = rate.with(0, 0, 3_600_000);
    }
    assertThat(rate.perHour()).as("and is forgotten").isCloseTo(before, within(0.01));
  }

  private static List<Integer> numbers(List<Running> list) {
    return list.stream().map(Running::number).toList();
  }
}
