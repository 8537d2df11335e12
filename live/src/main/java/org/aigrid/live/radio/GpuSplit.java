package org.aigrid.live.radio;

/// What enforces on the device how much of a GPU AI may have, beside the admission limits and
/// revocations at the engine, which work everywhere. Safe for many threads.
public interface GpuSplit extends AutoCloseable {
  /// Nothing beside the engine's limits.
  GpuSplit NONE = aiShare -> {};

  /// AI may have this share from now on. Returns at once: what takes time happens later, and only
  /// the last of several shares counts.
  void give(double aiShare);

  @Override
  default void close() {}

  /// This one and another: both are given every share, and both are closed.
  default GpuSplit and(GpuSplit other) {
    GpuSplit one = this;
    return new GpuSplit() {
      @Override
      public void give(double aiShare) {
        one.give(aiShare);
        other.give(aiShare);
      }

      @Override
      public void close() {
        try {
          one.close();
        } finally {
          other.close();
        }
      }
    };
  }
}
