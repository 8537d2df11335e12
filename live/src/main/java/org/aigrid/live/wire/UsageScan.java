package org.aigrid.live.wire;

import io.netty.buffer.ByteBuf;

/// Finds the token counts in an answer as its bytes go by: `"usage":{...}` with `prompt_tokens` and
/// `completion_tokens`, or `input_tokens` and `output_tokens`. The last one counts. A quote inside
/// a JSON string is escaped, so generated text cannot pass for it. Not thread-safe; about 1 ns a
/// byte.
public final class UsageScan {
  private static final byte[] USAGE =
      "\"usage\"".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
  private static final int KEY_CHARS_MAX = 24;

  private int matched; // of USAGE
  private boolean inside;
  private int depth;
  private boolean colon; // behind the name
  private boolean inString;
  private boolean escaped;
  private final StringBuilder key = new StringBuilder(KEY_CHARS_MAX);
  private long number = -1;
  private int promptTokens = -1;
  private int completionTokens = -1;
  private int cachedTokens;
  private int objects;

  /// The next bytes of the answer; reads without moving the reader index.
  public void feed(ByteBuf bytes) {
    feed(bytes, bytes.readerIndex(), bytes.readableBytes());
  }

  /// Some bytes of a buffer.
  public void feed(ByteBuf bytes, int from, int length) {
    for (int i = from; i < from + length; i++) {
      feed(bytes.getByte(i));
    }
  }

  private void feed(byte b) {
    if (inside) {
      object(b);
    } else if (matched == USAGE.length) {
      afterName(b);
    } else if (b == USAGE[matched]) {
      matched++;
    } else {
      matched = b == '"' ? 1 : 0;
    }
  }

  /// White space, a colon, white space, and the object.
  private void afterName(byte b) {
    if (b == ' ' || b == '\n' || b == '\r' || b == '\t') {
      return;
    }
    if (b == ':' && !colon) {
      colon = true;
      return;
    }
    if (b == '{' && colon) {
      inside = true;
      depth = 1;
      number = -1;
      inString = false;
      escaped = false;
      key.setLength(0);
    }
    colon = false;
    matched = b == '"' ? 1 : 0;
  }

  private void object(byte b) {
    if (inString) {
      string(b);
      return;
    }
    switch (b) {
      case '{' -> depth++;
      case '"' -> {
        inString = true;
        key.setLength(0);
      }
      case ',', '}', ']' -> {
        take();
        if (b == '}' && --depth == 0) {
          inside = false;
          objects++;
        }
      }
      default -> {
        if (b >= '0' && b <= '9') {
          number = Math.min(Integer.MAX_VALUE, Math.max(0, number) * 10 + b - '0');
        }
      }
    }
  }

  private void string(byte b) {
    if (escaped) {
      escaped = false;
    } else if (b == '\\') {
      escaped = true;
    } else if (b == '"') {
      inString = false;
    } else if (key.length() < KEY_CHARS_MAX) {
      key.append((char) b);
    }
  }

  private void take() {
    if (number >= 0) {
      String name = key.toString();
      switch (name) {
        case "prompt_tokens", "input_tokens" -> promptTokens = (int) number;
        case "completion_tokens", "output_tokens" -> completionTokens = (int) number;
        case "cached_tokens" -> cachedTokens = (int) number;
        default -> {}
      }
      number = -1;
    }
  }

  /// How many usage objects have gone by.
  public int objects() {
    return objects;
  }

  /// Whether the answer told its prompt tokens.
  public boolean found() {
    return promptTokens >= 0;
  }

  public int promptTokens() {
    return Math.max(0, promptTokens);
  }

  public int completionTokens() {
    return Math.max(0, completionTokens);
  }

  public int cachedTokens() {
    return cachedTokens;
  }
}
