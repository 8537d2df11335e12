package org.aigrid.live.replay;

/// How one request of a replay ended. Times are nanoseconds of the machine's monotonic clock.
sealed interface Outcome {
  /// A whole answer, from its first token to `[DONE]`.
  ///
  /// @param site id of the site that answered, or `?`
  /// @param tier its tier, or `?`
  /// @param tokens tokens of the answer as the usage chunk says, else the frames with text
  record Answered(
      String site, String tier, long firstTokenNanos, long endNanos, int promptTokens, int tokens)
      implements Outcome {}

  /// No whole answer.
  ///
  /// @param kind short and countable, such as `429 rate_limit_exceeded` or `closed in mid-stream`
  /// @param detail one sentence about this one
  record Failed(String kind, String detail) implements Outcome {}
}
