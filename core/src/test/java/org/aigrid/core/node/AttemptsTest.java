package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.node.AttemptEffect.Outcome;
import org.aigrid.core.node.AttemptEvent.Failure;
import org.aigrid.core.node.Attempts.Phase;
import org.aigrid.core.route.Refusal;
import org.junit.jupiter.api.Test;

class AttemptsTest {
  private static final AttemptSettings SETTINGS = AttemptSettings.DEFAULT;

  private Attempts state = Attempts.begin(60_000).state();
  private List<AttemptEffect> effects = Attempts.begin(60_000).effects();

  /// The attempt under way is lost.
  private AttemptEvent lost() {
    return new AttemptEvent.Failed(state.attempt(), Failure.UNREACHABLE, 0, true);
  }

  private void on(AttemptEvent event, long nowMs) {
    Step<Attempts, AttemptEffect> step = state.on(event, SETTINGS, nowMs);
    state = step.state();
    effects = step.effects();
  }

  @Test
  void aRequestIsRoutedDispatchedRelayedAndFinished() {
    assertThat(effects).hasOnlyElementsOfType(AttemptEffect.Route.class).hasSize(1);
    on(new AttemptEvent.Routed(4, 800), 1_000);
    assertThat(effects).containsExactly(new AttemptEffect.Dispatch(4, 0, 1_000 + 8_000));
    on(new AttemptEvent.FirstByte(state.attempt()), 1_500);
    assertThat(effects).containsExactly(new AttemptEffect.Relay());
    on(new AttemptEvent.Ended(state.attempt()), 3_000);
    assertThat(effects).containsExactly(new AttemptEffect.Finish(Outcome.COMPLETE));
    assertThat(state.endpoint()).isEqualTo(4);
  }

  @Test
  void aFailureBeforeTheFirstByteIsTriedElsewhereWithoutTheEndpointsThatFailed() {
    on(new AttemptEvent.Routed(4, 100), 0);
    on(lost(), 10);
    assertThat(effects.getFirst()).isEqualTo(new AttemptEffect.Abandon());
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints()).containsExactly(4);
    on(new AttemptEvent.Routed(9, 100), 20);
    assertThat(effects).containsExactly(new AttemptEffect.Dispatch(9, 1, 20 + 5_000));
    on(lost(), 30);
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints()).containsExactly(4, 9);
  }

  @Test
  void afterTheFirstByteABreakEndsTheStreamAndIsNeverRetried() {
    on(new AttemptEvent.Routed(4, 100), 0);
    on(new AttemptEvent.FirstByte(state.attempt()), 10);
    on(lost(), 20);
    assertThat(effects).isEmpty();
    on(new AttemptEvent.Broken(state.attempt()), 30);
    assertThat(effects)
        .containsExactly(new AttemptEffect.BreakStream(), new AttemptEffect.Finish(Outcome.BROKEN));
  }

  @Test
  void withoutBudgetAttemptsOrTimeTheFailureIsAnswered() {
    on(new AttemptEvent.Routed(4, 100), 0);
    Attempts waiting = state;
    var overBudget = new AttemptEvent.Failed(0, Failure.REFUSED_ELSEWHERE, 7_000, false);
    assertThat(waiting.on(overBudget, SETTINGS, 10).effects())
        .containsExactly(
            new AttemptEffect.Abandon(),
            new AttemptEffect.AnswerFailed(Failure.REFUSED_ELSEWHERE, 1, 7_000),
            new AttemptEffect.Finish(Outcome.FAILED));
    assertThat(waiting.mayRetry(SETTINGS, 59_999)).isTrue();
    assertThat(waiting.mayRetry(SETTINGS, 60_000)).isFalse();
    assertThat(waiting.on(lost(), SETTINGS, 60_000).state().phase()).isEqualTo(Phase.FINISHED);
    for (int attempt = 0; attempt < SETTINGS.attemptsMax() - 1; attempt++) {
      on(lost(), 20);
      on(new AttemptEvent.Routed(5 + attempt, 100), 20);
    }
    on(lost(), 30);
    assertThat(effects)
        .contains(
            new AttemptEffect.AnswerFailed(Failure.UNREACHABLE, SETTINGS.attemptsMax(), 0),
            new AttemptEffect.Finish(Outcome.FAILED));
  }

  @Test
  void noAttemptWaitsBeyondTheClientsDeadline() {
    on(new AttemptEvent.Routed(4, 1e9), 59_000);
    assertThat(effects).containsExactly(new AttemptEffect.Dispatch(4, 0, 60_000));
  }

  @Test
  void aRefusalOfTheRouterIsPassedOn() {
    on(new AttemptEvent.NotRouted(Refusal.SATURATED, 3_000), 0);
    assertThat(effects)
        .containsExactly(
            new AttemptEffect.AnswerRefused(Refusal.SATURATED, 3_000),
            new AttemptEffect.Finish(Outcome.REFUSED));
  }

  @Test
  void whateverHappensARequestFinishesOnceAndThenIgnoresEverything() {
    for (int seed = 0; seed < 500; seed++) {
      var random = new SplittableRandom(seed);
      state = Attempts.begin(random.nextInt(100_000)).state();
      var all = new ArrayList<AttemptEffect>();
      long now = 0;
      for (int i = 0; i < 60; i++) {
        boolean over = state.phase() == Phase.FINISHED;
        now += random.nextInt(2_000);
        on(anyEvent(random), now);
        all.addAll(effects);
        if (over) {
          assertThat(effects).as("seed %d", seed).isEmpty();
        }
      }
      on(new AttemptEvent.ClientGone(), now);
      all.addAll(effects);
      assertThat(all.stream().filter(AttemptEffect.Finish.class::isInstance)).hasSize(1);
      assertThat(all.stream().filter(AttemptEffect.Relay.class::isInstance).count())
          .isLessThanOrEqualTo(1);
      assertThat(all.stream().filter(AttemptEffect.Dispatch.class::isInstance).count())
          .isLessThanOrEqualTo(SETTINGS.attemptsMax());
      long relayAt = all.indexOf(new AttemptEffect.Relay());
      for (int i = 0; i < all.size(); i++) {
        if (all.get(i) instanceof AttemptEffect.Dispatch) {
          assertThat(relayAt < 0 || i < relayAt)
              .as("seed %d: no retry after a byte", seed)
              .isTrue();
        }
      }
    }
  }

  private static AttemptEvent anyEvent(SplittableRandom random) {
    int attempt = random.nextInt(4); // of the attempt under way, of an earlier or of a later one
    return switch (random.nextInt(12)) {
      case 0, 1, 2, 3 -> new AttemptEvent.Routed(random.nextInt(50), random.nextDouble(5_000));
      case 4, 5, 6 -> new AttemptEvent.Failed(attempt, Failure.TOO_SLOW, 0, random.nextInt(4) > 0);
      case 7 -> new AttemptEvent.FirstByte(attempt);
      case 8 -> new AttemptEvent.Ended(attempt);
      case 9 -> new AttemptEvent.Broken(attempt);
      case 10 -> new AttemptEvent.NotRouted(Refusal.ALL_TRIED, 1_000);
      default -> new AttemptEvent.ClientGone();
    };
  }

  @Test
  void whatAnAbandonedAttemptStillSaysIsNotTakenForTheNextOnes() {
    on(new AttemptEvent.Routed(4, 100), 0);
    on(lost(), 10);
    on(new AttemptEvent.Routed(9, 100), 20);
    Attempts second = state;
    for (AttemptEvent late :
        List.of(
            new AttemptEvent.Failed(0, Failure.TOO_SLOW, 0, true),
            new AttemptEvent.FirstByte(0),
            new AttemptEvent.Broken(0))) {
      on(late, 30);
      assertThat(effects).as("%s", late).isEmpty();
      assertThat(state).isSameAs(second);
    }
    on(new AttemptEvent.FirstByte(1), 40);
    on(new AttemptEvent.Ended(0), 50);
    assertThat(state.phase()).isEqualTo(Phase.RELAYING);
  }

  @Test
  void retriesAreAtMostTheReserveAndTheShareOfTheRequests() {
    var budget = new RetryBudget(RetryBudget.SHARE, 10);
    int retries = 0;
    for (int request = 0; request < 1_000; request++) {
      budget.earn();
      while (budget.spend()) {
        retries++;
      }
    }
    assertThat(retries).isBetween(100, 110);
    assertThat(budget.left()).isZero();
  }
}
