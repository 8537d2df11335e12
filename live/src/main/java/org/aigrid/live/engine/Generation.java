package org.aigrid.live.engine;

/// One generation under way. Safe for many threads.
public interface Generation {
  /// Ends it and frees its place; its sink hears nothing more, save a callback that runs at this
  /// moment. Does nothing when it is over.
  default void cancel() {
    cancel(() -> {});
  }

  /// As `cancel`.
  ///
  /// @param gone runs once when the work has left the device: at the end of the step that was under
  ///   way, or at once when there was none
  void cancel(Runnable gone);

  /// As `cancel`, of work that has to have left the device in time. An engine that can do so ends
  /// itself rather than be late: what else is under way there breaks, and goes on elsewhere.
  ///
  /// Below some 55 ms there is no time for that, and it is late by what is missing.
  ///
  /// @param withinMs from now; infinite for whenever
  default void evict(double withinMs, Runnable gone) {
    cancel(gone);
  }
}
