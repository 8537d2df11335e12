package org.aigrid.live.proof;

import java.nio.charset.StandardCharsets;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Hash;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What may stand in the log: one canonical JSON object whose `type` says what it is. An id names
/// an entry once: the log keeps the first entry of an id and passes over later ones, so that a
/// journal can be played again.
public sealed interface LogEntry permits Receipt, GridChange {
  /// Entries are smaller than this.
  int BYTES_MAX = 65_534;

  /// `receipt`, `policy`, `site-registry`, `price` or `admin`.
  String type();

  /// Unique among receipts, or among changes.
  String id();

  /// The leaf: canonical JSON in UTF-8.
  byte[] bytes();

  /// What an entry's bytes say of themselves.
  ///
  /// @param type as in `LogEntry`
  /// @param id as in `LogEntry`
  /// @param json all of it
  record Read(String type, String id, JsonNode json) {
    boolean receipt() {
      return type.equals(Receipt.TYPE);
    }
  }

  /// Reads the bytes of an entry; anything that is not canonical JSON of a known type is a
  /// `FormatException`.
  static Read read(byte[] bytes) {
    JsonNode json = CanonicalJson.parse(bytes);
    String type = text(json, "type");
    boolean receipt = Receipt.TYPE.equals(type);
    if (type == null || !receipt && GridChange.Kind.of(type) == null) {
      throw new FormatException(
          "entry of type '" + type + "' (expected: receipt, policy, site-registry, price, admin)");
    }
    String id = text(json, receipt ? "requestId" : "changeId");
    if (id == null) {
      throw new FormatException("entry of type " + type + " without an id");
    }
    return new Read(type, id, json);
  }

  private static @Nullable String text(JsonNode json, String name) {
    JsonNode node = json.path(name);
    return node.isString() ? node.stringValue() : null;
  }

  /// The number under which an index finds an entry: 64 bits of a hash of its kind and id.
  static long fingerprint(boolean receipt, String id) {
    byte[] key = ((receipt ? "receipt\n" : "change\n") + id).getBytes(StandardCharsets.UTF_8);
    return java.nio.ByteBuffer.wrap(Hash.sha256(key)).getLong();
  }

  /// Visible ASCII of a bounded length: what ids and names in entries consist of.
  static void checkPlain(String field, String value, int charsMax) {
    int length = value.length();
    boolean plain = length > 0 && length <= charsMax;
    for (int i = 0; plain && i < length; i++) { // no stream: some twenty texts for each receipt
      char c = value.charAt(i);
      plain = c >= 0x21 && c <= 0x7e;
    }
    if (!plain) {
      throw new IllegalArgumentException(
          field
              + ": "
              + value.length()
              + " characters (expected: 1 to "
              + charsMax
              + " of visible ASCII)");
    }
  }
}
