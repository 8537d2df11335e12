package org.aigrid.core.route;

/// What the router may be told to weigh differently. Immutable.
///
/// @param roundTrips network model
/// @param neighbours nearest base stations looked at beside the caller's own
/// @param randomCandidates endpoints drawn at random from all that serve the model
/// @param contentMs when the best of the first candidates answers at most so much later than an
///   idle base station elsewhere could, no others are looked at
/// @param probesMax endpoints looked at one after the other when no candidate is ready
/// @param explorationShare share of decisions that take a random ready candidate, to learn
/// @param stickyShare share of a prompt's blocks an endpoint must hold to be sticky
/// @param stickyBlocks blocks that make it sticky whatever the share
/// @param stickyBlocksLeast blocks below which nothing is sticky
/// @param stickyPenaltyMsMax extra wait for the first token that stickiness may cost
/// @param decodePaceMs time per output token that readers do not notice; slower decoding counts in
///   full
/// @param meanOutputTokens assumed length of an answer where nothing better is known
/// @param waitMsMax an endpoint with a longer wait is saturated; for a request, its class's share
///   of this (`ServiceTier.waitCeiling`)
/// @param placeWaitMsMax the same for every class, where what waits for longer waits better
///   elsewhere (`WaitingRoom`); as long as `waitMsMax` where it does not
/// @param contextSlack factor by which an estimated prompt must exceed the context to be refused
///   here rather than by the engine, which counts exactly
public record RouterSettings(
    RoundTrips roundTrips,
    int neighbours,
    int randomCandidates,
    double contentMs,
    int probesMax,
    double explorationShare,
    double stickyShare,
    int stickyBlocks,
    int stickyBlocksLeast,
    double stickyPenaltyMsMax,
    double decodePaceMs,
    int meanOutputTokens,
    int waitMsMax,
    int placeWaitMsMax,
    double contextSlack) {
  public static final RouterSettings DEFAULT =
      new RouterSettings(
          RoundTrips.DEFAULT, 5, 4, 5, 64, 0.01, 0.8, 32, 4, 2_000, 25, 256, 37_500, 37_500, 2);

  public RouterSettings {
    require(neighbours >= 0 && neighbours <= 8, "neighbours", neighbours, "0 to 8");
    require(
        randomCandidates >= 0 && randomCandidates <= 4,
        "randomCandidates",
        randomCandidates,
        "0 to 4");
    require(contentMs >= 0, "contentMs", contentMs, "0 or more");
    require(probesMax >= 1, "probesMax", probesMax, "1 or more");
    require(
        explorationShare >= 0 && explorationShare <= 1,
        "explorationShare",
        explorationShare,
        "0 to 1");
    require(stickyShare > 0 && stickyShare <= 1, "stickyShare", stickyShare, "above 0, at most 1");
    require(meanOutputTokens >= 1, "meanOutputTokens", meanOutputTokens, "1 or more");
    require(waitMsMax >= 1, "waitMsMax", waitMsMax, "1 or more");
    require(placeWaitMsMax >= 1, "placeWaitMsMax", placeWaitMsMax, "1 or more");
    require(contextSlack >= 1, "contextSlack", contextSlack, "1 or more");
  }

  private static void require(boolean holds, String name, double value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /// These settings with another exploration share: 0 makes every choice the cheapest.
  public RouterSettings withExplorationShare(double share) {
    return with(roundTrips, share, placeWaitMsMax);
  }

  /// These settings in another network.
  public RouterSettings withRoundTrips(RoundTrips other) {
    return with(other, explorationShare, placeWaitMsMax);
  }

  /// These settings with another limit of the wait at a place.
  public RouterSettings withPlaceWaitMsMax(int ms) {
    return with(roundTrips, explorationShare, ms);
  }

  private RouterSettings with(RoundTrips trips, double share, int placeMs) {
    return new RouterSettings(
        trips,
        neighbours,
        randomCandidates,
        contentMs,
        probesMax,
        share,
        stickyShare,
        stickyBlocks,
        stickyBlocksLeast,
        stickyPenaltyMsMax,
        decodePaceMs,
        meanOutputTokens,
        waitMsMax,
        placeMs,
        contextSlack);
  }
}
