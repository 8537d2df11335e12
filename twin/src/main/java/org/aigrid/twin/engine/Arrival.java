package org.aigrid.twin.engine;

/// A request that reaches an engine. Immutable.
///
/// @param atMs when
/// @param promptTokens 1 or more
/// @param cachedTokens of them, those that need no prefill
/// @param outputTokens 1 or more
public record Arrival(double atMs, int promptTokens, int cachedTokens, int outputTokens) {}
