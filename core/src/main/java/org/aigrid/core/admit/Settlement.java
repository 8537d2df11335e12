package org.aigrid.core.admit;

/// What a request that is over has used: what its key is charged and what is metered.
///
/// An engine tells its tokens at the end of its answer. Whoever leaves before that, or whose site
/// dies, has used them all the same: then the gateway's own count stands, as a lower bound.
public sealed interface Settlement {
  /// So many tokens; of the reservation the rest is given back.
  record Used(int promptTokens, int completionTokens) implements Settlement {}

  /// Nobody knows: the reservation stands.
  record Reserved() implements Settlement {}

  /// What is known of a request at its end. Immutable.
  ///
  /// @param told whether an engine told its tokens
  /// @param promptTokens as told
  /// @param completionTokens as told
  /// @param nothingRan whether no site ever answered it
  /// @param streaming whether a stream had begun
  /// @param promptTokensEstimated of its prompt
  /// @param tokensSeen of the stream that went by
  record Facts(
      boolean told,
      int promptTokens,
      int completionTokens,
      boolean nothingRan,
      boolean streaming,
      int promptTokensEstimated,
      int tokensSeen) {}

  /// The first rule that applies.
  static Settlement of(Facts facts) {
    if (facts.told()) {
      return new Used(facts.promptTokens(), facts.completionTokens());
    }
    if (facts.nothingRan()) {
      return new Used(0, 0);
    }
    return facts.streaming()
        ? new Used(facts.promptTokensEstimated(), facts.tokensSeen())
        : new Reserved();
  }
}
