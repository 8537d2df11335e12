package org.aigrid.core.admit;

/// May a request enter under its key's rate limits? Immutable.
public sealed interface Admission {
  /// What the key has left after this answer.
  Allowance left();

  /// It enters.
  record Admitted(Allowance left) implements Admission {}

  /// It does not enter now; the same request would after `retryAfterMs`.
  record Limited(Limit limit, long retryAfterMs, Allowance left) implements Admission {}

  /// It is larger than the limit allows at any time.
  record TooLarge(long tokensPerMinute, Allowance left) implements Admission {}

  /// What a key has left: the figures of the client's `x-ratelimit-*` headers.
  ///
  /// @param requests that would be admitted now
  /// @param tokens that would be admitted now
  /// @param resetRequestsMs until the request allowance is full again
  /// @param resetTokensMs until the token allowance is full again
  record Allowance(long requests, long tokens, long resetRequestsMs, long resetTokensMs) {}

  /// Which limit was hit.
  enum Limit {
    REQUESTS_PER_MINUTE,
    TOKENS_PER_MINUTE
  }
}
