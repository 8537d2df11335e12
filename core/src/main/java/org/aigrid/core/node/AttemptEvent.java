package org.aigrid.core.node;

import org.aigrid.core.route.Refusal;

/// What can happen to a request on its way. What a site does carries the number of the attempt it
/// belongs to, so that what an abandoned attempt still says is not taken for the next one's word.
public sealed interface AttemptEvent {
  /// The router placed it.
  record Routed(int endpoint, double firstTokenMs) implements AttemptEvent {}

  /// The router found no place.
  record NotRouted(Refusal why, int retryAfterMs) implements AttemptEvent {}

  /// The attempt failed and no byte of an answer has gone to the client.
  ///
  /// @param attempt number of the attempt, from 0
  /// @param failure what went wrong
  /// @param retryAfterMs what the site advised, or 0
  /// @param retryAllowed whether the retry budget gave one; asked only when a retry is possible
  record Failed(int attempt, Failure failure, int retryAfterMs, boolean retryAllowed)
      implements AttemptEvent {}

  /// The site began to answer.
  record FirstByte(int attempt) implements AttemptEvent {}

  /// The answer is complete.
  record Ended(int attempt) implements AttemptEvent {}

  /// The site went away in the middle of the answer.
  record Broken(int attempt) implements AttemptEvent {}

  /// The client went away.
  record ClientGone() implements AttemptEvent {}

  /// How an attempt failed before its first byte.
  enum Failure {
    /// No connection, or it died.
    UNREACHABLE,
    /// The site refused what another may take: draining, full, overloaded.
    REFUSED_ELSEWHERE,
    /// No byte by the deadline.
    TOO_SLOW
  }
}
