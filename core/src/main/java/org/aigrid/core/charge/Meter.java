package org.aigrid.core.charge;

/// How much further may a stream go on what is held for it? Decided before a chunk is passed on, so
/// a reader never has a token that is not paid for: a stream is cut within one chunk of its budget.
/// Not thread-safe; two comparisons a chunk.
///
/// ```
/// Pass ──tokens──> Pass ... Extend: ask the budget for more, then `held(...)`, then ask again
///                           Cut:    nothing more is held or to be had: the stream ends here
/// ```
public final class Meter {
  /// What to do with the next chunk.
  public enum Verdict {
    /// It is paid for.
    PASS,
    /// Ask the budget for more (`wantMicros`), tell `held`, and ask again.
    EXTEND,
    /// End the stream with finish reason `length` and do not pass the chunk on.
    CUT
  }

  /// A stream asks for money for so many tokens more at a time.
  public static final int STEP_TOKENS = 512;

  private final Price price;
  private final long promptTokens;
  private final long outputTokensMax;
  private long tokensPaid;
  private long tokensPassed;
  private boolean refused;

  /// @param promptTokens an upper estimate
  /// @param outputTokensMax the most that the request may generate
  /// @param heldMicros what is held for it
  public Meter(Price price, long promptTokens, long outputTokensMax, long heldMicros) {
    this.price = price;
    this.promptTokens = promptTokens;
    this.outputTokensMax = outputTokensMax;
    tokensPaid = price.outputTokensFor(heldMicros, promptTokens);
  }

  /// What to hold at first: the least is the prompt and one token, what it wants is the prompt and
  /// all it may generate.
  public static long leastMicros(Price price, long promptTokens, long outputTokensMax) {
    return price.worstMicros(promptTokens, Math.min(1, outputTokensMax));
  }

  /// The verdict on a chunk of so many tokens; they count as passed with `PASS`.
  public Verdict next(int tokens) {
    if (tokensPassed + tokens <= tokensPaid) {
      tokensPassed += tokens;
      return Verdict.PASS;
    }
    return refused ? Verdict.CUT : Verdict.EXTEND;
  }

  /// What the stream would like to hold in all, to go on after `EXTEND`.
  public long wantMicros(int tokens) {
    long output =
        Math.max(tokensPassed + tokens, Math.min(outputTokensMax, tokensPassed + STEP_TOKENS));
    return price.worstMicros(promptTokens, output);
  }

  /// What it has to hold in all, to pass a chunk of so many tokens.
  public long leastMicros(int tokens) {
    return price.worstMicros(promptTokens, tokensPassed + tokens);
  }

  /// Tells what is held now; where that does not pay for the next chunk the verdict is `CUT`.
  public void held(long heldMicros) {
    tokensPaid = Math.max(tokensPaid, price.outputTokensFor(heldMicros, promptTokens));
    refused = false;
  }

  /// Tells that there is no more to be had.
  public void refused() {
    refused = true;
  }

  /// Tokens of output that were passed on.
  public long tokensPassed() {
    return tokensPassed;
  }

  /// Tokens of output that may still pass on what is held.
  public long tokensLeft() {
    return Math.max(0, tokensPaid - tokensPassed);
  }
}
