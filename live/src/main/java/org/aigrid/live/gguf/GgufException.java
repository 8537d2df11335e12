package org.aigrid.live.gguf;

/// A model file that cannot be used; the message says which, why, and what to do.
public final class GgufException extends RuntimeException {
  private static final long serialVersionUID = 1;

  GgufException(String message) {
    super(message);
  }
}
