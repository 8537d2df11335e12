package org.aigrid.core.node;

import org.aigrid.core.route.Refusal;

/// What can happen to a request on its way. What a site does carries the number of the attempt it
/// belongs to, so that what an abandoned attempt still says is not taken for the next one's word.
public sealed interface AttemptEvent {
  /// The router placed it.
  ///
  /// @param firstByteMs when the first byte is to be expected there, from now
  /// @param whole whether the answer comes whole; then its first byte is nearly its last
  record Routed(int endpoint, double firstByteMs, boolean whole) implements AttemptEvent {}

  /// The router found no place.
  record NotRouted(Refusal why, int retryAfterMs) implements AttemptEvent {}

  /// The time of a `RouteLater` has come.
  record RouteDue() implements AttemptEvent {}

  /// The attempt failed and no byte of its answer has gone to the client.
  ///
  /// @param attempt number of the attempt, from 0
  /// @param failure what went wrong
  /// @param retryAfterMs what the site advised, or 0
  /// @param retryAllowed whether it may be retried: `Attempts.retry`, and where that says so, the
  ///   retry budget
  record Failed(int attempt, Failure failure, int retryAfterMs, boolean retryAllowed)
      implements AttemptEvent {}

  /// No byte has come and the deadline is near.
  ///
  /// @param hedgeAllowed whether the hedging budget gave one
  record HedgeDue(int attempt, boolean hedgeAllowed) implements AttemptEvent {}

  /// The site began to answer.
  record FirstByte(int attempt) implements AttemptEvent {}

  /// The answer is complete.
  record Ended(int attempt) implements AttemptEvent {}

  /// The site went away in the middle of the answer, fell silent, or asked for the stream to move.
  ///
  /// @param resumable whether the stream can go on elsewhere from what the client has had
  ///   (`Continuity`)
  /// @param moveAllowed whether it may move: `Attempts.movable`
  record Broken(int attempt, boolean resumable, boolean moveAllowed) implements AttemptEvent {}

  /// The caller of the stream under way has moved, and a better place was found for it
  /// (`Handover`). The stream does not need it: where that place fails, it stays.
  ///
  /// @param attempt number of the attempt that the stream comes from
  /// @param endpoint where it is to go on
  /// @param byMs until when that place's first byte is waited for
  record MovePlaced(int attempt, int endpoint, long byMs) implements AttemptEvent {}

  /// The client went away.
  record ClientGone() implements AttemptEvent {}

  /// How an attempt failed before its first byte.
  enum Failure {
    /// No connection, or it died.
    UNREACHABLE,
    /// The site refused what another may take: draining, full, overloaded, claimed by the radio.
    REFUSED_ELSEWHERE,
    /// No byte by the deadline.
    TOO_SLOW
  }
}
