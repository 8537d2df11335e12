package org.aigrid.live.books;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.aigrid.core.model.ServiceTier;

/// What one answered request used and costs, as the gateway writes it down before the last byte of
/// the answer leaves. No content: neither prompt nor answer, nor anything derived from them.
/// Immutable.
///
/// @param requestId unique for ever: the books take each id once
/// @param tenant who pays
/// @param project of the tenant
/// @param key id of the API key
/// @param model as it was billed
/// @param tier as it was served
/// @param site where the answer came from; empty when nothing ran
/// @param jurisdiction of that site
/// @param operator of that site
/// @param price id of the line of the price list
/// @param promptTokens of the prompt, once, however often it was computed
/// @param cachedTokens of them, those that the engine had already
/// @param outputTokens that the client was given
/// @param chargedMicros what the tenant pays
/// @param listMicros what its tokens cost at the standard tier's price, at least `chargedMicros`
/// @param attempts where it was tried, such as `cell-1:10/3 hub:13/20` (prompt / output tokens)
/// @param outcome how it ended, such as `complete`, `cut`, `cancelled`, `failed`
/// @param begunAtMs epoch milliseconds
/// @param endedAtMs epoch milliseconds
public record UsageRecord(
    String requestId,
    String tenant,
    String project,
    String key,
    String model,
    ServiceTier tier,
    String site,
    String jurisdiction,
    String operator,
    String price,
    int promptTokens,
    int cachedTokens,
    int outputTokens,
    long chargedMicros,
    long listMicros,
    String attempts,
    String outcome,
    long begunAtMs,
    long endedAtMs) {
  /// Bytes of one text; what is longer is cut at the end, but for ids, which are refused.
  public static final int TEXT_BYTES_MAX = 1_024;

  /// Bytes of one encoded record.
  static final int BYTES_MAX = 12 * (2 + TEXT_BYTES_MAX) + 2 + 3 * 4 + 4 * 8;

  private static final int NUMBERS_BYTES = 3 * Integer.BYTES + 4 * Long.BYTES;

  private static final byte VERSION = 1;
  private static final ServiceTier[] TIERS = ServiceTier.values();

  public UsageRecord {
    if (requestId.isEmpty()
        || requestId.length() > TEXT_BYTES_MAX / 3 && bytes(requestId).length > TEXT_BYTES_MAX) {
      throw new IllegalArgumentException(
          "request id of " + requestId.length() + " characters (expected: 1 to 1,024 bytes)");
    }
    if (promptTokens < 0
        || cachedTokens < 0
        || outputTokens < 0
        || chargedMicros < 0
        || listMicros < 0) {
      throw new IllegalArgumentException(
          "record of "
              + requestId
              + " with a negative amount: "
              + promptTokens
              + ", "
              + cachedTokens
              + ", "
              + outputTokens
              + " tokens, "
              + chargedMicros
              + ", "
              + listMicros
              + " micros (expected: 0 or more)");
    }
  }

  /// The record's bytes in the journal.
  byte[] encode() {
    byte[][] texts = {
      bytes(requestId),
      bytes(tenant),
      bytes(project),
      bytes(key),
      bytes(model),
      bytes(site),
      bytes(jurisdiction),
      bytes(operator),
      bytes(price),
      bytes(attempts),
      bytes(outcome)
    };
    int length = 2 + NUMBERS_BYTES;
    for (byte[] text : texts) {
      length += 2 + kept(text);
    }
    ByteBuffer out = ByteBuffer.allocate(length);
    out.put(VERSION);
    out.put((byte) tier.ordinal());
    for (byte[] text : texts) {
      int kept = kept(text);
      out.putShort((short) kept).put(text, 0, kept);
    }
    out.putInt(promptTokens).putInt(cachedTokens).putInt(outputTokens);
    out.putLong(chargedMicros).putLong(listMicros).putLong(begunAtMs).putLong(endedAtMs);
    return out.array();
  }

  /// Reads what `encode` wrote; anything else is an `IllegalArgumentException`.
  static UsageRecord decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      byte version = in.get();
      int tier = in.get();
      if (version != VERSION || tier < 0 || tier >= TIERS.length) {
        throw new IllegalArgumentException(
            "record of version "
                + version
                + ", tier "
                + tier
                + " (expected: version "
                + VERSION
                + "; a newer grid may have written it)");
      }
      var record =
          new UsageRecord(
              text(in),
              text(in),
              text(in),
              text(in),
              text(in),
              TIERS[tier],
              text(in),
              text(in),
              text(in),
              text(in),
              in.getInt(in.limit() - 44),
              in.getInt(in.limit() - 40),
              in.getInt(in.limit() - 36),
              in.getLong(in.limit() - 32),
              in.getLong(in.limit() - 24),
              text(in),
              text(in),
              in.getLong(in.limit() - 16),
              in.getLong(in.limit() - 8));
      if (in.remaining() != NUMBERS_BYTES) {
        throw new IllegalArgumentException(
            "record with " + in.remaining() + " bytes at its end (expected: 44)");
      }
      return record;
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("record of " + bytes.length + " bytes is too short", e);
    }
  }

  /// How much of a text is written down.
  private static int kept(byte[] bytes) {
    int length = Math.min(bytes.length, TEXT_BYTES_MAX);
    while (length < bytes.length && length > 0 && (bytes[length] & 0xC0) == 0x80) {
      length--; // not in the middle of a character
    }
    return length;
  }

  private static String text(ByteBuffer in) {
    int length = in.getShort();
    if (length < 0 || length > TEXT_BYTES_MAX) {
      throw new IllegalArgumentException("text of " + length + " bytes in a record");
    }
    var bytes = new byte[length];
    in.get(bytes);
    // PostgreSQL holds no zero characters, and nothing that is not a character
    return new String(bytes, StandardCharsets.UTF_8).replace('\0', '?');
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
