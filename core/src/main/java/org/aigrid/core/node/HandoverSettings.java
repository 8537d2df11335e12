package org.aigrid.core.node;

/// Bounds of what a caller's moves may set off.
///
/// @param dwellMsLeast how long a caller has to have stood at a new cell before a stream under way
///   is weighed, so that one at the edge of two cells does not take it to and fro
/// @param noticeMsMax how long a notice of the network outranks what a caller's address says
/// @param predictionMsMax a prediction is acted on when at most so much is left, and until it is so
///   much late
/// @param stayMsAssumed how long a caller is taken to stay at a new cell while nothing is known of
///   its pace
/// @param tokensPerTrip for how many tokens one extra round trip is felt once: a reader takes a
///   stream in by clauses; 1 for a machine that acts on each token
/// @param marginMs by how much moving has to be cheaper
/// @param workShare what a millisecond of computing at the target counts against one of waiting: it
///   is others who wait for it
/// @param holdMsMax how long a stream may stand still for a move that it does not need; then it
///   stays
/// @param prewarmMsMax how long one pre-warm may take; then it is given up
/// @param prewarmEveryMs between two pre-warms of one session at least
/// @param prewarmsMax pre-warms under way at once
/// @param prewarmShare prompt tokens that may be pre-warmed, as a share of all that are asked for
/// @param prewarmReserveTokens of these, what may be saved up; no larger prompt is pre-warmed
public record HandoverSettings(
    int dwellMsLeast,
    int noticeMsMax,
    int predictionMsMax,
    int stayMsAssumed,
    double tokensPerTrip,
    double marginMs,
    double workShare,
    int holdMsMax,
    int prewarmMsMax,
    int prewarmEveryMs,
    int prewarmsMax,
    double prewarmShare,
    int prewarmReserveTokens) {
  public static final HandoverSettings DEFAULT =
      new HandoverSettings(
          2_000, 600_000, 30_000, 60_000, 16, 20, 0.25, 2_000, 10_000, 5_000, 16, 0.05, 262_144);

  public HandoverSettings {
    require(dwellMsLeast >= 0, "dwellMsLeast", dwellMsLeast, "0 or more");
    require(noticeMsMax >= 1, "noticeMsMax", noticeMsMax, "1 or more");
    require(predictionMsMax >= 1, "predictionMsMax", predictionMsMax, "1 or more");
    require(stayMsAssumed >= 1, "stayMsAssumed", stayMsAssumed, "1 or more");
    require(tokensPerTrip >= 1, "tokensPerTrip", tokensPerTrip, "1 or more");
    require(marginMs >= 0, "marginMs", marginMs, "0 or more");
    require(workShare >= 0, "workShare", workShare, "0 or more");
    require(holdMsMax >= 1, "holdMsMax", holdMsMax, "1 or more");
    require(prewarmMsMax >= 1, "prewarmMsMax", prewarmMsMax, "1 or more");
    require(prewarmEveryMs >= 0, "prewarmEveryMs", prewarmEveryMs, "0 or more");
    require(prewarmsMax >= 0, "prewarmsMax", prewarmsMax, "0 or more");
    require(prewarmShare >= 0 && prewarmShare <= 1, "prewarmShare", prewarmShare, "0 to 1");
    require(prewarmReserveTokens >= 0, "prewarmReserveTokens", prewarmReserveTokens, "0 or more");
  }

  private static void require(boolean holds, String name, double value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /// These settings with another least dwell.
  public HandoverSettings withDwellMsLeast(int ms) {
    return new HandoverSettings(
        ms,
        noticeMsMax,
        predictionMsMax,
        stayMsAssumed,
        tokensPerTrip,
        marginMs,
        workShare,
        holdMsMax,
        prewarmMsMax,
        prewarmEveryMs,
        prewarmsMax,
        prewarmShare,
        prewarmReserveTokens);
  }

  /// These settings with another bound of a stream's standstill.
  public HandoverSettings withHoldMsMax(int ms) {
    return new HandoverSettings(
        dwellMsLeast,
        noticeMsMax,
        predictionMsMax,
        stayMsAssumed,
        tokensPerTrip,
        marginMs,
        workShare,
        ms,
        prewarmMsMax,
        prewarmEveryMs,
        prewarmsMax,
        prewarmShare,
        prewarmReserveTokens);
  }

  /// These settings with another budget of pre-warms; a share of 0 and a reserve of 0 make none.
  public HandoverSettings withPrewarms(int most, double share, int reserveTokens) {
    return new HandoverSettings(
        dwellMsLeast,
        noticeMsMax,
        predictionMsMax,
        stayMsAssumed,
        tokensPerTrip,
        marginMs,
        workShare,
        holdMsMax,
        prewarmMsMax,
        prewarmEveryMs,
        most,
        share,
        reserveTokens);
  }
}
