package org.aigrid.live.tlog;

/// What was shown is well-formed and does not prove what it should: a signature that fails, a root
/// that does not fit, too few witnesses. The message says which. Callers stop there.
public class UntrustedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UntrustedException(String message) {
    super(message);
  }
}
