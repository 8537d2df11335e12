package org.aigrid.live.tlog;

/// What was read is not what the format says: the message names the part, what stood there and what
/// was expected. The one exception of this package's parsers, whatever bytes they are given.
public final class FormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public FormatException(String message) {
    super(message);
  }
}
