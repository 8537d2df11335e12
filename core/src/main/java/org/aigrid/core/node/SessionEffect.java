package org.aigrid.core.node;

/// What the shell has to do about a session.
public sealed interface SessionEffect {
  /// Compute the session's last prompt, or that of the stream which wants it, where a caller at
  /// that cell would best be served, within the budget; report `Prewarmed` in any case.
  record Prewarm(int cell) implements SessionEffect {}

  /// Weigh each stream under way of the session: stay, or go on nearer to that cell (`Handover`).
  ///
  /// @param stayMs how long the caller is expected to stay there
  record Weigh(int cell, long stayMs) implements SessionEffect {}

  /// Report `Woken` then, or before: what is not due by then is asked for again, so one timer for
  /// the earliest is enough.
  record WakeAt(long atMs) implements SessionEffect {}
}
