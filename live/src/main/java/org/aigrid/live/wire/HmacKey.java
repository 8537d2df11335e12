package org.aigrid.live.wire;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/// A key of HMAC-SHA-256 (RFC 2104), prepared: the key has gone through both hashes already, and a
/// code goes on from copies of the two. Saves the look-up of an algorithm and half of the hashing
/// of a short text: about 0.6 us for 100 bytes, where `javax.crypto.Mac` takes 2 to 3.
///
/// Immutable, safe for many threads, some 500 bytes. A `Running` is for one thread.
public final class HmacKey {
  private static final int BLOCK_BYTES = 64;

  private final MessageDigest inner; // these two are only ever copied
  private final MessageDigest outer;

  /// @param key of any length but 0
  public HmacKey(byte[] key) {
    if (key.length == 0) {
      throw new IllegalArgumentException("key of 0 bytes (expected: 1 or more)");
    }
    byte[] block =
        Arrays.copyOf(key.length > BLOCK_BYTES ? sha256().digest(key) : key, BLOCK_BYTES);
    inner = padded(block, 0x36);
    outer = padded(block, 0x5c);
  }

  private static MessageDigest padded(byte[] block, int pad) {
    var padded = new byte[BLOCK_BYTES];
    for (int i = 0; i < BLOCK_BYTES; i++) {
      padded[i] = (byte) (block[i] ^ pad);
    }
    MessageDigest digest = sha256();
    digest.update(padded);
    return copy(digest);
  }

  /// The code of a whole text, 32 bytes.
  public byte[] of(byte[] text) {
    MessageDigest hash = copy(inner);
    hash.update(text);
    return end(hash);
  }

  /// Begins the code of a text that comes in pieces.
  public Running begin() {
    return new Running(copy(inner));
  }

  /// A code under way. One thread.
  public final class Running {
    private final MessageDigest hash;

    private Running(MessageDigest hash) {
      this.hash = hash;
    }

    public void update(ByteBuffer piece) {
      hash.update(piece);
    }

    /// The code, 32 bytes; once.
    public byte[] end() {
      return HmacKey.this.end(hash);
    }
  }

  private byte[] end(MessageDigest hash) {
    MessageDigest last = copy(outer);
    last.update(hash.digest());
    return last.digest();
  }

  private static MessageDigest copy(MessageDigest digest) {
    try {
      return (MessageDigest) digest.clone();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("a SHA-256 that cannot be copied: " + digest, e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JDK without SHA-256", e);
    }
  }
}
