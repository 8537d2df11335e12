package org.aigrid.live.tlog;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/// A SHA-256 value of the tree: of a leaf, or of two nodes (RFC 6962, section 2.1). The prefix byte
/// keeps a leaf from being shown as a node. 32 bytes; about 0.1 µs a node. Immutable.
public final class Hash {
  public static final int BYTES = 32;

  /// Of the tree without leaves: SHA-256 of nothing.
  public static final Hash OF_EMPTY_TREE = new Hash(sha256().digest());

  private final byte[] bytes;

  private Hash(byte[] bytes) {
    this.bytes = bytes;
  }

  /// Of one entry.
  public static Hash ofLeaf(byte[] entry) {
    MessageDigest digest = sha256();
    digest.update((byte) 0);
    return new Hash(digest.digest(entry));
  }

  /// Of two subtrees, the left one first.
  public static Hash ofNode(Hash left, Hash right) {
    MessageDigest digest = sha256();
    digest.update((byte) 1);
    digest.update(left.bytes);
    return new Hash(digest.digest(right.bytes));
  }

  /// Takes 32 bytes out of a tile.
  public static Hash at(byte[] tile, int offset) {
    if (offset < 0 || offset + BYTES > tile.length) {
      throw new FormatException(
          "hash at byte " + offset + " of " + tile.length + " (expected: 32 bytes there)");
    }
    return new Hash(Arrays.copyOfRange(tile, offset, offset + BYTES));
  }

  /// Reads the 44 characters of a hash in a proof or checkpoint.
  public static Hash parse(String base64) {
    byte[] decoded = Base64s.decode(base64, "hash");
    if (decoded.length != BYTES) {
      throw new FormatException(
          "hash '" + Base64s.shown(base64) + "': " + decoded.length + " bytes (expected: 32)");
    }
    return new Hash(decoded);
  }

  /// Plain SHA-256, for key ids and file names.
  public static byte[] sha256(byte[]... parts) {
    MessageDigest digest = sha256();
    for (byte[] part : parts) {
      digest.update(part);
    }
    return digest.digest();
  }

  /// Hexadecimal SHA-256 of a text, as witnesses name a log by its origin.
  public static String hexOf(String text) {
    return HexFormat.of().formatHex(sha256(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  public byte[] bytes() {
    return bytes.clone();
  }

  /// Writes the 32 bytes into a tile.
  public void copyTo(byte[] tile, int offset) {
    System.arraycopy(bytes, 0, tile, offset, BYTES);
  }

  public String base64() {
    return Base64.getEncoder().encodeToString(bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Hash hash && MessageDigest.isEqual(bytes, hash.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return base64();
  }
}
