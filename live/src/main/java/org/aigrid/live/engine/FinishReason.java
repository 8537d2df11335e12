package org.aigrid.live.engine;

/// Why a generation ended.
public enum FinishReason {
  /// The model or a stop sequence said so.
  STOP,
  /// The bound on output tokens or the context.
  LENGTH
}
