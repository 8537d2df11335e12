package org.aigrid.live.proof;

/// What became of an entry that was offered to the log.
public enum Offer {
  /// It will be in the log about a second later, unless the process dies before.
  TAKEN,
  /// Too many wait (`LogSettings.queueMax`): not taken. Whoever has it in a journal offers it again
  /// later; nothing is dropped silently.
  FULL,
  /// The log is closed, or stopped because of a mistake of ours: not taken.
  CLOSED
}
