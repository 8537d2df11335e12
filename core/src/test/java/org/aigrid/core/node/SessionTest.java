package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SessionTest {
  private static final HandoverSettings SETTINGS = HandoverSettings.DEFAULT;
  private static final int SHIBA = 3;
  private static final int KOTO = 5;
  private static final int OTA = 7;

  private Session state = Session.begin(0);
  private List<SessionEffect> effects = List.of();

  private void on(SessionEvent event, long nowMs) {
    Step<Session, SessionEffect> step = state.on(event, SETTINGS, nowMs);
    state = step.state();
    effects = step.effects();
  }

  private void turn(int cell, long fromMs, long toMs) {
    on(new SessionEvent.Asked(cell, true), fromMs);
    on(new SessionEvent.Ended(), toMs);
  }

  @Test
  void aNoticeBetweenTwoTurnsHasThePromptComputedWhereTheCallerIs() {
    turn(SHIBA, 0, 500);
    assertThat(effects).isEmpty();
    on(new SessionEvent.Noticed(KOTO, 0), 10_000);
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
    on(new SessionEvent.Prewarmed(KOTO, 41), 10_200);
    assertThat(state.warmedEndpoint()).isEqualTo(41);
    on(new SessionEvent.Asked(SHIBA, false), 11_000);
    assertThat(state.cell()).as("the notice outranks the address").isEqualTo(KOTO);
    assertThat(state.turnCell()).isEqualTo(KOTO);
  }

  @Test
  void theNextRequestTellsOfAMoveByItself() {
    turn(SHIBA, 0, 500);
    on(new SessionEvent.Asked(KOTO, true), 9_000);
    assertThat(state.cell()).isEqualTo(KOTO);
    assertThat(state.lastStayMs()).isEqualTo(9_000 + SETTINGS.stayMsAssumed());
    assertThat(effects).as("a turn is routed from there, no more is needed").isEmpty();
  }

  @Test
  void aNoticeGrowsOldAndThenTheAddressCountsAgain() {
    turn(SHIBA, 0, 500);
    on(new SessionEvent.Noticed(KOTO, 0), 1_000);
    on(new SessionEvent.Asked(SHIBA, false), 1_000L + SETTINGS.noticeMsMax());
    assertThat(state.cell()).isEqualTo(SHIBA);
  }

  @Test
  void aStreamUnderWayIsWeighedOnceItsCallerHasStayed() {
    on(new SessionEvent.Noticed(OTA, 0), 0);
    on(new SessionEvent.Noticed(SHIBA, 0), 0);
    on(new SessionEvent.Asked(SHIBA, true), 0);
    on(new SessionEvent.Noticed(KOTO, 0), 30_000);
    assertThat(effects)
        .containsExactly(new SessionEffect.WakeAt(30_000L + SETTINGS.dwellMsLeast()));
    on(new SessionEvent.Woken(), 30_001);
    assertThat(effects)
        .as("too early: it asks again")
        .containsExactly(new SessionEffect.WakeAt(30_000L + SETTINGS.dwellMsLeast()));
    on(new SessionEvent.Woken(), 30_000L + SETTINGS.dwellMsLeast());
    assertThat(effects)
        .as("it stays as long as it stayed before")
        .containsExactly(new SessionEffect.Weigh(KOTO, 30_000));
    on(new SessionEvent.Woken(), 60_000);
    assertThat(effects).as("once for each cell").isEmpty();
  }

  @Test
  void aStreamUnderWayIsWeighedWhenAFurtherTurnTellsOfTheMove() {
    on(new SessionEvent.Asked(SHIBA, true), 0);
    on(new SessionEvent.Asked(KOTO, true), 30_000);
    assertThat(effects)
        .containsExactly(new SessionEffect.WakeAt(30_000L + SETTINGS.dwellMsLeast()));
    on(new SessionEvent.Woken(), 30_000L + SETTINGS.dwellMsLeast());
    assertThat(effects).hasSize(1).first().isInstanceOf(SessionEffect.Weigh.class);
    on(new SessionEvent.Woken(), 60_000);
    assertThat(effects).as("once").isEmpty();
  }

  @Test
  void noStreamIsWeighedWhereAllBegan() {
    on(new SessionEvent.Asked(SHIBA, true), 0);
    on(new SessionEvent.Asked(SHIBA, true), 100);
    on(new SessionEvent.Noticed(SHIBA, 0), 200);
    on(new SessionEvent.Woken(), 30_000);
    assertThat(effects).isEmpty();
    on(new SessionEvent.Ended(), 30_100);
    on(new SessionEvent.Ended(), 30_200);
    on(new SessionEvent.Asked(KOTO, true), 40_000);
    on(new SessionEvent.Woken(), 50_000);
    assertThat(effects).as("what began at another cell has ended").isEmpty();
  }

  @Test
  void oneTimerForTheEarliestIsEnough() {
    on(new SessionEvent.Asked(SHIBA, true), 0);
    on(new SessionEvent.Noticed(OTA, 90_000), 1_000);
    on(new SessionEvent.Noticed(KOTO, 0), 2_000);
    long dueAtMs = 2_000L + SETTINGS.dwellMsLeast();
    assertThat(effects).containsExactly(new SessionEffect.WakeAt(dueAtMs));
    on(new SessionEvent.Woken(), 3_000);
    var ahead = new SessionEffect.WakeAt(91_000L - SETTINGS.predictionMsMax());
    assertThat(effects).containsExactly(new SessionEffect.WakeAt(dueAtMs), ahead);
    on(new SessionEvent.Woken(), dueAtMs);
    assertThat(effects).hasSize(2).contains(ahead).first().isInstanceOf(SessionEffect.Weigh.class);
    on(new SessionEvent.Woken(), ahead.atMs());
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(OTA));
  }

  @Test
  void aCallerAtTheEdgeOfTwoCellsTakesNoStreamToAndFro() {
    on(new SessionEvent.Asked(SHIBA, true), 0);
    long now = 10_000;
    for (int i = 0; i < 50; i++) {
      now += SETTINGS.dwellMsLeast() - 1;
      on(new SessionEvent.Woken(), now);
      assertThat(effects).hasSizeLessThan(2).hasOnlyElementsOfType(SessionEffect.WakeAt.class);
      on(new SessionEvent.Noticed(i % 2 == 0 ? KOTO : SHIBA, 0), now);
      assertThat(effects).hasOnlyElementsOfType(SessionEffect.WakeAt.class);
    }
  }

  @Test
  void whenAStreamThatStayedEndsItsPromptIsComputedForTheNextTurn() {
    on(new SessionEvent.Asked(SHIBA, true), 0);
    on(new SessionEvent.Noticed(KOTO, 0), 1_000);
    on(new SessionEvent.Ended(), 4_000);
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
  }

  @Test
  void aPredictionComputesAheadInTimeAndMovesNobody() {
    turn(SHIBA, 0, 500);
    on(new SessionEvent.Noticed(KOTO, 90_000), 1_000);
    assertThat(effects)
        .as("not yet")
        .containsExactly(new SessionEffect.WakeAt(91_000L - SETTINGS.predictionMsMax()));
    on(new SessionEvent.Woken(), 91_000L - SETTINGS.predictionMsMax());
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
    assertThat(state.cell()).isEqualTo(SHIBA);
    on(new SessionEvent.Prewarmed(KOTO, 41), 62_000);
    on(new SessionEvent.Noticed(KOTO, 0), 91_000);
    assertThat(effects).as("it is there already").isEmpty();
    assertThat(state.cell()).isEqualTo(KOTO);
  }

  @Test
  void aTurnBeforeAPredictedMoveHasItsLongerPromptComputedAheadToo() {
    turn(SHIBA, 0, 500);
    on(new SessionEvent.Noticed(KOTO, 20_000), 1_000);
    on(new SessionEvent.Prewarmed(KOTO, 41), 1_100);
    turn(SHIBA, 9_000, 9_500);
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
  }

  @Test
  void aPredictionThatDoesNotComeTrueLapses() {
    turn(SHIBA, 0, 500);
    on(new SessionEvent.Noticed(KOTO, 20_000), 1_000);
    on(new SessionEvent.Prewarmed(KOTO, 41), 1_100);
    turn(SHIBA, 100_000, 100_500);
    assertThat(effects).isEmpty();
    on(new SessionEvent.Woken(), 101_000);
    assertThat(effects).isEmpty();
  }

  @Test
  void aPrewarmThatFailedMayBeTriedAgainAfterAWhile() {
    turn(SHIBA, 0, 500);
    on(new SessionEvent.Noticed(KOTO, 1_000), 1_000);
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
    on(new SessionEvent.Prewarmed(KOTO, -1), 1_100);
    on(new SessionEvent.Noticed(KOTO, 0), 2_000);
    assertThat(effects).as("not at once").isEmpty();
    on(new SessionEvent.Noticed(OTA, 1_000), 1_000L + SETTINGS.prewarmEveryMs());
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(OTA));
  }

  @Test
  void aStreamThatWantsItsPromptComputedAheadWaitsItsTurnLikeAnyPrewarm() {
    on(new SessionEvent.Asked(SHIBA, true), 0);
    on(new SessionEvent.Noticed(KOTO, 2_000), 1_000);
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
    on(new SessionEvent.Noticed(KOTO, 0), 2_000);
    on(new SessionEvent.WarmWanted(KOTO), 9_000);
    assertThat(effects).as("one at a time").isEmpty();
    on(new SessionEvent.Prewarmed(KOTO, -1), 9_100);
    on(new SessionEvent.WarmWanted(OTA), 9_200);
    assertThat(effects).as("its caller is not there any more").isEmpty();
    on(new SessionEvent.WarmWanted(KOTO), 9_200);
    assertThat(effects).containsExactly(new SessionEffect.Prewarm(KOTO));
    on(new SessionEvent.Prewarmed(KOTO, 41), 9_300);
    on(new SessionEvent.WarmWanted(KOTO), 9_200L + SETTINGS.prewarmEveryMs() - 1);
    assertThat(effects).as("one in a while").isEmpty();
  }

  @Test
  void whateverIsNoticedTheBoundsHold() {
    for (int seed = 0; seed < 1_000; seed++) {
      var random = new SplittableRandom(seed);
      state = Session.begin(0);
      long now = 0;
      long movedAtMs = 0;
      long warmedAtMs = Long.MIN_VALUE;
      boolean warming = false;
      int turns = 0;
      var weighed = new ArrayList<Integer>();
      for (int i = 0; i < 300; i++) {
        now += random.nextInt(3_000);
        int before = state.cell();
        int cell = random.nextInt(-1, 4);
        SessionEvent event =
            switch (random.nextInt(9)) {
              case 0, 1 -> new SessionEvent.Asked(cell, random.nextBoolean());
              case 2 -> new SessionEvent.Ended();
              case 3 -> new SessionEvent.Noticed(Math.max(0, cell), 0);
              case 4 -> new SessionEvent.Noticed(Math.max(0, cell), random.nextInt(1, 90_000));
              case 5 -> new SessionEvent.Prewarmed(state.warmedCell(), random.nextInt(-1, 50));
              case 6 -> new SessionEvent.WarmWanted(Math.max(0, cell));
              default -> new SessionEvent.Woken();
            };
        if (event instanceof SessionEvent.Prewarmed) {
          if (!warming) {
            continue;
          }
          warming = false;
        }
        on(event, now);
        turns = event instanceof SessionEvent.Asked ? turns + 1 : turns;
        turns = event instanceof SessionEvent.Ended ? Math.max(0, turns - 1) : turns;
        assertThat(state.turns()).as("seed %d", seed).isEqualTo(turns);
        if (state.cell() != before) {
          assertThat(event instanceof SessionEvent.Noticed(int to, long inMs) && inMs > 0)
              .as("seed %d: a prediction moves nobody", seed)
              .isFalse();
          movedAtMs = before < 0 ? now - SETTINGS.stayMsAssumed() : now;
          weighed.clear();
        }
        for (SessionEffect effect : effects) {
          switch (effect) {
            case SessionEffect.Prewarm(int to) -> {
              assertThat(warming).as("seed %d: one at a time", seed).isFalse();
              if (warmedAtMs != Long.MIN_VALUE) {
                assertThat(now - warmedAtMs)
                    .as("seed %d: one in a while", seed)
                    .isGreaterThanOrEqualTo(SETTINGS.prewarmEveryMs());
              }
              assertThat(to).isNotNegative();
              if (!(event instanceof SessionEvent.WarmWanted)) {
                assertThat(to).isNotEqualTo(state.turnCell());
              }
              warming = true;
              warmedAtMs = now;
            }
            case SessionEffect.Weigh(int to, long stayMs) -> {
              assertThat(to).as("seed %d", seed).isEqualTo(state.cell());
              assertThat(turns).as("seed %d: a stream to weigh", seed).isPositive();
              assertThat(now - movedAtMs)
                  .as("seed %d: the dwell", seed)
                  .isGreaterThanOrEqualTo(SETTINGS.dwellMsLeast());
              assertThat(weighed).as("seed %d: once", seed).doesNotContain(to);
              weighed.add(to);
              assertThat(stayMs).isPositive();
            }
            case SessionEffect.WakeAt(long atMs) ->
                assertThat(atMs).as("seed %d", seed).isGreaterThanOrEqualTo(now);
          }
        }
      }
    }
  }

  @Test
  void prewarmsStayWithinTheirShareAndTheirNumber() {
    var settings = SETTINGS.withPrewarms(4, 0.05, 10_000);
    for (int seed = 0; seed < 300; seed++) {
      var random = new SplittableRandom(seed);
      var budget = new PrewarmBudget(settings);
      long asked = 0;
      long computed = 0;
      var running = new ArrayList<Integer>();
      for (int i = 0; i < 500; i++) {
        switch (random.nextInt(3)) {
          case 0 -> {
            int tokens = random.nextInt(1, 4_000);
            budget.earn(tokens);
            asked += tokens;
          }
          case 1 -> {
            int tokens = random.nextInt(1, 12_000);
            PrewarmBudget.Grant grant = budget.take(tokens);
            if (running.size() == 4) {
              assertThat(grant).as("seed %d", seed).isEqualTo(PrewarmBudget.Grant.TOO_MANY);
            } else if (tokens > 10_000) {
              assertThat(grant).as("seed %d", seed).isEqualTo(PrewarmBudget.Grant.NO_TOKENS_LEFT);
            }
            if (grant == PrewarmBudget.Grant.GRANTED) {
              running.add(tokens);
              computed += tokens;
            }
          }
          default -> {
            if (!running.isEmpty()) {
              int tokens = running.removeLast();
              int unused = random.nextInt(tokens + 1);
              budget.done(unused);
              computed -= unused;
            }
          }
        }
        assertThat(budget.underWay()).isEqualTo(running.size());
        assertThat((double) computed)
            .as("seed %d", seed)
            .isLessThanOrEqualTo(10_000 + 0.05 * asked + 1e-6);
      }
    }
  }
}
