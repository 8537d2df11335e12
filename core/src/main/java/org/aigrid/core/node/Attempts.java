package org.aigrid.core.node;

import java.util.Arrays;
import org.aigrid.core.node.AttemptEffect.Outcome;
import org.aigrid.core.node.AttemptEvent.Failure;
import org.aigrid.core.route.RouteRequest;

/// The life of one request as a state machine: routed, dispatched, tried elsewhere while no byte
/// has gone out, relayed, moved when its site is lost, finished. `(state, event, now) -> Step(next
/// state, effects)`.
///
/// **Before the first byte** a failure is invisible to the client as long as attempts, the client's
/// deadline and the retry budget last; near the deadline a second attempt may run beside the first
/// (a hedge): the first byte wins, the other is given up. **After it** a stream whose site dies,
/// falls silent or asks for it goes on elsewhere from what the client has had, if it is one that
/// can (`Continuity`). A stream whose caller has moved may be **handed over**: it is held where it
/// is while another place computes what it has had; that place's first byte takes it over, and
/// where none comes, it goes on as if nothing had been tried. Every retry, hedge and move is routed
/// anew, so it passes the permitted filter again. What an abandoned attempt still says is ignored,
/// and so is whatever reaches a finished request. Immutable.
///
/// @param phase where it stands
/// @param attempt number of the attempt under way, from 0
/// @param endpoint where that is, or -1
/// @param last highest number that any attempt has had
/// @param hedge number of the attempt that runs beside it, or -1: a hedge before the first byte,
///   after it the one that is to take the held stream over
/// @param hedgeEndpoint where that is, or -1; `HEDGE_ROUTING` while the router is asked
/// @param triedEndpoints endpoints that failed
/// @param deadlineMs when the client stops waiting for a first byte
/// @param moves how often the stream has gone to another site: it lost its own, was given back, or
///   handed over
/// @param movingSinceMs when it lost its last one; `NOT_MOVING` while it has one or has not begun
/// @param moveTries attempts that this move has lost, however often it waited between them
public record Attempts(
    Phase phase,
    int attempt,
    int endpoint,
    int last,
    int hedge,
    int hedgeEndpoint,
    int[] triedEndpoints,
    long deadlineMs,
    int moves,
    long movingSinceMs,
    int moveTries) {
  /// Where a request stands.
  public enum Phase {
    ROUTING,
    WAITING,
    RELAYING,
    FINISHED
  }

  private static final long NOT_MOVING = Long.MIN_VALUE;
  private static final int NONE = -1;
  private static final int HEDGE_ROUTING = -2;

  /// As above, of no move or of one that begins.
  private Attempts(
      Phase phase,
      int attempt,
      int endpoint,
      int last,
      int hedge,
      int hedgeEndpoint,
      int[] triedEndpoints,
      long deadlineMs,
      int moves,
      long movingSinceMs) {
    this(
        phase,
        attempt,
        endpoint,
        last,
        hedge,
        hedgeEndpoint,
        triedEndpoints,
        deadlineMs,
        moves,
        movingSinceMs,
        0);
  }

  /// A new request; route it first.
  public static Step<Attempts, AttemptEffect> begin(long deadlineMs) {
    return Step.to(
        new Attempts(
            Phase.ROUTING,
            0,
            NONE,
            0,
            NONE,
            NONE,
            RouteRequest.NONE_TRIED,
            deadlineMs,
            0,
            NOT_MOVING),
        new AttemptEffect.Route(RouteRequest.NONE_TRIED));
  }

  /// What follows from an event.
  public Step<Attempts, AttemptEffect> on(
      AttemptEvent event, AttemptSettings settings, long nowMs) {
    if (phase == Phase.FINISHED) {
      return Step.to(this);
    }
    return switch (event) {
      case AttemptEvent.Routed routed -> routed(routed, settings, nowMs);
      case AttemptEvent.NotRouted notRouted -> notRouted(notRouted, settings, nowMs);
      case AttemptEvent.RouteDue() ->
          phase == Phase.ROUTING && moving()
              ? Step.to(this, new AttemptEffect.Route(triedEndpoints))
              : Step.to(this);
      case AttemptEvent.Failed failed -> failed(failed, settings, nowMs);
      case AttemptEvent.HedgeDue(int of, boolean allowed) ->
          of == attempt && allowed && mayHedge(settings)
              ? Step.to(
                  hedged(HEDGE_ROUTING, HEDGE_ROUTING),
                  new AttemptEffect.Route(with(triedEndpoints, endpoint)))
              : Step.to(this);
      case AttemptEvent.FirstByte(int of) -> firstByte(of);
      case AttemptEvent.Ended(int of) -> ended(of);
      case AttemptEvent.MovePlaced(int of, int place, long byMs) ->
          of == attempt && mayHandOver(settings)
              ? Step.to(
                  hedged(last + 1, place),
                  new AttemptEffect.Hold(attempt),
                  new AttemptEffect.Dispatch(place, last + 1, byMs, AttemptEffect.NEVER))
              : Step.to(this);
      case AttemptEvent.Broken broken ->
          phase == Phase.RELAYING && broken.attempt() == attempt
              ? broken(broken, settings, nowMs)
              : Step.to(this);
      case AttemptEvent.ClientGone() ->
          hedge >= 0
              ? Step.to(
                  over(),
                  new AttemptEffect.Abandon(attempt),
                  new AttemptEffect.Abandon(hedge),
                  new AttemptEffect.Finish(Outcome.CLIENT_GONE))
              : Step.to(
                  over(),
                  new AttemptEffect.Abandon(attempt),
                  new AttemptEffect.Finish(Outcome.CLIENT_GONE));
    };
  }

  /// Whether the client has had a part of its answer and its stream is between two sites.
  public boolean moving() {
    return movingSinceMs != NOT_MOVING;
  }

  /// Whether it looks for a place and may wait for one: a hedge may not, since another attempt is
  /// under way, nor a stream between two sites, which has a way of its own to wait.
  public boolean mayWait() {
    return phase == Phase.ROUTING && !moving();
  }

  /// Whether the stream is held while another place is to take it over.
  public boolean held() {
    return phase == Phase.RELAYING && hedge >= 0;
  }

  /// Whether the client has no byte of that attempt yet and may get one.
  public boolean awaits(int of) {
    return switch (phase) {
      case WAITING -> of == attempt || (hedge >= 0 && of == hedge);
      case RELAYING -> hedge >= 0 && of == hedge;
      case ROUTING, FINISHED -> false;
    };
  }

  /// Whether a failure of that attempt now could be answered by another attempt. A stream under way
  /// that a full site turns away looks further without paying: the tries of a move are bounded.
  public Permit retry(int of, Failure failure, AttemptSettings settings, long nowMs) {
    if (!mayRetry(of, settings, nowMs)) {
      return Permit.NO;
    }
    return moving() && failure == Failure.REFUSED_ELSEWHERE ? Permit.FREE : Permit.FROM_BUDGET;
  }

  /// Whether a break now could be answered by a move. That is free: the load of a site goes with
  /// the site, or the site gives it back itself, so that streams that go elsewhere add nothing to
  /// what the grid has agreed to, were it all of a hub's at once. A stream's moves are bounded.
  public boolean movable(AttemptSettings settings) {
    // Of one that is held, the next attempt is out already.
    return held() || mayMove(settings);
  }

  private boolean mayRetry(int of, AttemptSettings settings, long nowMs) {
    if (phase != Phase.WAITING || of != attempt || hedge >= 0) {
      return false;
    }
    return moving()
        ? moveTries + 1 < settings.moveTriesMax() && nowMs < moveByMs(settings)
        : last + 1 < settings.attemptsMax() && nowMs < deadlineMs;
  }

  private boolean mayMove(AttemptSettings settings) {
    return phase == Phase.RELAYING && moves < settings.movesMax();
  }

  /// Whether the stream under way could be handed over to another place. Half of its moves are kept
  /// for sites that are lost.
  public boolean mayHandOver(AttemptSettings settings) {
    return mayMove(settings) && 2 * moves < settings.movesMax() && hedge == NONE;
  }

  /// Whether a second attempt could run beside the one that is waited for.
  public boolean mayHedge(AttemptSettings settings) {
    return phase == Phase.WAITING
        && !moving()
        && hedge == NONE
        && last + 1 < settings.attemptsMax();
  }

  private Step<Attempts, AttemptEffect> routed(
      AttemptEvent.Routed routed, AttemptSettings settings, long nowMs) {
    int placed = routed.endpoint();
    double firstByteMs = routed.firstByteMs();
    if (phase == Phase.WAITING && hedge == HEDGE_ROUTING) {
      return Step.to(
          hedged(last + 1, placed),
          new AttemptEffect.Dispatch(placed, last + 1, deadlineMs, AttemptEffect.NEVER));
    }
    if (phase != Phase.ROUTING) {
      return Step.to(this);
    }
    double patienceMs =
        Math.max(firstByteMs * settings.firstByteFactor(), settings.firstByteMsLeast());
    if (!routed.whole()) {
      patienceMs = Math.min(patienceMs, Math.max(firstByteMs, settings.firstByteMsMost()));
    }
    long lastMs = moving() ? moveByMs(settings) : deadlineMs;
    long byMs = (long) Math.min(lastMs, nowMs + patienceMs);
    double hedgeAtMs =
        Math.max(nowMs + firstByteMs, deadlineMs - settings.hedgeFactor() * firstByteMs);
    boolean hedges = !moving() && last + 1 < settings.attemptsMax() && hedgeAtMs < byMs;
    return Step.to(
        at(Phase.WAITING, placed),
        new AttemptEffect.Dispatch(
            placed, attempt, byMs, hedges ? (long) hedgeAtMs : AttemptEffect.NEVER));
  }

  private Step<Attempts, AttemptEffect> notRouted(
      AttemptEvent.NotRouted event, AttemptSettings settings, long nowMs) {
    if (phase == Phase.WAITING && hedge == HEDGE_ROUTING) {
      return Step.to(hedged(NONE, NONE));
    }
    if (phase != Phase.ROUTING) {
      return Step.to(this);
    }
    if (!moving()) {
      return Step.to(
          over(),
          new AttemptEffect.AnswerRefused(event.why(), event.retryAfterMs()),
          new AttemptEffect.Finish(Outcome.REFUSED));
    }
    boolean mayCome = event.retryAfterMs() > 0;
    // Who was turned away looks less and less often: waiting costs nobody anything, a try does.
    int afterMs = (int) Math.min(Integer.MAX_VALUE, (1L + moveTries) * settings.moveAgainMs());
    if (mayCome && nowMs + afterMs < moveByMs(settings)) {
      return Step.to(trying(RouteRequest.NONE_TRIED), new AttemptEffect.RouteLater(afterMs));
    }
    return broke();
  }

  private Step<Attempts, AttemptEffect> failed(
      AttemptEvent.Failed failed, AttemptSettings settings, long nowMs) {
    int of = failed.attempt();
    if (held() && of == hedge) {
      return Step.to(
          hedged(NONE, NONE), new AttemptEffect.Abandon(of), new AttemptEffect.Resume(attempt));
    }
    if (phase != Phase.WAITING) {
      return Step.to(this);
    }
    if (hedge >= 0 && (of == attempt || of == hedge)) {
      // The other one is still out.
      Attempts left =
          of == attempt
              ? hedgeAlone()
              : hedged(NONE, NONE).trying(with(triedEndpoints, hedgeEndpoint));
      return Step.to(left, new AttemptEffect.Abandon(of));
    }
    if (of != attempt) {
      return Step.to(this);
    }
    if (!mayRetry(of, settings, nowMs) || !failed.retryAllowed()) {
      return moving()
          ? Step.to(
              over(),
              new AttemptEffect.Abandon(attempt),
              new AttemptEffect.BreakStream(),
              new AttemptEffect.Finish(Outcome.BROKEN))
          : Step.to(
              over(),
              new AttemptEffect.Abandon(attempt),
              new AttemptEffect.AnswerFailed(failed.failure(), last + 1, failed.retryAfterMs()),
              new AttemptEffect.Finish(Outcome.FAILED));
    }
    int[] tried = with(triedEndpoints, endpoint);
    return Step.to(
        trying(tried).lost().hedged(NONE, NONE).numbered(last + 1, NONE).in(Phase.ROUTING),
        new AttemptEffect.Abandon(attempt),
        new AttemptEffect.Route(tried));
  }

  private Step<Attempts, AttemptEffect> ended(int of) {
    if (phase != Phase.RELAYING || of != attempt) {
      return Step.to(this);
    }
    var finish = new AttemptEffect.Finish(Outcome.COMPLETE);
    return held()
        ? Step.to(over(), new AttemptEffect.Abandon(hedge), finish)
        : Step.to(over(), finish);
  }

  private Step<Attempts, AttemptEffect> firstByte(int of) {
    if (held() && of == hedge) {
      return Step.to(
          new Attempts(
              Phase.RELAYING,
              hedge,
              hedgeEndpoint,
              last,
              NONE,
              NONE,
              RouteRequest.NONE_TRIED,
              deadlineMs,
              moves + 1,
              NOT_MOVING),
          new AttemptEffect.Abandon(attempt),
          new AttemptEffect.Rejoin(of));
    }
    if (phase != Phase.WAITING || (of != attempt && (hedge < 0 || of != hedge))) {
      return Step.to(this);
    }
    if (moving()) {
      return Step.to(
          new Attempts(
              Phase.RELAYING,
              attempt,
              endpoint,
              last,
              NONE,
              NONE,
              RouteRequest.NONE_TRIED,
              deadlineMs,
              moves,
              NOT_MOVING),
          new AttemptEffect.Rejoin(of));
    }
    if (hedge >= 0) {
      int loser = of == attempt ? hedge : attempt;
      Attempts won = of == attempt ? hedged(NONE, NONE) : hedgeAlone();
      return Step.to(
          won.in(Phase.RELAYING), new AttemptEffect.Abandon(loser), new AttemptEffect.Relay(of));
    }
    return Step.to(hedged(NONE, NONE).in(Phase.RELAYING), new AttemptEffect.Relay(of));
  }

  private Step<Attempts, AttemptEffect> broken(
      AttemptEvent.Broken broken, AttemptSettings settings, long nowMs) {
    if (held()) {
      // What was an offer is now the stream's way on.
      return Step.to(
          new Attempts(
              Phase.WAITING,
              hedge,
              hedgeEndpoint,
              last,
              NONE,
              NONE,
              new int[] {endpoint},
              deadlineMs,
              moves + 1,
              nowMs),
          new AttemptEffect.Abandon(attempt));
    }
    if (!broken.resumable() || !broken.moveAllowed() || !mayMove(settings)) {
      return Step.to(
          over(),
          new AttemptEffect.Abandon(attempt),
          new AttemptEffect.BreakStream(),
          new AttemptEffect.Finish(Outcome.BROKEN));
    }
    int[] tried = {endpoint};
    return Step.to(
        new Attempts(
            Phase.ROUTING,
            last + 1,
            NONE,
            last + 1,
            NONE,
            NONE,
            tried,
            deadlineMs,
            moves + 1,
            nowMs),
        new AttemptEffect.Abandon(attempt),
        new AttemptEffect.Route(tried));
  }

  private Step<Attempts, AttemptEffect> broke() {
    return Step.to(
        over(), new AttemptEffect.BreakStream(), new AttemptEffect.Finish(Outcome.BROKEN));
  }

  private long moveByMs(AttemptSettings settings) {
    return movingSinceMs + settings.moveMsMax();
  }

  private static int[] with(int[] tried, int endpoint) {
    int[] more = Arrays.copyOf(tried, tried.length + 1);
    more[tried.length] = endpoint;
    return more;
  }

  private Attempts at(Phase next, int place) {
    return numbered(attempt, place).in(next);
  }

  private Attempts over() {
    return in(Phase.FINISHED);
  }

  private Attempts in(Phase next) {
    return new Attempts(
        next,
        attempt,
        endpoint,
        last,
        hedge,
        hedgeEndpoint,
        triedEndpoints,
        deadlineMs,
        moves,
        movingSinceMs,
        moveTries);
  }

  private Attempts numbered(int number, int place) {
    return new Attempts(
        phase,
        number,
        place,
        Math.max(last, number),
        hedge,
        hedgeEndpoint,
        triedEndpoints,
        deadlineMs,
        moves,
        movingSinceMs,
        moveTries);
  }

  /// One more try of a move has come to nothing.
  private Attempts lost() {
    return new Attempts(
        phase,
        attempt,
        endpoint,
        last,
        hedge,
        hedgeEndpoint,
        triedEndpoints,
        deadlineMs,
        moves,
        movingSinceMs,
        moving() ? moveTries + 1 : 0);
  }

  private Attempts trying(int[] tried) {
    return new Attempts(
        phase,
        attempt,
        endpoint,
        last,
        hedge,
        hedgeEndpoint,
        tried,
        deadlineMs,
        moves,
        movingSinceMs,
        moveTries);
  }

  private Attempts hedged(int number, int place) {
    return new Attempts(
        phase,
        attempt,
        endpoint,
        Math.max(last, number),
        number,
        place,
        triedEndpoints,
        deadlineMs,
        moves,
        movingSinceMs,
        moveTries);
  }

  /// The hedge goes on as the only attempt.
  private Attempts hedgeAlone() {
    return new Attempts(
        phase,
        hedge,
        hedgeEndpoint,
        last,
        NONE,
        NONE,
        with(triedEndpoints, endpoint),
        deadlineMs,
        moves,
        movingSinceMs,
        moveTries);
  }
}
