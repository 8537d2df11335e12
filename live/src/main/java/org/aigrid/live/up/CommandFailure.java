package org.aigrid.live.up;

/// A command cannot do what it was asked for, and the message says to a person why and what to do.
/// Printed as it stands, without a stack trace; the exit code is `EXIT_CODE`.
final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;
  static final int EXIT_CODE = 1;

  CommandFailure(String message) {
    super(message, null, false, false);
  }
}
