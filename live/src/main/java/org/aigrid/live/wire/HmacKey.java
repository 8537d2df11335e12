package org.aigrid.live.wire;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// A key of HMAC-SHA-256 (RFC 2104), prepared: each code is made by a copy of one `Mac` that has
/// the key, which takes half of the time of making a `Mac` anew: 0.3 us instead of 0.5 for 100
/// bytes.
///
/// Immutable, safe for many threads. A `Running` is for one thread.
public final class HmacKey {
  private static final String ALGORITHM = "HmacSHA256";

  private final Mac keyed; // only ever copied

  /// @param key of any length but 0
  public HmacKey(byte[] key) {
    if (key.length == 0) {
      throw new IllegalArgumentException("key of 0 bytes (expected: 1 or more)");
    }
    try {
      keyed = Mac.getInstance(ALGORITHM);
      keyed.init(new SecretKeySpec(key, ALGORITHM));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a JDK without " + ALGORITHM, e);
    }
  }

  /// The code of a whole text, 32 bytes.
  public byte[] of(byte[] text) {
    return copy().doFinal(text);
  }

  /// Begins the code of a text that comes in pieces.
  public Running begin() {
    return new Running(copy());
  }

  private Mac copy() {
    try {
      return (Mac) keyed.clone();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("a Mac that cannot be copied: " + keyed.getProvider(), e);
    }
  }

  /// A code under way. One thread.
  public static final class Running {
    private final Mac code;

    private Running(Mac code) {
      this.code = code;
    }

    public void update(ByteBuffer piece) {
      code.update(piece);
    }

    /// The code, 32 bytes; once.
    public byte[] end() {
      return code.doFinal();
    }
  }
}
