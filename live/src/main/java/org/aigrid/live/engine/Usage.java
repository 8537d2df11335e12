package org.aigrid.live.engine;

/// What a generation cost, in tokens. Immutable.
///
/// @param promptTokens tokens of the prompt
/// @param cachedTokens those of them that came from the cache
/// @param outputTokens tokens generated
public record Usage(int promptTokens, int cachedTokens, int outputTokens) {
  public int totalTokens() {
    return promptTokens + outputTokens;
  }
}
