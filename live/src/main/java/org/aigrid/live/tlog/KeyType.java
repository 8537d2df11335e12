package org.aigrid.live.tlog;

import java.util.HexFormat;

/// The kinds of signature on a note (C2SP `signed-note` and `tlog-cosignature`), with the raw key
/// sizes and what stands before the raw key in its DER form (RFC 8410, RFC 9881).
public enum KeyType {
  /// Ed25519 over the text of the note: a log's own signature.
  ED25519(0x01, "Ed25519", 32, 64, false, "302a300506032b6570032100"),
  /// Ed25519 over the time and the text: a witness's.
  ED25519_COSIGNATURE(0x04, "Ed25519", 32, 64, true, "302a300506032b6570032100"),
  /// ML-DSA-44 over cosigner, time, origin, size and root: a witness's, or a log's second one.
  ML_DSA_44_COSIGNATURE(
      0x06, "ML-DSA-44", 1_312, 2_420, true, "30820532300b06096086480165030403110382052100");

  private final int code;
  private final String algorithm;
  private final int keyBytes;
  private final int signatureBytes;
  private final boolean timed;
  private final byte[] derPrefix;

  KeyType(
      int code,
      String algorithm,
      int keyBytes,
      int signatureBytes,
      boolean timed,
      String derPrefixHex) {
    this.code = code;
    this.algorithm = algorithm;
    this.keyBytes = keyBytes;
    this.signatureBytes = signatureBytes;
    this.timed = timed;
    derPrefix = HexFormat.of().parseHex(derPrefixHex);
  }

  /// The byte before the raw key in a vkey.
  public int code() {
    return code;
  }

  /// As the JDK calls it.
  public String algorithm() {
    return algorithm;
  }

  /// Of the raw public key.
  public int keyBytes() {
    return keyBytes;
  }

  /// Of a signature line's bytes behind the key id: with the time where there is one.
  public int signatureBytes() {
    return signatureBytes + (timed ? Long.BYTES : 0);
  }

  /// Whether it says when it was made.
  public boolean timed() {
    return timed;
  }

  byte[] derPrefix() {
    return derPrefix.clone();
  }

  static KeyType of(int code) {
    for (KeyType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new FormatException(
        "key type " + code + " (expected: 1 Ed25519, 4 Ed25519 cosignature, 6 ML-DSA-44)");
  }
}
