package org.aigrid.live.tlog;

import java.util.Base64;

/// Base64 as signed notes have it (RFC 4648 section 4, with padding), and in one spelling only:
/// what would not be written back the same is refused.
final class Base64s {
  private static final int SHOWN_CHARS_MAX = 60;

  private Base64s() {}

  static byte[] decode(String text, String what) {
    byte[] decoded;
    try {
      decoded = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          what + " '" + shown(text) + "' (expected: base64 with padding): " + e.getMessage());
    }
    if (!Base64.getEncoder().encodeToString(decoded).equals(text)) {
      throw new FormatException(what + " '" + shown(text) + "' (expected: base64 with padding)");
    }
    return decoded;
  }

  static String encode(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  /// Enough of a text to find it by; control characters are never repeated to a terminal.
  static String shown(String text) {
    String cut = text.length() <= SHOWN_CHARS_MAX ? text : text.substring(0, SHOWN_CHARS_MAX) + "…";
    return cut.replaceAll("\\p{Cntrl}", "?");
  }

  /// A decimal number as the formats write it: no sign, no leading zero, at most `Long.MAX_VALUE`.
  static long decimal(String text, String what) {
    if (!text.matches("0|[1-9][0-9]{0,18}")) {
      throw new FormatException(
          what + " '" + shown(text) + "' (expected: a decimal number without leading zeros)");
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new FormatException(
          what + " '" + text + "' (expected: at most " + Long.MAX_VALUE + ")");
    }
  }
}
