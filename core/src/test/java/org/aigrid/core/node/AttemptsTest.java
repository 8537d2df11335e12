package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
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

  /// The stream under way breaks and could go on.
  private AttemptEvent broken() {
    return new AttemptEvent.Broken(state.attempt(), true, true);
  }

  private static AttemptEffect dispatch(int endpoint, int attempt, long byMs) {
    return new AttemptEffect.Dispatch(endpoint, attempt, byMs, AttemptEffect.NEVER);
  }

  private void on(AttemptEvent event, long nowMs) {
    Step<Attempts, AttemptEffect> step = state.on(event, SETTINGS, nowMs);
    state = step.state();
    effects = step.effects();
  }

  private void begin() {
    state = Attempts.begin(60_000).state();
  }

  private void beginRelaying() {
    begin();
    on(new AttemptEvent.Routed(4, 100, false), 0);
    on(new AttemptEvent.FirstByte(0), 10);
  }

  @Test
  void aRequestIsRoutedDispatchedRelayedAndFinished() {
    assertThat(effects).hasOnlyElementsOfType(AttemptEffect.Route.class).hasSize(1);
    on(new AttemptEvent.Routed(4, 800, false), 1_000);
    assertThat(effects).containsExactly(dispatch(4, 0, 1_000 + 8_000));
    on(new AttemptEvent.FirstByte(0), 1_500);
    assertThat(effects).containsExactly(new AttemptEffect.Relay(0));
    on(new AttemptEvent.Ended(0), 3_000);
    assertThat(effects).containsExactly(new AttemptEffect.Finish(Outcome.COMPLETE));
    assertThat(state.endpoint()).isEqualTo(4);
  }

  @Test
  void aFailureBeforeTheFirstByteIsTriedElsewhereWithoutTheEndpointsThatFailed() {
    on(new AttemptEvent.Routed(4, 100, false), 0);
    on(lost(), 10);
    assertThat(effects.getFirst()).isEqualTo(new AttemptEffect.Abandon(0));
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints()).containsExactly(4);
    on(new AttemptEvent.Routed(9, 100, false), 20);
    assertThat(effects).containsExactly(dispatch(9, 1, 20 + 5_000));
    on(lost(), 30);
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints()).containsExactly(4, 9);
  }

  @Test
  void aStreamThatBreaksGoesOnElsewhere() {
    beginRelaying();
    on(lost(), 20);
    assertThat(effects).as("an attempt that has begun cannot fail, only break").isEmpty();
    on(broken(), 30);
    assertThat(effects.getFirst()).isEqualTo(new AttemptEffect.Abandon(0));
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints()).containsExactly(4);
    assertThat(state.moving()).isTrue();
    on(new AttemptEvent.Routed(9, 100, false), 40);
    assertThat(effects).containsExactly(dispatch(9, 1, 40 + 5_000));
    on(new AttemptEvent.FirstByte(1), 50);
    assertThat(effects).containsExactly(new AttemptEffect.Rejoin(1));
    assertThat(state.moving()).isFalse();
    on(broken(), 60);
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints())
        .as("where it was before the last move may take it again")
        .containsExactly(9);
    assertThat(state.moves()).isEqualTo(2);
    on(new AttemptEvent.Routed(4, 100, false), 70);
    on(new AttemptEvent.FirstByte(2), 80);
    on(new AttemptEvent.Ended(2), 90);
    assertThat(effects).containsExactly(new AttemptEffect.Finish(Outcome.COMPLETE));
  }

  @Test
  void aStreamThatCannotGoOnOrMayNotMoveIsBroken() {
    beginRelaying();
    for (AttemptEvent event :
        List.of(new AttemptEvent.Broken(0, false, true), new AttemptEvent.Broken(0, true, false))) {
      assertThat(state.on(event, SETTINGS, 30).effects())
          .containsExactly(
              new AttemptEffect.Abandon(0),
              new AttemptEffect.BreakStream(),
              new AttemptEffect.Finish(Outcome.BROKEN));
    }
    for (int move = 0; move < SETTINGS.movesMax(); move++) {
      on(broken(), 100 * move);
      on(new AttemptEvent.Routed(move, 100, false), 100 * move);
      on(new AttemptEvent.FirstByte(state.attempt()), 100 * move);
    }
    assertThat(state.movable(SETTINGS)).isFalse();
    on(broken(), 9_000);
    assertThat(effects).contains(new AttemptEffect.Finish(Outcome.BROKEN));
  }

  @Test
  void movesAreFreeUpToTheirBoundAndHandoversLeaveHalfOfThemForLosses() {
    beginRelaying();
    int handovers = 0;
    for (int move = 0; move < SETTINGS.movesMax(); move++) {
      assertThat(state.movable(SETTINGS)).isTrue();
      handovers += state.mayHandOver(SETTINGS) ? 1 : 0;
      on(broken(), 100 * move);
      on(new AttemptEvent.Routed(move, 100, false), 100 * move);
      on(new AttemptEvent.FirstByte(state.attempt()), 100 * move);
    }
    assertThat(state.movable(SETTINGS)).isFalse();
    assertThat(handovers).isEqualTo(SETTINGS.movesMax() / 2);
  }

  @Test
  void aMoveIsTriedAtSeveralPlacesAndWaitsForOneToBeReady() {
    beginRelaying();
    on(broken(), 100);
    on(new AttemptEvent.NotRouted(Refusal.NO_ENDPOINT_READY, 1_000), 110);
    assertThat(effects).containsExactly(new AttemptEffect.RouteLater(SETTINGS.moveAgainMs()));
    on(new AttemptEvent.RouteDue(), 310);
    assertThat(effects).hasOnlyElementsOfType(AttemptEffect.Route.class);
    for (int i = 0; i < SETTINGS.moveTriesMax() - 1; i++) {
      on(new AttemptEvent.Routed(20 + i, 100, false), 320);
      assertThat(state.retry(state.attempt(), Failure.REFUSED_ELSEWHERE, SETTINGS, 330))
          .as("a site that is full turns a stream under way away for nothing")
          .isEqualTo(Permit.FREE);
      assertThat(state.retry(state.attempt(), Failure.UNREACHABLE, SETTINGS, 330))
          .isEqualTo(Permit.FROM_BUDGET);
      on(lost(), 330);
      assertThat(state.phase()).isEqualTo(Phase.ROUTING);
    }
    on(new AttemptEvent.Routed(40, 100, false), 340);
    on(lost(), 350);
    assertThat(effects)
        .containsExactly(
            new AttemptEffect.Abandon(state.attempt()),
            new AttemptEffect.BreakStream(),
            new AttemptEffect.Finish(Outcome.BROKEN));
    beginRelaying();
    on(broken(), 100);
    on(new AttemptEvent.NotRouted(Refusal.NO_ENDPOINT_READY, 1_000), 100 + SETTINGS.moveMsMax());
    assertThat(effects).as("its time is over").contains(new AttemptEffect.BreakStream());
    beginRelaying();
    on(broken(), 100);
    on(new AttemptEvent.NotRouted(Refusal.RESIDENCY_FORBIDS, 0), 110);
    assertThat(effects).as("waiting does not help").contains(new AttemptEffect.BreakStream());
  }

  @Test
  void theTriesOfAMoveAreBoundedHoweverOftenItWaitsBetweenThem() {
    beginRelaying();
    on(broken(), 0);
    long now = 0;
    int tries = 0;
    int pauseMs = 0;
    while (state.phase() != Phase.FINISHED && tries < 100) {
      on(new AttemptEvent.NotRouted(Refusal.ALL_TRIED, 1_000), now);
      int longer = ((AttemptEffect.RouteLater) effects.getFirst()).afterMs();
      assertThat(longer).as("after %d tries", tries).isGreaterThan(pauseMs);
      pauseMs = longer;
      now += longer;
      on(new AttemptEvent.RouteDue(), now);
      on(new AttemptEvent.Routed(9, 100, false), now);
      on(new AttemptEvent.Failed(state.attempt(), Failure.REFUSED_ELSEWHERE, 0, true), now);
      tries++;
    }
    assertThat(tries).isEqualTo(SETTINGS.moveTriesMax());
    assertThat(now).isLessThan(SETTINGS.moveMsMax());
    assertThat(effects).contains(new AttemptEffect.Finish(Outcome.BROKEN));
  }

  @Test
  void aMoveThatOnlyWaitsLooksForRoomAsLongAsItMay() {
    beginRelaying();
    on(broken(), 0);
    long now = 0;
    while (state.phase() != Phase.FINISHED) {
      assertThat(now).isLessThan(SETTINGS.moveMsMax());
      on(new AttemptEvent.NotRouted(Refusal.SATURATED, 1_000), now);
      if (state.phase() != Phase.FINISHED) {
        assertThat(effects).containsExactly(new AttemptEffect.RouteLater(SETTINGS.moveAgainMs()));
        on(new AttemptEvent.RouteDue(), now += SETTINGS.moveAgainMs());
      }
    }
    assertThat(now).isGreaterThanOrEqualTo(SETTINGS.moveMsMax() - SETTINGS.moveAgainMs());
  }

  @Test
  void aHedgeThatFailsFirstIsNotTriedAgain() {
    begin();
    on(new AttemptEvent.Routed(4, 2_000, false), 55_000);
    on(new AttemptEvent.HedgeDue(0, true), 57_000);
    on(new AttemptEvent.Routed(9, 500, false), 57_000);
    on(new AttemptEvent.Failed(1, Failure.UNREACHABLE, 0, false), 57_100);
    on(new AttemptEvent.Failed(0, Failure.UNREACHABLE, 0, true), 57_200);
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints())
        .containsExactlyInAnyOrder(4, 9);
  }

  @Test
  void withoutBudgetAttemptsOrTimeTheFailureIsAnswered() {
    on(new AttemptEvent.Routed(4, 100, false), 0);
    Attempts waiting = state;
    var overBudget = new AttemptEvent.Failed(0, Failure.REFUSED_ELSEWHERE, 7_000, false);
    assertThat(waiting.on(overBudget, SETTINGS, 10).effects())
        .containsExactly(
            new AttemptEffect.Abandon(0),
            new AttemptEffect.AnswerFailed(Failure.REFUSED_ELSEWHERE, 1, 7_000),
            new AttemptEffect.Finish(Outcome.FAILED));
    assertThat(waiting.retry(0, Failure.REFUSED_ELSEWHERE, SETTINGS, 59_999))
        .isEqualTo(Permit.FROM_BUDGET);
    assertThat(waiting.retry(0, Failure.UNREACHABLE, SETTINGS, 60_000)).isEqualTo(Permit.NO);
    assertThat(waiting.on(lost(), SETTINGS, 60_000).state().phase()).isEqualTo(Phase.FINISHED);
    for (int attempt = 0; attempt < SETTINGS.attemptsMax() - 1; attempt++) {
      on(lost(), 20);
      on(new AttemptEvent.Routed(5 + attempt, 100, false), 20);
    }
    on(lost(), 30);
    assertThat(effects)
        .contains(
            new AttemptEffect.AnswerFailed(Failure.UNREACHABLE, SETTINGS.attemptsMax(), 0),
            new AttemptEffect.Finish(Outcome.FAILED));
  }

  @Test
  void noAttemptWaitsBeyondTheClientsDeadline() {
    on(new AttemptEvent.Routed(4, 1e9, false), 59_000);
    assertThat(effects).containsExactly(dispatch(4, 0, 60_000));
  }

  @Test
  void anAnswerThatComesWholeIsExpectedWhenItIsComplete() {
    assertThat(AttemptSettings.expectedFirstByteMs(100, 20, true, 1_000)).isEqualTo(100);
    assertThat(AttemptSettings.expectedFirstByteMs(100, 20, false, 1_000)).isEqualTo(20_100);
    double longMs = AttemptSettings.expectedFirstByteMs(100, 20, false, 2_000);
    on(new AttemptEvent.Routed(4, longMs / 10, true), 0);
    assertThat(((AttemptEffect.Dispatch) effects.getFirst()).firstByteByMs())
        .as("a whole answer has its multiple, however long it is")
        .isEqualTo(40_100);
    begin();
    on(new AttemptEvent.Routed(4, longMs, true), 0);
    assertThat(((AttemptEffect.Dispatch) effects.getFirst()).firstByteByMs())
        .as("until the client's deadline")
        .isEqualTo(60_000);
  }

  @Test
  void silenceIsJudgedByWhatTheEngineShouldDo() {
    assertThat(SETTINGS.gapMs(20)).isEqualTo(SETTINGS.gapMsLeast());
    assertThat(SETTINGS.gapMs(200)).isEqualTo(8_000);
    assertThat(SETTINGS.gapMs(1e9)).isEqualTo(SETTINGS.gapMsMost());
  }

  @Test
  void aRequestNearItsDeadlineIsHedgedAndTheFirstByteWins() {
    begin();
    on(new AttemptEvent.Routed(4, 2_000, false), 55_000);
    // Expected at 57,000; a second try of 2 x 2,000 ms can start at 56,000 at the latest.
    assertThat(effects).containsExactly(new AttemptEffect.Dispatch(4, 0, 60_000, 57_000));
    on(new AttemptEvent.HedgeDue(0, true), 57_000);
    assertThat(((AttemptEffect.Route) effects.getFirst()).triedEndpoints()).containsExactly(4);
    on(new AttemptEvent.Routed(9, 500, false), 57_000);
    assertThat(effects).containsExactly(dispatch(9, 1, 60_000));
    Attempts both = state;
    on(new AttemptEvent.FirstByte(1), 57_600);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(0), new AttemptEffect.Relay(1));
    assertThat(state.endpoint()).isEqualTo(9);
    state = both;
    on(new AttemptEvent.FirstByte(0), 57_600);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(1), new AttemptEffect.Relay(0));
    state = both;
    on(new AttemptEvent.Failed(1, Failure.UNREACHABLE, 0, false), 57_700);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(1));
    on(new AttemptEvent.FirstByte(0), 57_800);
    assertThat(effects).containsExactly(new AttemptEffect.Relay(0));
    state = both;
    on(new AttemptEvent.Failed(0, Failure.UNREACHABLE, 0, false), 57_700);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(0));
    on(new AttemptEvent.FirstByte(1), 57_800);
    assertThat(effects).containsExactly(new AttemptEffect.Relay(1));
  }

  @Test
  void withoutNeedBudgetOrPlaceThereIsNoHedge() {
    begin();
    on(new AttemptEvent.Routed(4, 100, false), 0);
    assertThat(effects).as("the deadline is far").containsExactly(dispatch(4, 0, 5_000));
    on(new AttemptEvent.HedgeDue(0, false), 57_000);
    assertThat(effects).isEmpty();
    on(new AttemptEvent.HedgeDue(0, true), 57_000);
    on(new AttemptEvent.NotRouted(Refusal.ALL_TRIED, 1_000), 57_000);
    assertThat(effects).isEmpty();
    on(new AttemptEvent.FirstByte(0), 57_100);
    assertThat(effects).containsExactly(new AttemptEffect.Relay(0));
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
  void whateverHappensARequestFinishesOnceAndLeavesNoAttemptBehind() {
    for (int seed = 0; seed < 2_000; seed++) {
      var random = new SplittableRandom(seed);
      state = Attempts.begin(random.nextInt(100_000)).state();
      var all = new ArrayList<AttemptEffect>();
      Set<Integer> out = new HashSet<>(); // attempts that were sent and not given up
      int relays = 0;
      int lastSent = -1;
      boolean broken = false;
      int held = -1; // attempt that is kept and not passed on
      long now = 0;
      for (int i = 0; i < 200; i++) {
        boolean over = state.phase() == Phase.FINISHED;
        boolean relaying = state.phase() == Phase.RELAYING;
        now += random.nextInt(500);
        AttemptEvent event = i == 199 ? new AttemptEvent.ClientGone() : anyEvent(random);
        on(event, now);
        all.addAll(effects);
        if (over) {
          assertThat(effects).as("seed %d", seed).isEmpty();
        }
        for (AttemptEffect effect : effects) {
          switch (effect) {
            case AttemptEffect.Dispatch sent -> {
              assertThat(sent.attempt()).as("seed %d", seed).isGreaterThan(lastSent);
              lastSent = sent.attempt();
              out.add(sent.attempt());
            }
            case AttemptEffect.Abandon(int attempt) -> {
              out.remove(attempt);
              if (attempt == held) {
                held = -1;
                broken = true;
              }
            }
            case AttemptEffect.Finish _ -> held = -1;
            case AttemptEffect.Hold(int attempt) -> {
              assertThat(out).as("seed %d: one source", seed).containsExactly(attempt);
              assertThat(held).as("seed %d", seed).isEqualTo(-1);
              held = attempt;
            }
            case AttemptEffect.Resume(int attempt) -> {
              assertThat(out).as("seed %d: one source", seed).containsExactly(attempt);
              assertThat(held).as("seed %d", seed).isEqualTo(attempt);
              held = -1;
            }
            case AttemptEffect.Relay(int attempt) -> {
              assertThat(out).as("seed %d: one source", seed).containsExactly(attempt);
              relays++;
            }
            case AttemptEffect.Rejoin(int attempt) -> {
              assertThat(out).as("seed %d: one source", seed).containsExactly(attempt);
              assertThat(broken).as("seed %d", seed).isTrue();
              broken = false;
            }
            case AttemptEffect.AnswerFailed _, AttemptEffect.AnswerRefused _ ->
                assertThat(relays).as("seed %d: no second answer", seed).isZero();
            default -> {}
          }
        }
        broken |= relaying && state.moving();
        assertThat(out.size()).as("seed %d", seed).isLessThanOrEqualTo(2);
        assertThat(state.held()).as("seed %d", seed).isEqualTo(held >= 0);
        if (state.held()) {
          assertThat(out).as("seed %d", seed).containsOnly(held, state.hedge());
        } else if (state.phase() == Phase.RELAYING) {
          assertThat(out).as("seed %d", seed).containsExactly(state.attempt());
        }
      }
      boolean complete = all.contains(new AttemptEffect.Finish(Outcome.COMPLETE));
      assertThat(out).as("seed %d", seed).hasSize(complete ? 1 : 0);
      assertThat(all.stream().filter(AttemptEffect.Finish.class::isInstance)).hasSize(1);
      assertThat(relays).isLessThanOrEqualTo(1);
      assertThat(state.moves()).isLessThanOrEqualTo(SETTINGS.movesMax());
      if (relays == 0) {
        assertThat(all.stream().filter(AttemptEffect.Dispatch.class::isInstance).count())
            .isLessThanOrEqualTo(SETTINGS.attemptsMax());
      }
    }
  }

  private AttemptEvent anyEvent(SplittableRandom random) {
    // Mostly of an attempt under way, else of an earlier or a later one.
    int attempt =
        switch (random.nextInt(6)) {
          case 0 -> random.nextInt(6);
          case 1, 2 -> state.hedge();
          default -> state.attempt();
        };
    return switch (random.nextInt(28)) {
      case 0, 1, 2, 3, 4, 5 ->
          new AttemptEvent.Routed(
              random.nextInt(50), random.nextDouble(5_000), random.nextBoolean());
      case 6, 7, 8 -> new AttemptEvent.Failed(attempt, Failure.TOO_SLOW, 0, random.nextInt(4) > 0);
      case 9, 10, 11, 12 -> new AttemptEvent.FirstByte(attempt);
      case 13 -> random.nextInt(4) > 0 ? broken() : new AttemptEvent.Ended(attempt);
      case 14, 15, 16 ->
          new AttemptEvent.Broken(attempt, random.nextInt(8) > 0, random.nextInt(8) > 0);
      case 17 -> new AttemptEvent.NotRouted(Refusal.ALL_TRIED, random.nextInt(2) * 1_000);
      case 18, 19 -> new AttemptEvent.RouteDue();
      case 20, 21, 22 -> new AttemptEvent.HedgeDue(attempt, random.nextInt(4) > 0);
      case 23, 24, 25, 26 -> new AttemptEvent.MovePlaced(attempt, random.nextInt(50), 9_000);
      default -> random.nextInt(10) == 0 ? new AttemptEvent.ClientGone() : lost();
    };
  }

  @Test
  void aStreamIsHandedOverWhenTheNewPlaceHasItsFirstByte() {
    beginRelaying();
    on(new AttemptEvent.MovePlaced(0, 9, 2_100), 100);
    assertThat(effects).containsExactly(new AttemptEffect.Hold(0), dispatch(9, 1, 2_100));
    assertThat(state.held()).isTrue();
    assertThat(state.awaits(1)).isTrue();
    assertThat(state.awaits(0)).isFalse();
    on(new AttemptEvent.MovePlaced(0, 7, 2_200), 150);
    assertThat(effects).as("one at a time").isEmpty();
    on(new AttemptEvent.FirstByte(1), 200);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(0), new AttemptEffect.Rejoin(1));
    assertThat(state.held()).isFalse();
    assertThat(state.endpoint()).isEqualTo(9);
    assertThat(state.moves()).isEqualTo(1);
    on(new AttemptEvent.Ended(1), 300);
    assertThat(effects).containsExactly(new AttemptEffect.Finish(Outcome.COMPLETE));
  }

  @Test
  void aStreamWhoseNewPlaceFailsStaysWhereItWas() {
    beginRelaying();
    on(new AttemptEvent.MovePlaced(0, 9, 2_100), 100);
    on(new AttemptEvent.Failed(1, Failure.TOO_SLOW, 0, false), 2_100);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(1), new AttemptEffect.Resume(0));
    assertThat(state.moves()).isZero();
    on(new AttemptEvent.FirstByte(1), 2_200);
    assertThat(effects).as("too late").isEmpty();
    on(new AttemptEvent.Ended(0), 3_000);
    assertThat(effects).containsExactly(new AttemptEffect.Finish(Outcome.COMPLETE));
  }

  @Test
  void aHeldStreamWhoseOldPlaceDiesGoesOnAtTheNewOne() {
    beginRelaying();
    on(new AttemptEvent.MovePlaced(0, 9, 2_100), 100);
    assertThat(state.movable(SETTINGS)).as("its attempt is out").isTrue();
    on(broken(), 200);
    assertThat(effects).containsExactly(new AttemptEffect.Abandon(0));
    assertThat(state.moving()).isTrue();
    Attempts alone = state;
    on(new AttemptEvent.FirstByte(1), 300);
    assertThat(effects).containsExactly(new AttemptEffect.Rejoin(1));
    state = alone;
    on(lost(), 300);
    assertThat(((AttemptEffect.Route) effects.getLast()).triedEndpoints())
        .as("and looks further when that fails")
        .containsExactly(4, 9);
  }

  @Test
  void aClientThatLeavesEndsBothPlacesOfAHeldStream() {
    beginRelaying();
    on(new AttemptEvent.MovePlaced(0, 9, 2_100), 100);
    on(new AttemptEvent.ClientGone(), 200);
    assertThat(effects)
        .containsExactly(
            new AttemptEffect.Abandon(0),
            new AttemptEffect.Abandon(1),
            new AttemptEffect.Finish(Outcome.CLIENT_GONE));
  }

  @Test
  void onlyAStreamUnderWayWithMovesLeftIsHandedOver() {
    on(new AttemptEvent.MovePlaced(0, 9, 2_100), 0);
    assertThat(effects).as("nothing runs yet").isEmpty();
    beginRelaying();
    for (int move = 0; move < SETTINGS.movesMax(); move++) {
      on(new AttemptEvent.MovePlaced(state.attempt(), move, 2_100), 100);
      on(new AttemptEvent.FirstByte(state.hedge()), 100);
    }
    assertThat(state.mayHandOver(SETTINGS)).isFalse();
    on(new AttemptEvent.MovePlaced(state.attempt(), 9, 2_100), 100);
    assertThat(effects).isEmpty();
  }

  @Test
  void whatAnAbandonedAttemptStillSaysIsNotTakenForTheNextOnes() {
    on(new AttemptEvent.Routed(4, 100, false), 0);
    on(lost(), 10);
    on(new AttemptEvent.Routed(9, 100, false), 20);
    Attempts second = state;
    for (AttemptEvent late :
        List.of(
            new AttemptEvent.Failed(0, Failure.TOO_SLOW, 0, true),
            new AttemptEvent.FirstByte(0),
            new AttemptEvent.HedgeDue(0, true),
            new AttemptEvent.Broken(0, true, true))) {
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
