package org.aigrid.live.engine;

import org.jspecify.annotations.Nullable;

/// Hears one generation: `onStart`, then any number of `onText`, then `onEnd`; or `onError` instead
/// of any of them, as the last call. Calls come one after the other, from the engine's thread or
/// from within `submit`, and must return within microseconds: hand over, do not block.
public interface TokenSink {
  /// It has begun to compute.
  ///
  /// @param promptTokens tokens of the prompt
  /// @param cachedTokens how many of them were not computed again
  void onStart(int promptTokens, int cachedTokens);

  /// More text, whole characters only; empty when the tokens' text is held back for a stop
  /// sequence.
  ///
  /// @param tokens how many tokens brought it, 0 or more
  /// @param ids which they are, so that another engine of the kind can go on after them; null when
  ///   the engine does not know
  void onText(String piece, int tokens, int @Nullable [] ids);

  /// It is complete.
  void onEnd(FinishReason reason, Usage usage);

  /// It could not be done, or not to its end.
  void onError(EngineFailure failure);
}
