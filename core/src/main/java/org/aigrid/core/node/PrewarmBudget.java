package org.aigrid.core.node;

/// How much a gateway may still compute ahead: each request's prompt tokens earn a share, each
/// pre-warm spends its own, and only so many run at once.
///
/// A pre-warm is a guess. Bounds what wrong guesses can cost the grid: at most `prewarmShare` of
/// the prompt tokens asked for plus `prewarmReserveTokens` in a burst. Not thread-safe.
public final class PrewarmBudget {
  /// What was answered to one that wants to begin.
  public enum Grant {
    /// It may; end it with `done`.
    GRANTED,
    /// The tokens are used up.
    NO_TOKENS_LEFT,
    /// As many run as may.
    TOO_MANY
  }

  private final double share;
  private final double reserveTokens;
  private final int most;
  private double tokens;
  private int underWay;

  /// A new gateway begins with the whole reserve.
  public PrewarmBudget(HandoverSettings settings) {
    share = settings.prewarmShare();
    reserveTokens = settings.prewarmReserveTokens();
    most = settings.prewarmsMax();
    tokens = reserveTokens;
  }

  /// A request of so many prompt tokens has arrived.
  public void earn(int promptTokens) {
    tokens = Math.min(reserveTokens, tokens + share * promptTokens);
  }

  /// Takes what one pre-warm costs.
  ///
  /// @param promptTokens it is to compute, 1 or more
  public Grant take(int promptTokens) {
    if (underWay >= most) {
      return Grant.TOO_MANY;
    }
    if (tokens < promptTokens) {
      return Grant.NO_TOKENS_LEFT;
    }
    tokens -= promptTokens;
    underWay++;
    return Grant.GRANTED;
  }

  /// One that was granted has ended.
  ///
  /// @param unused of its tokens: what the site still had, or all of them where it computed nothing
  public void done(int unused) {
    underWay--;
    tokens = Math.min(reserveTokens, tokens + Math.max(0, unused));
  }

  /// Whole tokens left.
  public int left() {
    return (int) tokens;
  }

  /// How many run.
  public int underWay() {
    return underWay;
  }
}
