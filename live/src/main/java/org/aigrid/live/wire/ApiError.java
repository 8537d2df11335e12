package org.aigrid.live.wire;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// One error as the OpenAI API says it: status, the four keys of the body, and whether to come
/// back. Immutable. The one error model of gateway and site agent; rendering costs under a
/// microsecond.
///
/// @param status HTTP status
/// @param message what was wrong, where, what was expected, what to do; never prompt text
/// @param type the class of error that SDKs map to their exceptions
/// @param param the request field at fault, or null
/// @param code a stable word for programs, or null
/// @param comeBack what a client's retry logic is told
/// @param retryAfterSeconds when to come back; 0 sends no `Retry-After`
public record ApiError(
    int status,
    String message,
    String type,
    @Nullable String param,
    @Nullable String code,
    ComeBack comeBack,
    int retryAfterSeconds) {

  /// What `x-should-retry` says.
  public enum ComeBack {
    /// Coming back does not help: `x-should-retry: false`.
    NEVER,
    /// Temporary: `Retry-After`, and the SDK's own rule decides.
    LATER,
    /// Nothing is said.
    UNSAID
  }

  public static final String INVALID_REQUEST = "invalid_request_error";
  public static final String AUTHENTICATION = "authentication_error";
  public static final String PERMISSION = "permission_error";
  public static final String RATE_LIMIT = "rate_limit_error";
  public static final String SERVER = "server_error";

  public ApiError {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("status of an error: " + status + " (expected: 400-599)");
    }
    if (retryAfterSeconds < 0) {
      throw new IllegalArgumentException(
          "retryAfterSeconds: " + retryAfterSeconds + " (expected: 0 or more)");
    }
  }

  /// The client's mistake: repeating the same request fails again.
  public static ApiError invalid(
      int status, String message, @Nullable String param, @Nullable String code) {
    return new ApiError(status, message, INVALID_REQUEST, param, code, ComeBack.NEVER, 0);
  }

  /// 400 for a request that cannot be read.
  public static ApiError badRequest(String message) {
    return invalid(400, message, null, null);
  }

  /// 401 for a missing or unknown key.
  public static ApiError unauthorized(String message) {
    return new ApiError(401, message, AUTHENTICATION, null, "invalid_api_key", ComeBack.NEVER, 0);
  }

  /// 403: the caller may not do this.
  public static ApiError forbidden(String message, @Nullable String code) {
    return new ApiError(403, message, PERMISSION, null, code, ComeBack.NEVER, 0);
  }

  /// 403: residency forbids every site, or this one.
  public static ApiError residency(String message) {
    return forbidden(message, "data_residency_mismatch");
  }

  /// 404 for a model that no registered site serves.
  public static ApiError modelNotFound(String model) {
    return invalid(
        404,
        "The model '" + model + "' does not exist or you do not have access to it.",
        "model",
        "model_not_found");
  }

  /// 429: too many requests or tokens for now.
  public static ApiError rateLimited(String message, int retryAfterSeconds) {
    return new ApiError(
        429,
        message,
        RATE_LIMIT,
        null,
        "rate_limit_exceeded",
        ComeBack.LATER,
        Math.max(1, retryAfterSeconds));
  }

  /// 503: not now, for a reason that the message names.
  public static ApiError unavailable(String message, int retryAfterSeconds) {
    return new ApiError(
        503, message, SERVER, null, null, ComeBack.LATER, Math.max(1, retryAfterSeconds));
  }

  /// 500, 502 or 504: the grid's own failure.
  public static ApiError server(int status, String message) {
    return new ApiError(status, message, SERVER, null, null, ComeBack.UNSAID, 0);
  }

  /// The body: always the same four keys, UTF-8.
  public byte[] json() {
    var text = new StringBuilder(96 + message.length());
    text.append("{\"error\":{\"message\":");
    quote(text, message);
    text.append(",\"type\":");
    quote(text, type);
    text.append(",\"param\":");
    quote(text, param);
    text.append(",\"code\":");
    quote(text, code);
    return text.append("}}").toString().getBytes(StandardCharsets.UTF_8);
  }

  /// How a stream that has begun says it: one SSE frame, after which the connection closes.
  public byte[] sseFrame() {
    byte[] json = json();
    byte[] head = "event: error\ndata: ".getBytes(StandardCharsets.US_ASCII);
    byte[] frame = new byte[head.length + json.length + 2];
    System.arraycopy(head, 0, frame, 0, head.length);
    System.arraycopy(json, 0, frame, head.length, json.length);
    frame[frame.length - 2] = '\n';
    frame[frame.length - 1] = '\n';
    return frame;
  }

  private static void quote(StringBuilder into, @Nullable String value) {
    if (value == null) {
      into.append("null");
      return;
    }
    into.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> into.append("\\\"");
        case '\\' -> into.append("\\\\");
        case '\n' -> into.append("\\n");
        case '\r' -> into.append("\\r");
        case '\t' -> into.append("\\t");
        default -> {
          if (c < 0x20 || c == 0x7f || Character.isSurrogate(c)) {
            appendEscaped(into, c);
          } else {
            into.append(c);
          }
        }
      }
    }
    into.append('"');
  }

  private static void appendEscaped(StringBuilder into, char c) {
    into.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      into.append(Character.forDigit((c >> shift) & 0xf, 16));
    }
  }
}
