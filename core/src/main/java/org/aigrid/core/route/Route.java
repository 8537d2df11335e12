package org.aigrid.core.route;

/// Where a request runs, or why it runs nowhere. Immutable.
public sealed interface Route {
  /// Runs at an endpoint.
  ///
  /// @param endpoint dense index in the view's roster
  /// @param site dense index of its site
  /// @param costMs what the router compared
  /// @param firstTokenMs expected client time to first token
  /// @param tokenMs expected time per output token
  /// @param cachedTokens prompt tokens expected in the endpoint's KV cache
  /// @param uncachedTokens prompt tokens to compute there
  /// @param reason why it won
  /// @param runnerUp endpoint with the next lowest cost of those looked at, or -1 when there was no
  ///   other
  /// @param runnerUpCostMs its cost, or 0
  record Placed(
      int endpoint,
      int site,
      double costMs,
      double firstTokenMs,
      double tokenMs,
      int cachedTokens,
      int uncachedTokens,
      Reason reason,
      int runnerUp,
      double runnerUpCostMs)
      implements Route {}

  /// Runs nowhere.
  ///
  /// @param why the first check that left no endpoint
  /// @param retryAfterMs when to come back, or 0 when coming back does not help
  record Refused(Refusal why, int retryAfterMs) implements Route {}
}
