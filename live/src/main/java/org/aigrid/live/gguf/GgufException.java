package org.aigrid.live.gguf;

/// A model file that cannot be used; the message says which, why, and what to do.
public final class GgufException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public GgufException(String message) {
    super(message);
  }

  public GgufException(String message, Throwable cause) {
    super(message, cause);
  }
}
