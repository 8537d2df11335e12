package org.aigrid.core.node;

import java.util.Arrays;
import org.aigrid.core.node.AttemptEffect.Outcome;
import org.aigrid.core.route.RouteRequest;

/// The life of one request as a state machine: routed, dispatched, tried elsewhere while no byte
/// has gone out, relayed, finished. `(state, event, now) -> Step(next state, effects)`.
///
/// Before the first byte a failure is invisible to the client as long as attempts, the client's
/// deadline and the retry budget last; every retry is routed anew, so it passes the permitted
/// filter again. After the first byte a break ends the stream with an error. What an abandoned
/// attempt still says is ignored, and so is whatever reaches a finished request. Immutable.
///
/// @param phase where it stands
/// @param attempt number of the attempt under way, from 0
/// @param endpoint where it is, or -1
/// @param triedEndpoints endpoints that failed
/// @param deadlineMs when the client stops waiting for a first byte
public record Attempts(
    Phase phase, int attempt, int endpoint, int[] triedEndpoints, long deadlineMs) {
  /// Where a request stands.
  public enum Phase {
    ROUTING,
    WAITING,
    RELAYING,
    FINISHED
  }

  /// A new request; route it first.
  public static Step<Attempts, AttemptEffect> begin(long deadlineMs) {
    return Step.to(
        new Attempts(Phase.ROUTING, 0, -1, RouteRequest.NONE_TRIED, deadlineMs),
        new AttemptEffect.Route(RouteRequest.NONE_TRIED));
  }

  /// What follows from an event.
  public Step<Attempts, AttemptEffect> on(
      AttemptEvent event, AttemptSettings settings, long nowMs) {
    if (phase == Phase.FINISHED) {
      return Step.to(this);
    }
    return switch (event) {
      case AttemptEvent.Routed(int placed, double firstTokenMs) ->
          phase == Phase.ROUTING
              ? Step.to(
                  at(Phase.WAITING, placed),
                  new AttemptEffect.Dispatch(
                      placed, attempt, firstByteByMs(firstTokenMs, settings, nowMs)))
              : Step.to(this);
      case AttemptEvent.NotRouted(var why, int retryAfterMs) ->
          phase == Phase.ROUTING
              ? Step.to(
                  at(Phase.FINISHED, -1),
                  new AttemptEffect.AnswerRefused(why, retryAfterMs),
                  new AttemptEffect.Finish(Outcome.REFUSED))
              : Step.to(this);
      case AttemptEvent.Failed failed ->
          phase == Phase.WAITING && failed.attempt() == attempt
              ? failed(failed, settings, nowMs)
              : Step.to(this);
      case AttemptEvent.FirstByte(int of) ->
          phase == Phase.WAITING && of == attempt
              ? Step.to(at(Phase.RELAYING, endpoint), new AttemptEffect.Relay())
              : Step.to(this);
      case AttemptEvent.Ended(int of) ->
          phase == Phase.RELAYING && of == attempt
              ? Step.to(at(Phase.FINISHED, endpoint), new AttemptEffect.Finish(Outcome.COMPLETE))
              : Step.to(this);
      case AttemptEvent.Broken(int of) ->
          phase == Phase.RELAYING && of == attempt
              ? Step.to(
                  at(Phase.FINISHED, endpoint),
                  new AttemptEffect.BreakStream(),
                  new AttemptEffect.Finish(Outcome.BROKEN))
              : Step.to(this);
      case AttemptEvent.ClientGone() ->
          Step.to(
              at(Phase.FINISHED, endpoint),
              new AttemptEffect.Abandon(),
              new AttemptEffect.Finish(Outcome.CLIENT_GONE));
    };
  }

  /// Whether a failure now could be answered by another attempt; only then is the budget asked.
  public boolean mayRetry(AttemptSettings settings, long nowMs) {
    return phase == Phase.WAITING && attempt + 1 < settings.attemptsMax() && nowMs < deadlineMs;
  }

  private Step<Attempts, AttemptEffect> failed(
      AttemptEvent.Failed failed, AttemptSettings settings, long nowMs) {
    if (!mayRetry(settings, nowMs) || !failed.retryAllowed()) {
      return Step.to(
          at(Phase.FINISHED, endpoint),
          new AttemptEffect.Abandon(),
          new AttemptEffect.AnswerFailed(failed.failure(), attempt + 1, failed.retryAfterMs()),
          new AttemptEffect.Finish(Outcome.FAILED));
    }
    int[] tried = Arrays.copyOf(triedEndpoints, triedEndpoints.length + 1);
    tried[triedEndpoints.length] = endpoint;
    return Step.to(
        new Attempts(Phase.ROUTING, attempt + 1, -1, tried, deadlineMs),
        new AttemptEffect.Abandon(),
        new AttemptEffect.Route(tried));
  }

  private Attempts at(Phase next, int place) {
    return new Attempts(next, attempt, place, triedEndpoints, deadlineMs);
  }

  private long firstByteByMs(double firstTokenMs, AttemptSettings settings, long nowMs) {
    double patienceMs =
        Math.clamp(
            firstTokenMs * settings.firstByteFactor(),
            settings.firstByteMsLeast(),
            settings.firstByteMsMost());
    return Math.min(deadlineMs, nowMs + (long) patienceMs);
  }
}
