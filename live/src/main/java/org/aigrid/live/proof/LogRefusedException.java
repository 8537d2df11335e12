package org.aigrid.live.proof;

import java.io.IOException;

/// A log's folder or keys are not what the log left there, or cannot be used: the log does not
/// start rather than sign what might contradict what it signed before. The message says what and
/// where.
public final class LogRefusedException extends IOException {
  private static final long serialVersionUID = 1L;

  public LogRefusedException(String message) {
    super(message);
  }
}
