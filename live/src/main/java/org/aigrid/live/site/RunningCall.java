package org.aigrid.live.site;

import org.aigrid.core.model.ServiceTier;

/// One request at work at a site, as whoever governs the GPU sees it. Safe for many threads.
interface RunningCall {
  /// How urgent it is.
  ServiceTier tier();

  /// Tokens of its prompt, estimated.
  int promptTokens();

  /// Tokens generated so far.
  int tokens();

  /// Tokens that it may generate at most; 0 when it did not say.
  int tokensMax();

  /// When it came, in nanoseconds of `System.nanoTime`.
  long sinceNanos();

  /// Whether the word that it is gone comes from its device; false where only a connection is
  /// closed.
  default boolean confirms() {
    return true;
  }

  /// Ends the engine's work and asks the gateway to go on elsewhere. False when it was over.
  ///
  /// @param reason for the gateway and the logs: `radio`, `drain`
  /// @param withinMs when its work has to have left the device, from now; infinite for whenever
  /// @param gone runs once when the work has left the device; not when the answer is false
  boolean move(String reason, double withinMs, Runnable gone);
}
