package org.aigrid.live.engine;

import org.aigrid.core.view.EndpointLoad;

/// One model that generates. Safe for many threads.
public interface Engine extends AutoCloseable {
  /// Starts a generation; returns at once. All answers, refusals too, come through `sink`.
  Generation submit(GenerationRequest request, TokenSink sink);

  /// How busy it is now; under a microsecond.
  EndpointLoad load();

  /// Whether it takes requests at all; false while it has to be started again.
  default boolean ready() {
    return true;
  }

  /// Runs `changed` whenever `ready` has changed, on any thread; it must not wait. One at a time:
  /// the last one given counts.
  default void onReadiness(Runnable changed) {}

  /// The radio beside it leaves it this share of its GPU from now on. Real engines feel it; those
  /// that only play one do as if.
  ///
  /// @param share 0 to 1
  default void setShare(double share) {}

  /// Ends; generations under way end with an error. Takes at most a second or so.
  @Override
  void close();
}
