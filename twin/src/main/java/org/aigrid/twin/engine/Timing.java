package org.aigrid.twin.engine;

/// What became of a request in an engine. Immutable.
///
/// @param arrivedMs when it arrived
/// @param firstTokenMs when its first token was there
/// @param lastTokenMs when its last one was
/// @param outputTokens how many
public record Timing(double arrivedMs, double firstTokenMs, double lastTokenMs, int outputTokens) {
  /// Time to first token.
  public double ttftMs() {
    return firstTokenMs - arrivedMs;
  }

  /// Time per output token after the first.
  public double tpotMs() {
    return (lastTokenMs - firstTokenMs) / Math.max(1, outputTokens - 1);
  }

  /// From arrival to the last token.
  public double latencyMs() {
    return lastTokenMs - arrivedMs;
  }
}
