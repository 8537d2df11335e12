package org.aigrid.core.reclaim;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.aigrid.core.model.ServiceTier;

/// Whose work has to go when the radio claims the GPU: the least urgent first, of these what loses
/// least, and never what would be done sooner than it could move. Pure.
public final class Victims {
  /// One request at work. Immutable.
  ///
  /// @param number the caller's own name for it
  /// @param tier how urgent it is
  /// @param share of the GPU that it holds
  /// @param promptTokens of its prompt
  /// @param tokens generated so far
  /// @param tokensMax that it may generate at most; 0 when it did not say
  /// @param ageMs since it came; of equals the newest goes
  public record Running(
      int number,
      ServiceTier tier,
      double share,
      int promptTokens,
      int tokens,
      int tokensMax,
      double ageMs) {
    /// Tokens that another place would have to compute again.
    public int replayTokens() {
      return promptTokens + tokens;
    }
  }

  /// A stream is elsewhere after this and what its replay takes.
  private static final double MOVE_MS_LEAST = 20;

  private Victims() {}

  /// Those who go, in order, worth at least `share` together or all that may go.
  ///
  /// Who has no token yet is never spared: its prompt, and the queue before it, take a time that
  /// nobody here knows. Of the others each token is reckoned with the longest step, and the one
  /// under way with them.
  ///
  /// @param running all at work
  /// @param share of the GPU to be freed
  /// @param stepMs the longest that a step of the engines here can take
  /// @param prefillTokensPerSecond at which a replay is computed
  /// @param boundMs what is done within this may stay; the reclaim bound
  public static List<Running> choose(
      List<Running> running,
      double share,
      double stepMs,
      double prefillTokensPerSecond,
      double boundMs) {
    var candidates = new ArrayList<Running>(running);
    candidates.removeIf(
        one -> doneMs(one, stepMs) <= Math.min(boundMs, moveMs(one, prefillTokensPerSecond)));
    candidates.sort(
        Comparator.comparing(Running::tier)
            .reversed()
            .thenComparingInt(Running::replayTokens)
            .thenComparingDouble(Running::ageMs)
            .thenComparingInt(Running::number));
    var chosen = new ArrayList<Running>();
    double freed = 0;
    for (Running one : candidates) {
      if (freed >= share - 1e-9) {
        break;
      }
      chosen.add(one);
      freed += one.share();
    }
    return chosen;
  }

  private static double doneMs(Running one, double stepMs) {
    return one.tokensMax() == 0 || one.tokens() == 0
        ? Double.POSITIVE_INFINITY
        : (Math.max(0, one.tokensMax() - one.tokens()) + 1) * stepMs;
  }

  private static double moveMs(Running one, double prefillTokensPerSecond) {
    return MOVE_MS_LEAST + 1_000.0 * one.replayTokens() / prefillTokensPerSecond;
  }
}
