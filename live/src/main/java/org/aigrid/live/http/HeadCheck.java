package org.aigrid.live.http;

import io.netty.util.ByteProcessor;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.aigrid.live.wire.ApiError;
import org.jspecify.annotations.Nullable;

/// Reads the bytes of a request head, each once, and refuses everything on which two HTTP
/// implementations could disagree (RFC 9112 without its leniencies), before any parser sees it.
///
/// Refused are: line ends other than CRLF, white space anywhere but where the grammar has it,
/// obs-fold, control characters, names that are no tokens, a target that is not visible ASCII, an
/// unknown version, a missing, repeated or malformed `Host`, repeated or malformed
/// `Content-Length`, any `Transfer-Encoding` but a single `chunked`, both together, and heads that
/// are too long. About 2 ns a byte; one thread; reused for all heads of a connection.
final class HeadCheck implements ByteProcessor {
  /// Header lines of one head.
  static final int HEADERS_MAX = 256;

  private static final int KEPT_BYTES_MAX = 320;

  private enum State {
    METHOD,
    TARGET,
    VERSION,
    REQUEST_LINE_LF,
    LINE_START,
    NAME,
    VALUE,
    VALUE_LF,
    END_LF
  }

  private final HttpSettings settings;
  private final byte[] name = new byte[32];
  private final byte[] kept = new byte[KEPT_BYTES_MAX];

  private State state = State.METHOD;
  private int headBytes;
  private int lines;
  private int tokenBytes;
  private int keptBytes;
  private byte targetFirst;
  private boolean keep;
  private boolean version10;
  private int hosts;
  private int contentLengths;
  private int transferEncodings;
  private boolean complete;
  private @Nullable ApiError refusal;

  HeadCheck(HttpSettings settings) {
    this.settings = settings;
  }

  /// Ready for the next head.
  void reset() {
    state = State.METHOD;
    headBytes = 0;
    lines = 0;
    tokenBytes = 0;
    keptBytes = 0;
    keep = false;
    version10 = false;
    hosts = 0;
    contentLengths = 0;
    transferEncodings = 0;
    complete = false;
    refusal = null;
  }

  /// Whether the empty line at the end was seen, with nothing to refuse.
  boolean complete() {
    return complete;
  }

  /// What is wrong, or null.
  @Nullable ApiError refusal() {
    return refusal;
  }

  /// Whether any byte of the head was seen.
  boolean begun() {
    return headBytes > 0;
  }

  @Override
  public boolean process(byte b) {
    headBytes++;
    if (headBytes > settings.headBytesMax()) {
      return refuse(431, "request head exceeds " + settings.headBytesMax() + " bytes");
    }
    return switch (state) {
      case METHOD -> method(b);
      case TARGET -> target(b);
      case VERSION -> version(b);
      case REQUEST_LINE_LF -> lineFeed(b, "request line");
      case LINE_START -> lineStart(b);
      case NAME -> name(b);
      case VALUE -> value(b);
      case VALUE_LF -> lineFeed(b, "header line");
      case END_LF -> end(b);
    };
  }

  private boolean method(byte b) {
    if (b == ' ' && tokenBytes > 0) {
      return enter(State.TARGET);
    }
    tokenBytes++;
    if (!isTokenByte(b) || tokenBytes > 32) {
      return refuse(400, "malformed request line: the method is no token of at most 32 letters");
    }
    return true;
  }

  private boolean target(byte b) {
    if (b == ' ' && tokenBytes > 0) {
      boolean known =
          targetFirst == '/'
              || (keptBytes >= 7 && startsWith("http://"))
              || (keptBytes >= 8 && startsWith("https://"))
              || (keptBytes == 1 && targetFirst == '*');
      return known
          ? enter(State.VERSION)
          : refuse(400, "malformed request target (expected: a path such as /v1/models)");
    }
    if (b <= 0x20 || b == 0x7f || b == '#') {
      return refuse(400, "malformed request target: a byte that is not allowed there");
    }
    if (tokenBytes++ == 0) {
      targetFirst = b;
    }
    keepByte(b);
    if (tokenBytes > settings.requestLineBytesMax()) {
      return refuse(414, "request target exceeds " + settings.requestLineBytesMax() + " bytes");
    }
    return true;
  }

  private boolean startsWith(String prefix) {
    for (int i = 0; i < prefix.length(); i++) {
      if ((kept[i] | 0x20) != (prefix.charAt(i) | 0x20)) {
        return false;
      }
    }
    return true;
  }

  private boolean version(byte b) {
    if (b == '\r') {
      String text = new String(kept, 0, keptBytes, StandardCharsets.ISO_8859_1);
      version10 = text.equals("HTTP/1.0");
      if (version10 || text.equals("HTTP/1.1")) {
        return enter(State.REQUEST_LINE_LF);
      }
      return text.matches("HTTP/[0-9]\\.[0-9]")
          ? refuse(505, "HTTP version not supported (expected: HTTP/1.1, or HTTP/2 by preface)")
          : refuse(400, "malformed request line (expected: METHOD target HTTP/1.1)");
    }
    keepByte(b);
    return keptBytes <= 8
        || refuse(400, "malformed request line (expected: METHOD target HTTP/1.1)");
  }

  private boolean lineFeed(byte b, String where) {
    if (b != '\n') {
      return refuse(400, "bare CR in a " + where + " (expected: CRLF)");
    }
    return enter(State.LINE_START);
  }

  private boolean lineStart(byte b) {
    if (b == '\r') {
      state = State.END_LF;
      return true;
    }
    if (b == ' ' || b == '\t') {
      return refuse(400, "a header line begins with white space (line folding is not supported)");
    }
    if (++lines > HEADERS_MAX) {
      return refuse(431, "more than " + HEADERS_MAX + " header lines");
    }
    state = State.NAME;
    return name(b);
  }

  private boolean name(byte b) {
    if (b == ':' && tokenBytes > 0) {
      keep = tokenBytes <= name.length && isSpecial();
      int nameBytes = tokenBytes;
      enter(State.VALUE);
      tokenBytes = nameBytes;
      return true;
    }
    if (!isTokenByte(b)) {
      return refuse(
          400,
          b == ' ' || b == '\t'
              ? "white space in or after a header name"
              : "a header name has a byte that is not allowed there");
    }
    if (tokenBytes < name.length) {
      name[tokenBytes] = (byte) (b >= 'A' && b <= 'Z' ? b | 0x20 : b);
    }
    tokenBytes++;
    return true;
  }

  private boolean isSpecial() {
    return nameIs("host") || nameIs("content-length") || nameIs("transfer-encoding");
  }

  private boolean nameIs(String wanted) {
    if (tokenBytes != wanted.length()) {
      return false;
    }
    for (int i = 0; i < tokenBytes; i++) {
      if (name[i] != wanted.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private boolean value(byte b) {
    if (b == '\r') {
      if (keep && !special()) {
        return false;
      }
      return enter(State.VALUE_LF);
    }
    if (b >= 0 && b < 0x20 && b != '\t' || b == 0x7f) {
      return refuse(
          400,
          b == '\n'
              ? "bare LF in a header line (expected: CRLF)"
              : "a header value has a control character");
    }
    if (keep) {
      keepByte(b);
    }
    return true;
  }

  private boolean special() {
    if (keptBytes > KEPT_BYTES_MAX) {
      return refuse(400, "a framing header is longer than " + KEPT_BYTES_MAX + " bytes");
    }
    String text = new String(kept, 0, keptBytes, StandardCharsets.ISO_8859_1).strip();
    if (nameIs("host")) {
      if (++hosts > 1) {
        return refuse(400, "more than one Host header");
      }
      return isHost(text) || refuse(400, "malformed Host header (expected: host or host:port)");
    }
    if (nameIs("content-length")) {
      if (++contentLengths > 1) {
        return refuse(400, "more than one Content-Length header");
      }
      return isLength(text)
          || refuse(400, "malformed Content-Length header (expected: decimal digits)");
    }
    if (++transferEncodings > 1) {
      return refuse(400, "more than one Transfer-Encoding header");
    }
    return text.toLowerCase(Locale.ROOT).equals("chunked")
        || refuse(400, "Transfer-Encoding not supported (expected: chunked)");
  }

  private static boolean isLength(String text) {
    if (text.isEmpty() || text.length() > 18) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return true;
  }

  /// Whether `text` is `uri-host [":" port]` of RFC 3986.
  static boolean isHost(String text) {
    int end = text.length();
    int colon = text.lastIndexOf(':');
    if (colon >= 0 && text.indexOf(']', colon) < 0) {
      if (end - colon > 6) {
        return false;
      }
      for (int i = colon + 1; i < end; i++) {
        if (text.charAt(i) < '0' || text.charAt(i) > '9') {
          return false;
        }
      }
      end = colon;
    }
    if (end == 0) {
      return false;
    }
    boolean literal = text.charAt(0) == '[';
    if (literal && text.charAt(end - 1) != ']') {
      return false;
    }
    for (int i = literal ? 1 : 0; i < (literal ? end - 1 : end); i++) {
      char c = text.charAt(i);
      boolean letterOrDigit =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letterOrDigit && (literal ? ":.%" : "-._~%!$&'()*+,;=").indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }

  private boolean end(byte b) {
    if (b != '\n') {
      return refuse(400, "bare CR at the end of the head (expected: CRLF)");
    }
    if (hosts == 0 && !version10) {
      return refuse(400, "no Host header");
    }
    if (transferEncodings > 0 && contentLengths > 0) {
      return refuse(400, "both Content-Length and Transfer-Encoding");
    }
    if (transferEncodings > 0 && version10) {
      return refuse(400, "Transfer-Encoding in an HTTP/1.0 request");
    }
    complete = true;
    return false;
  }

  private void keepByte(byte b) {
    if (keptBytes < KEPT_BYTES_MAX) {
      kept[keptBytes] = b;
    }
    keptBytes = Math.min(keptBytes + 1, KEPT_BYTES_MAX + 1);
  }

  private boolean enter(State next) {
    state = next;
    tokenBytes = 0;
    keptBytes = 0;
    return true;
  }

  private boolean refuse(int status, String message) {
    refusal = ApiError.invalid(status, "The request is refused: " + message + ".", null, null);
    return false;
  }

  private static boolean isTokenByte(byte b) {
    return b > 0 && TOKEN[b];
  }

  private static final boolean[] TOKEN = tokenTable();

  private static boolean[] tokenTable() {
    boolean[] table = new boolean[128];
    for (char c = 'a'; c <= 'z'; c++) {
      table[c] = true;
      table[c - 0x20] = true;
    }
    for (char c = '0'; c <= '9'; c++) {
      table[c] = true;
    }
    for (char c : "!#$%&'*+-.^_`|~".toCharArray()) {
      table[c] = true;
    }
    return table;
  }
}
