package org.aigrid.live.engine;

/// Hears one generation: `onStart`, then any number of `onText`, then `onEnd`; or `onError` instead
/// of any of them, as the last call. Calls come one after the other, from the engine's thread or
/// from within `submit`, and must return within microseconds: hand over, do not block.
public interface TokenSink {
  /// It has begun to compute.
  ///
  /// @param promptTokens tokens of the prompt
  /// @param cachedTokens how many of them were not computed again
  void onStart(int promptTokens, int cachedTokens);

  /// More text, whole characters only; `tokens` tokens brought it, 0 or more.
  void onText(String piece, int tokens);

  /// It is complete.
  void onEnd(FinishReason reason, Usage usage);

  /// It could not be done, or not to its end.
  void onError(EngineFailure failure);
}
