package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayDeque;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.node.Governor.Effect;
import org.aigrid.core.node.Governor.Event;
import org.aigrid.core.node.Governor.Settings;
import org.junit.jupiter.api.Test;

class GovernorTest {
  private static final Settings SETTINGS = Settings.DEFAULT;

  private Governor state = Governor.begin(0);
  private List<Effect> effects = List.of();

  private void on(Event event, double inUse, long nowMs) {
    Step<Governor, Effect> step = state.on(event, inUse, SETTINGS, nowMs);
    state = step.state();
    effects = step.effects();
  }

  private void hear(double demand, double inUse, long nowMs) {
    on(new Event.Heard(demand, nowMs), inUse, nowMs);
  }

  /// A radio that has been calm for ten seconds, the last heard at `10_000`.
  private void calm(double demand, double inUse) {
    for (long now = 0; now <= 10_000; now += 10) {
      hear(demand, inUse, now);
    }
  }

  @Test
  void beforeARadioIsHeardItHoldsEverything() {
    assertThat(state.aiShare()).isZero();
    on(new Event.Tick(), 0, 5_000);
    assertThat(state.aiShare()).isZero();
  }

  @Test
  void theBudgetRisesSlowlyAndFallsAtOnce() {
    hear(0.2, 0, 0);
    assertThat(state.aiShare()).isZero();
    hear(0.2, 0, 499);
    assertThat(state.aiShare()).as("not before there has been room for a while").isZero();
    calm(0.2, 0);
    assertThat(state.aiShare()).isCloseTo(0.78, within(0.01));
    hear(0.5, 0, 10_010);
    assertThat(effects).contains(new Effect.Admit(state.aiShare()));
    assertThat(state.aiShare()).isLessThanOrEqualTo(0.48);
  }

  @Test
  void whatRunsIsRevokedOnlyWhenTheRadioNeedsThePlaceAndNoMoreThanThat() {
    calm(0.2, 0.5);
    hear(0.4, 0.5, 10_010);
    assertThat(effects).noneMatch(Effect.Revoke.class::isInstance);
    hear(0.7, 0.5, 10_020);
    assertThat(effects)
        .filteredOn(Effect.Revoke.class::isInstance)
        .singleElement()
        .satisfies(e -> assertThat(((Effect.Revoke) e).share()).isCloseTo(0.2, within(1e-9)));
    on(new Event.Revoked(0.2), 0.5, 10_020);
    hear(0.7, 0.5, 10_030);
    assertThat(effects).as("a claim never kills twice").noneMatch(Effect.Revoke.class::isInstance);
    hear(0.8, 0.5, 10_040);
    assertThat(effects)
        .filteredOn(Effect.Revoke.class::isInstance)
        .singleElement()
        .satisfies(e -> assertThat(((Effect.Revoke) e).share()).isCloseTo(0.1, within(1e-9)));
    on(new Event.Revoked(0.1), 0.5, 10_040);
    on(new Event.Left(0.2), 0.3, 10_050);
    assertThat(effects).noneMatch(Effect.Reclaimed.class::isInstance);
    on(new Event.Left(0.1), 0.2, 10_060);
    assertThat(effects).contains(new Effect.Reclaimed(10_020, 40));
  }

  @Test
  void whatIsSparedHasWhatIsLeftOfThePromiseAndNoMore() {
    calm(0.2, 0.5);
    for (int passedMs = 0; passedMs <= SETTINGS.reclaimMsMax() + 40; passedMs += 20) {
      hear(0.7, 0.5, 10_020 + passedMs);
      double leftMs = Math.max(0, SETTINGS.reclaimMsMax() - passedMs);
      assertThat(effects)
          .filteredOn(Effect.Revoke.class::isInstance)
          .singleElement()
          .satisfies(e -> assertThat(((Effect.Revoke) e).withinMs()).isEqualTo(leftMs));
    }
  }

  @Test
  void aRevocationThatNobodyConfirmsIsNotWaitedForForEver() {
    calm(0.2, 0.5);
    hear(0.8, 0.5, 10_010);
    on(new Event.Revoked(0.3), 0.5, 10_010);
    for (long now = 10_020; now <= 10_010 + SETTINGS.confirmMsMax(); now += 10) {
      hear(0.8, 0.5, now);
      assertThat(effects).noneMatch(Effect.Revoke.class::isInstance);
    }
    hear(0.8, 0.5, 10_020 + SETTINGS.confirmMsMax());
    assertThat(effects).anyMatch(Effect.Revoke.class::isInstance);
  }

  @Test
  void aRadioThatFallsSilentHoldsEverything() {
    calm(0.2, 0.5);
    on(new Event.Tick(), 0.5, 10_000 + SETTINGS.signalMsMax());
    assertThat(state.aiShare()).isPositive();
    on(new Event.Tick(), 0.5, 10_001 + SETTINGS.signalMsMax());
    assertThat(state.aiShare()).isZero();
    assertThat(effects)
        .filteredOn(Effect.Revoke.class::isInstance)
        .singleElement()
        .satisfies(e -> assertThat(((Effect.Revoke) e).share()).isCloseTo(0.5, within(1e-9)));
  }

  @Test
  void silenceIsCountedFromTheLastWordHoweverOftenItIsLookedAt() {
    calm(0.2, 0.5);
    long wordMs = 10_010;
    on(new Event.Heard(0.2, wordMs, wordMs), 0.5, wordMs + 200); // it came late
    long silentMs = wordMs + SETTINGS.signalMsMax();
    on(new Event.Tick(), 0.5, silentMs);
    assertThat(state.aiShare()).isPositive();
    on(new Event.Tick(), 0.5, silentMs + 4);
    assertThat(state.aiShare()).isZero();
    on(new Event.Revoked(0.5), 0.5, silentMs + 4);
    on(new Event.Left(0.5), 0, silentMs + 44);
    assertThat(effects)
        .as("and the claim from when the silence was too long")
        .contains(new Effect.Reclaimed(silentMs, 44));
  }

  @Test
  void whatTheRadioHadToDoWithoutCountsWhoeverEndsIt() {
    calm(0.2, 0.5);
    hear(0.7, 0.5, 10_020);
    hear(0.2, 0.5, 10_200); // it gave up
    assertThat(effects).contains(new Effect.Reclaimed(10_020, 180));
    assertThat(SETTINGS.missedMs(180)).isEqualTo(80);
    assertThat(SETTINGS.recorded(0, 180)).as("a broken promise, though nobody went").isTrue();
    assertThat(SETTINGS.recorded(0, 100)).isFalse();
    assertThat(SETTINGS.recorded(1, 1)).isTrue();
  }

  @Test
  void aClaimIsMeasuredFromWhenItMayHaveBegunAndNotFromWhenItWasNoticed() {
    calm(0.2, 0.5);
    on(new Event.Heard(0.7, 10_015, 10_012), 0.5, 10_020);
    on(new Event.Revoked(0.2), 0.5, 10_020);
    on(new Event.Left(0.2), 0.3, 10_060);
    assertThat(effects).contains(new Effect.Reclaimed(10_012, 48));
  }

  /// Work that leaves some time after it was revoked, counted some time after it left.
  private static final class Site {
    private final ArrayDeque<double[]> leaving = new ArrayDeque<>(); // when, share
    private final ArrayDeque<double[]> counts = new ArrayDeque<>(); // from when, share in use
    private double inUse;
    private double revoked;

    void count(long now) {
      counts.add(new double[] {now, inUse});
    }

    double counted(long now, long lateMs) {
      while (counts.size() > 1) {
        double[] first = counts.pollFirst();
        if (counts.peekFirst()[0] > now - lateMs) {
          counts.addFirst(first);
          break;
        }
      }
      return counts.isEmpty() ? inUse : counts.peekFirst()[1];
    }
  }

  /// Revoked share over what one exact reclaim would have revoked, in a closed loop.
  private static double overkill(int lateMs, int graceMs, long seed) {
    var random = new SplittableRandom(seed);
    Settings settings = SETTINGS.withGraceMs(graceMs);
    Governor governor = Governor.begin(0);
    var site = new Site();
    site.inUse = 0.75;
    double needed = 0;
    for (long now = 0; now < 60_000; now += 10) {
      double demand = now < 10_000 ? 0.2 : 0.6;
      while (!site.leaving.isEmpty() && site.leaving.peekFirst()[0] <= now) {
        double share = site.leaving.pollFirst()[1];
        site.inUse -= share;
        site.count(now);
        double counted = site.counted(now, lateMs);
        governor = governor.on(new Event.Left(share), counted, settings, now).state();
      }
      site.count(now);
      double counted = site.counted(now, lateMs);
      Step<Governor, Effect> step =
          governor.on(new Event.Heard(demand, now), counted, settings, now);
      governor = step.state();
      for (Effect effect : step.effects()) {
        if (effect instanceof Effect.Revoke(double share, double _)) {
          double actual = Math.min(share, site.inUse);
          site.revoked += actual;
          site.leaving.add(new double[] {now + random.nextInt(10, 80), actual});
          governor = governor.on(new Event.Revoked(actual), counted, settings, now).state();
        }
      }
    }
    needed = 0.75 - 0.4;
    return site.revoked / needed;
  }

  @Test
  void aLateCountDoesNotKillTwiceWhenTheGraceCoversItAndDoesWhenNot() {
    for (int seed = 0; seed < 20; seed++) {
      assertThat(overkill(0, 0, seed)).as("seed %d", seed).isCloseTo(1, within(0.1));
      assertThat(overkill(300, 320, seed)).as("seed %d", seed).isCloseTo(1, within(0.1));
      assertThat(overkill(300, 0, seed)).as("seed %d", seed).isGreaterThan(1.2);
    }
  }

  @Test
  void whateverTheRadioDoesTheBudgetNeverExceedsWhatItLeavesAndEveryClaimIsMet() {
    for (int seed = 0; seed < 300; seed++) {
      var random = new SplittableRandom(seed);
      state = Governor.begin(0);
      var leaving = new ArrayDeque<double[]>();
      double inUse = 0;
      double demand = random.nextDouble();
      long now = 0;
      long heard = 0;
      long needed = Long.MIN_VALUE; // since when AI holds more than the radio leaves
      for (int i = 0; i < 3_000; i++) {
        now += 5;
        if (random.nextInt(50) == 0) {
          demand = random.nextDouble();
        }
        while (!leaving.isEmpty() && leaving.peekFirst()[0] <= now) {
          double share = leaving.pollFirst()[1];
          inUse -= share;
          on(new Event.Left(share), inUse, now);
          inUse = revoke(leaving, inUse, now, random);
        }
        if (random.nextInt(200) > 0) {
          hear(demand, inUse, now);
          heard = now;
        } else {
          on(new Event.Tick(), inUse, now);
        }
        inUse = revoke(leaving, inUse, now, random);
        assertThat(state.aiShare())
            .as("seed %d at %d", seed, now)
            .isBetween(0.0, heard == now ? 1 - demand + 1e-9 : 1.0);
        if (random.nextInt(3) == 0 && inUse + 0.02 <= state.aiShare()) {
          inUse += 0.02; // a newcomer
        }
        boolean over = heard == now && inUse > 1 - demand + 1e-6;
        needed = over ? (needed == Long.MIN_VALUE ? now : needed) : Long.MIN_VALUE;
        if (over) {
          assertThat(now - needed).as("seed %d at %d", seed, now).isLessThanOrEqualTo(100);
        }
      }
    }
  }

  private double revoke(
      ArrayDeque<double[]> leaving, double inUse, long now, SplittableRandom random) {
    for (Effect effect : effects) {
      if (effect instanceof Effect.Revoke(double share, double _)) {
        double rounded = Math.min(inUse, Math.ceil(share / 0.02 - 1e-6) * 0.02);
        double at = now + random.nextInt(5, 60);
        double last = leaving.isEmpty() ? 0 : leaving.peekLast()[0];
        leaving.add(new double[] {Math.max(at, last), rounded});
        on(new Event.Revoked(rounded), inUse, now);
      }
    }
    return inUse;
  }
}
