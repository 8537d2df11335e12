package org.aigrid.core.node;

import java.util.ArrayList;

/// Where the caller of a session is, and what follows from its moving, as a state machine: `(state,
/// event, now) -> Step(next state, effects)`. A session is a row of requests, its turns, whose
/// prompts grow from one another.
///
/// The roles are those of 3GPP TS 23.558 (8.8, application context relocation). **Detection**: the
/// next turn comes from another cell, or the operator's network says that the caller has moved or
/// will. **Decision**: what is computed ahead and when a stream is weighed is decided here, whether
/// the stream moves in `Handover`. **Execution** is the shell's.
///
/// - A *turn* is routed from the cell where its caller is; nothing else is needed for it to run
///   nearer when that is cheaper.
/// - A *stream under way* is weighed once for each cell to which its caller comes, after it has
///   stood there for the least dwell, also when a further turn has begun from there. It stays until
///   moving is worth it.
/// - A *prompt* is computed ahead at a cell where the caller is expected, or where it stands since
///   its last turn, anew when it has grown, or where a stream under way wants it; at most one at a
///   time and one per `prewarmEveryMs`.
///
/// A prediction moves nobody: one that does not come true has cost a pre-warm. Immutable.
///
/// @param cell where the caller stands, or -1
/// @param sinceMs since when; of the first cell, an assumption
/// @param lastStayMs how long it stood at the cell before; 0 when that is not known
/// @param toldUntilMs until when the network's word about `cell` outranks an address
/// @param expected where it is expected next, or -1
/// @param expectedAtMs when
/// @param turns under way
/// @param turnCell from where the last turn was routed, or -1
/// @param weighedCell for which the streams under way need not be weighed: they were, or all began
///   there; or -1
/// @param warming whether a pre-warm is under way
/// @param warmedCell for which the last one began, or -1
/// @param warmedAtMs when
/// @param warmedEndpoint where the last one that succeeded put the prompt, or -1
public record Session(
    int cell,
    long sinceMs,
    long lastStayMs,
    long toldUntilMs,
    int expected,
    long expectedAtMs,
    int turns,
    int turnCell,
    int weighedCell,
    boolean warming,
    int warmedCell,
    long warmedAtMs,
    int warmedEndpoint) {
  private static final int NONE = -1;
  private static final long NEVER = Long.MIN_VALUE;

  /// A session of which nothing is known.
  public static Session begin(long nowMs) {
    return new Session(NONE, nowMs, 0, NEVER, NONE, 0, 0, NONE, NONE, false, NONE, NEVER, NONE);
  }

  /// What follows from an event.
  public Step<Session, SessionEffect> on(
      SessionEvent event, HandoverSettings settings, long nowMs) {
    return switch (event) {
      case SessionEvent.Asked(int from, boolean told) -> asked(from, told, settings, nowMs);
      case SessionEvent.Ended() -> ended(settings, nowMs);
      case SessionEvent.Noticed(int to, long inMs) ->
          inMs > 0 ? expect(to, nowMs + inMs, settings, nowMs) : arrived(to, settings, nowMs);
      case SessionEvent.Woken() -> woken(settings, nowMs);
      case SessionEvent.WarmWanted(int to) ->
          to == cell && turns > 0 && mayWarm(settings, nowMs)
              ? Step.to(warming(true, to, nowMs), new SessionEffect.Prewarm(to))
              : Step.to(this);
      case SessionEvent.Prewarmed(int where, int endpoint) ->
          Step.to(
              endpoint < 0
                  ? warming(false, warmedCell == where ? NONE : warmedCell, warmedAtMs)
                  : warming(false, warmedCell, warmedAtMs).warmedAt(endpoint));
    };
  }

  /// How long the caller may be expected to stay where it is: as long as it stayed before.
  public long stayMs(HandoverSettings settings) {
    return lastStayMs == 0
        ? settings.stayMsAssumed()
        : Math.max(settings.dwellMsLeast(), lastStayMs);
  }

  private Step<Session, SessionEffect> asked(
      int from, boolean told, HandoverSettings settings, long nowMs) {
    boolean believed = from >= 0 && (told || nowMs >= toldUntilMs);
    Session there = believed ? at(from, nowMs, told, settings) : this;
    Session begun = there.turns(turns + 1, there.cell);
    if (turns == 0) {
      return Step.to(begun.weighed(begun.cell)); // it is routed from there
    }
    return there.cell != cell
        ? Step.to(begun, new SessionEffect.WakeAt(nowMs + settings.dwellMsLeast()))
        : Step.to(begun);
  }

  private Step<Session, SessionEffect> ended(HandoverSettings settings, long nowMs) {
    Session left = turns(Math.max(0, turns - 1), turnCell);
    if (left.turns > 0 || turns == 0) {
      return Step.to(left);
    }
    Step<Session, SessionEffect> here = left.ahead(cell, settings, nowMs);
    return here.effects().isEmpty() && left.expectedSoon(settings, nowMs)
        ? left.ahead(expected, settings, nowMs) // the prompt has grown since
        : here;
  }

  private Step<Session, SessionEffect> arrived(int to, HandoverSettings settings, long nowMs) {
    Session there = at(to, nowMs, true, settings);
    if (to == cell) {
      return Step.to(there);
    }
    return turns > 0
        ? Step.to(there, new SessionEffect.WakeAt(nowMs + settings.dwellMsLeast()))
        : there.ahead(to, settings, nowMs);
  }

  private Step<Session, SessionEffect> expect(
      int to, long atMs, HandoverSettings settings, long nowMs) {
    if (to == cell) {
      return Step.to(expecting(NONE, 0));
    }
    long actAtMs = atMs - settings.predictionMsMax();
    return actAtMs > nowMs
        ? Step.to(expecting(to, atMs), new SessionEffect.WakeAt(actAtMs))
        : expecting(to, atMs).ahead(to, settings, nowMs);
  }

  /// Does what is due, and asks to be woken for what is not.
  private Step<Session, SessionEffect> woken(HandoverSettings settings, long nowMs) {
    var effects = new ArrayList<SessionEffect>(2);
    Session next = this;
    if (turns > 0 && cell >= 0 && cell != weighedCell) {
      long dueAtMs = sinceMs + settings.dwellMsLeast();
      if (nowMs >= dueAtMs) {
        effects.add(new SessionEffect.Weigh(cell, stayMs(settings)));
        next = next.weighed(cell);
      } else {
        effects.add(new SessionEffect.WakeAt(dueAtMs));
      }
    }
    long actAtMs = expectedAtMs - settings.predictionMsMax();
    if (expected >= 0 && nowMs < actAtMs) {
      effects.add(new SessionEffect.WakeAt(actAtMs));
    } else if (expectedSoon(settings, nowMs)) {
      Step<Session, SessionEffect> ahead = next.ahead(expected, settings, nowMs);
      effects.addAll(ahead.effects());
      next = ahead.state();
    }
    return new Step<>(next, effects);
  }

  /// Whether a prediction is to be acted on: not too early, and not when it has not come true.
  private boolean expectedSoon(HandoverSettings settings, long nowMs) {
    return expected >= 0 && Math.abs(nowMs - expectedAtMs) <= settings.predictionMsMax();
  }

  /// Has the last prompt computed at a cell where it is not yet.
  private Step<Session, SessionEffect> ahead(int to, HandoverSettings settings, long nowMs) {
    boolean needed = to >= 0 && turnCell >= 0 && to != turnCell && to != warmedCell;
    return needed && mayWarm(settings, nowMs)
        ? Step.to(warming(true, to, nowMs), new SessionEffect.Prewarm(to))
        : Step.to(this);
  }

  private boolean mayWarm(HandoverSettings settings, long nowMs) {
    return !warming && (warmedAtMs == NEVER || nowMs - warmedAtMs >= settings.prewarmEveryMs());
  }

  private Session at(int to, long nowMs, boolean told, HandoverSettings settings) {
    boolean stayed = to == cell;
    // Nobody saw it come to the first cell: it is taken to have stood there before.
    long beganMs = cell < 0 ? nowMs - settings.stayMsAssumed() : nowMs;
    return new Session(
        to,
        stayed ? sinceMs : beganMs,
        stayed ? lastStayMs : cell < 0 ? 0 : Math.max(1, nowMs - sinceMs),
        told ? nowMs + settings.noticeMsMax() : NEVER,
        expected == to ? NONE : expected,
        expectedAtMs,
        turns,
        turnCell,
        stayed ? weighedCell : NONE,
        warming,
        warmedCell,
        warmedAtMs,
        warmedEndpoint);
  }

  private Session expecting(int next, long atMs) {
    return new Session(
        cell,
        sinceMs,
        lastStayMs,
        toldUntilMs,
        next,
        atMs,
        turns,
        turnCell,
        weighedCell,
        warming,
        warmedCell,
        warmedAtMs,
        warmedEndpoint);
  }

  /// A new prompt is not the one that was computed ahead, but where its turn runs it is cached.
  private Session turns(int underWay, int from) {
    boolean anotherPrompt = underWay > turns;
    return new Session(
        cell,
        sinceMs,
        lastStayMs,
        toldUntilMs,
        expected,
        expectedAtMs,
        underWay,
        from,
        weighedCell,
        warming,
        anotherPrompt ? NONE : warmedCell,
        warmedAtMs,
        warmedEndpoint);
  }

  private Session weighed(int at) {
    return new Session(
        cell,
        sinceMs,
        lastStayMs,
        toldUntilMs,
        expected,
        expectedAtMs,
        turns,
        turnCell,
        at,
        warming,
        warmedCell,
        warmedAtMs,
        warmedEndpoint);
  }

  private Session warming(boolean underWay, int at, long atMs) {
    return new Session(
        cell,
        sinceMs,
        lastStayMs,
        toldUntilMs,
        expected,
        expectedAtMs,
        turns,
        turnCell,
        weighedCell,
        underWay,
        at,
        atMs,
        warmedEndpoint);
  }

  private Session warmedAt(int endpoint) {
    return new Session(
        cell,
        sinceMs,
        lastStayMs,
        toldUntilMs,
        expected,
        expectedAtMs,
        turns,
        turnCell,
        weighedCell,
        warming,
        warmedCell,
        warmedAtMs,
        endpoint);
  }
}
