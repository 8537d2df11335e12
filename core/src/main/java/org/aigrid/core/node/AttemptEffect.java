package org.aigrid.core.node;

import org.aigrid.core.route.Refusal;

/// What the shell has to do about a request.
public sealed interface AttemptEffect {
  /// Ask the router, leaving out what was tried.
  record Route(int[] triedEndpoints) implements AttemptEffect {}

  /// Come back with `RouteDue` after a while: no place is ready for a stream that has lost its own.
  record RouteLater(int afterMs) implements AttemptEffect {}

  /// Send it to an endpoint, and report `Failed(TOO_SLOW)` when no byte has come by
  /// `firstByteByMs`. A stream that goes on is sent with what the client has had of it.
  ///
  /// @param hedgeAtMs when to report `HedgeDue` if no byte has come by then; `NEVER` for no hedge
  record Dispatch(int endpoint, int attempt, long firstByteByMs, long hedgeAtMs)
      implements AttemptEffect {}

  /// Give an attempt up: close its connection, release its charge.
  record Abandon(int attempt) implements AttemptEffect {}

  /// Pass the attempt's answer on as it comes.
  record Relay(int attempt) implements AttemptEffect {}

  /// Pass on what the attempt adds to the stream that the client already reads.
  record Rejoin(int attempt) implements AttemptEffect {}

  /// Keep the attempt and pass nothing more on of it: another is to go on from what the client has
  /// had so far. What it says meanwhile is kept for `Resume`.
  record Hold(int attempt) implements AttemptEffect {}

  /// Pass the held attempt on again, from where it was held.
  record Resume(int attempt) implements AttemptEffect {}

  /// Tell the client that the router found no place.
  record AnswerRefused(Refusal why, int retryAfterMs) implements AttemptEffect {}

  /// Tell the client that every attempt failed; the last failure gives the reason.
  record AnswerFailed(AttemptEvent.Failure failure, int attempts, int retryAfterMs)
      implements AttemptEffect {}

  /// Tell the client in the middle of its stream that it broke, and close.
  record BreakStream() implements AttemptEffect {}

  /// Everything is over: release the charges, write the record.
  record Finish(Outcome outcome) implements AttemptEffect {}

  /// No hedge.
  long NEVER = Long.MAX_VALUE;

  /// How a request ended.
  enum Outcome {
    COMPLETE,
    REFUSED,
    FAILED,
    BROKEN,
    CLIENT_GONE
  }
}
