package org.aigrid.core.admit;

/// May a request enter under its key's rate limits? Immutable.
public sealed interface Admission {
  /// It enters; the figures are for the client's `x-ratelimit-*` headers.
  ///
  /// @param remainingRequests requests that would be admitted now
  /// @param remainingTokens tokens that would be admitted now
  /// @param resetRequestsMs until the request allowance is full again
  /// @param resetTokensMs until the token allowance is full again
  record Admitted(
      long remainingRequests, long remainingTokens, long resetRequestsMs, long resetTokensMs)
      implements Admission {}

  /// It does not enter now; the same request would after `retryAfterMs`.
  record Limited(Limit limit, long retryAfterMs) implements Admission {}

  /// It is larger than the limit allows at any time.
  record TooLarge(long tokensPerMinute) implements Admission {}

  /// Which limit was hit.
  enum Limit {
    REQUESTS_PER_MINUTE,
    TOKENS_PER_MINUTE
  }
}
