package org.aigrid.core.charge;

/// What tokens of one model cost in one service tier, in micro-units of the grid's currency (one
/// millionth of a yen, a dollar or a credit) per million tokens. Immutable.
///
/// A request's cost is computed once over all its tokens and rounded up to a whole micro-unit, so a
/// request pays at most one micro-unit for rounding. Integers only, no overflow: prices and token
/// counts are bounded so that a cost fits into 63 bits. A few nanoseconds a call.
///
/// @param promptMicros for a million tokens of prompt
/// @param cachedMicros for a million tokens of prompt that the engine had computed before
/// @param outputMicros for a million tokens of output
public record Price(long promptMicros, long cachedMicros, long outputMicros) {
  /// Costs nothing.
  public static final Price FREE = new Price(0, 0, 0);

  /// The dearest price that can be written: 100,000 currency units for a million tokens.
  public static final long MICROS_MAX = 100_000_000_000L;

  /// More tokens than any request has; a higher count is taken for this one.
  public static final long TOKENS_MAX = 10_000_000;

  private static final long MILLION = 1_000_000;

  public Price {
    check("promptMicros", promptMicros);
    check("cachedMicros", cachedMicros);
    check("outputMicros", outputMicros);
  }

  private static void check(String name, long micros) {
    if (micros < 0 || micros > MICROS_MAX) {
      throw new IllegalArgumentException(
          name + ": " + micros + " (expected: 0 to " + MICROS_MAX + ", for a million tokens)");
    }
  }

  /// What so many tokens cost. `cachedTokens` are part of the prompt's.
  public long costMicros(long promptTokens, long cachedTokens, long outputTokens) {
    long prompt = Math.clamp(promptTokens, 0, TOKENS_MAX);
    long cached = Math.clamp(cachedTokens, 0, prompt);
    long output = Math.clamp(outputTokens, 0, TOKENS_MAX);
    return Math.ceilDiv(
        (prompt - cached) * promptMicros + cached * cachedMicros + output * outputMicros, MILLION);
  }

  /// The most that a request can cost that has this prompt, nothing of it cached, and this output.
  /// A price list may say that what is cached costs more; then that is the most.
  public long worstMicros(long promptTokens, long outputTokensMax) {
    return Math.max(
        costMicros(promptTokens, 0, outputTokensMax),
        costMicros(promptTokens, promptTokens, outputTokensMax));
  }

  /// How many tokens of output `micros` pay for after the prompt; -1 when they do not even pay for
  /// the prompt. `TOKENS_MAX` when output is free.
  public long outputTokensFor(long micros, long promptTokens) {
    long prompt = Math.clamp(promptTokens, 0, TOKENS_MAX);
    long promptCost = prompt * Math.max(promptMicros, cachedMicros);
    // beyond what any request can cost, more money buys nothing more
    long paid = Math.clamp(micros, -1, 3 * MICROS_MAX * TOKENS_MAX / MILLION) * MILLION;
    if (paid < promptCost) {
      return -1;
    }
    return outputMicros == 0
        ? TOKENS_MAX
        : Math.min(TOKENS_MAX, (paid - promptCost) / outputMicros);
  }
}
