package org.aigrid.live.engine;

/// One generation under way. Safe for many threads.
public interface Generation {
  /// Ends it and frees its place; its sink hears nothing more, save a callback that runs at this
  /// moment. Does nothing when it is over.
  void cancel();
}
