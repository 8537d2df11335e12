package org.aigrid.twin.slots;

/// What became of a GPU's slots under one rule. Immutable.
///
/// @param rule the rule
/// @param slots radio slots played
/// @param late slots whose work was not done by its deadline
/// @param lateAlone slots that would have been late without any AI
/// @param spanMs time played
/// @param radioMs GPU time of the radio
/// @param aiMs GPU time of AI
/// @param tokens that AI generated
/// @param prefillTokens that AI computed
/// @param revoked sequences taken away for the radio
/// @param lostTokens of context that they have to compute again elsewhere
/// @param reclaims claims of the radio that took running work away
/// @param reclaimMsMost longest from a claim to the last revoked work off the GPU
public record SlotOutcome(
    SharingRule rule,
    long slots,
    long late,
    long lateAlone,
    double spanMs,
    double radioMs,
    double aiMs,
    long tokens,
    long prefillTokens,
    long revoked,
    long lostTokens,
    long reclaims,
    double reclaimMsMost) {
  /// Share of the slots that were on time.
  public double onTime() {
    return 1 - (double) late / slots;
  }

  /// Share of the time that the radio left which AI used.
  public double sold() {
    return aiMs / (spanMs - radioMs);
  }
}
