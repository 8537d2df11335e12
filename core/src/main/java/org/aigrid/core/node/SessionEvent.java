package org.aigrid.core.node;

/// What can happen to a session. Cells are dense indices of sites in the view's roster.
public sealed interface SessionEvent {
  /// A turn begins.
  ///
  /// @param cell where its caller stands, or -1 when that is not known
  /// @param told whether the network said so with the request; else it is read from an address
  record Asked(int cell, boolean told) implements SessionEvent {}

  /// A turn has ended, however.
  record Ended() implements SessionEvent {}

  /// The network says where the caller is, or will be.
  ///
  /// @param inMs 0: it is there now; more: it is expected there then
  record Noticed(int cell, long inMs) implements SessionEvent {}

  /// The earliest time of a `WakeAt` has come.
  record Woken() implements SessionEvent {}

  /// A stream under way would be worth moving to that cell if its prompt were there. Answered with
  /// a `Prewarm`, then of that stream's prompt, or with nothing: the stream stays.
  record WarmWanted(int cell) implements SessionEvent {}

  /// A pre-warm has ended.
  ///
  /// @param cell for which it was
  /// @param endpoint that holds the prompt now, or -1 when it came to nothing
  record Prewarmed(int cell, int endpoint) implements SessionEvent {}
}
