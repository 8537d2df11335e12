package org.aigrid.live.trace;

/// A row, or a whole file, that cannot be read; the message begins with `file:line:`.
public final class TraceException extends Exception {
  private static final long serialVersionUID = 1L;

  TraceException(String file, long line, String message) {
    super(file + ":" + line + ": " + message);
  }
}
