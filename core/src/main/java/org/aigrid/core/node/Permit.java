package org.aigrid.core.node;

/// Whether a request may have another attempt, and who pays for it.
public enum Permit {
  /// It may not.
  NO,
  /// It may: whoever asks for it bounds it himself.
  FREE,
  /// It may if the retry budget has one.
  FROM_BUDGET
}
