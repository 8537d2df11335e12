package org.aigrid.core.node;

import org.aigrid.core.route.Refusal;

/// What the shell has to do about a request.
public sealed interface AttemptEffect {
  /// Ask the router, leaving out what was tried.
  record Route(int[] triedEndpoints) implements AttemptEffect {}

  /// Send it to an endpoint, and report `Failed(TOO_SLOW)` when no byte has come by
  /// `firstByteByMs`.
  record Dispatch(int endpoint, int attempt, long firstByteByMs) implements AttemptEffect {}

  /// Give up the attempt under way: close its connection, release its charge.
  record Abandon() implements AttemptEffect {}

  /// Pass the answer on as it comes.
  record Relay() implements AttemptEffect {}

  /// Tell the client that the router found no place.
  record AnswerRefused(Refusal why, int retryAfterMs) implements AttemptEffect {}

  /// Tell the client that every attempt failed; the last failure gives the reason.
  record AnswerFailed(AttemptEvent.Failure failure, int attempts, int retryAfterMs)
      implements AttemptEffect {}

  /// Tell the client in the middle of its stream that it broke, and close.
  record BreakStream() implements AttemptEffect {}

  /// Everything is over: release the charge, write the record.
  record Finish(Outcome outcome) implements AttemptEffect {}

  /// How a request ended.
  enum Outcome {
    COMPLETE,
    REFUSED,
    FAILED,
    BROKEN,
    CLIENT_GONE
  }
}
