package org.aigrid.live.http;

import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.List;
import org.aigrid.live.wire.ApiError;
import org.jspecify.annotations.Nullable;

/// What is wrong with a request's head, or null. Pure.
final class RequestCheck {
  private RequestCheck() {}

  static @Nullable ApiError of(HttpRequest request, boolean http2) {
    if (request.decoderResult().isFailure()) {
      return malformed(request.decoderResult().cause());
    }
    HttpVersion version = request.protocolVersion();
    if (!http2 && !version.equals(HttpVersion.HTTP_1_1) && !version.equals(HttpVersion.HTTP_1_0)) {
      return ApiError.invalid(
          505,
          "HTTP version " + version + " is not spoken here (expected: HTTP/1.1 or HTTP/2).",
          null,
          null);
    }
    List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
    if (hosts.size() > 1) {
      return ApiError.badRequest(
          "The request has " + hosts.size() + " Host headers (expected: one).");
    }
    if (!http2 && hosts.isEmpty() && version.equals(HttpVersion.HTTP_1_1)) {
      return ApiError.badRequest("The request has no Host header (expected: one).");
    }
    if (!hosts.isEmpty() && !validHost(hosts.getFirst())) {
      return ApiError.badRequest("The Host header is not a host (expected: name or name:port).");
    }
    List<String> encodings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
    if (!http2
        && !encodings.isEmpty()
        && (encodings.size() > 1
            || !encodings.getFirst().equalsIgnoreCase("chunked")
            || version.equals(HttpVersion.HTTP_1_0))) {
      return ApiError.badRequest(
          "Transfer-Encoding is not understood (expected: chunked, once, in HTTP/1.1).");
    }
    if (!validTarget(request.uri())) {
      return ApiError.badRequest("The request target is not a path (expected: /v1/...).");
    }
    return null;
  }

  static ApiError malformed(@Nullable Throwable cause) {
    if (cause instanceof TooLongHttpHeaderException) {
      return ApiError.invalid(431, "The request headers are too large.", null, null);
    }
    if (cause instanceof TooLongHttpLineException) {
      return ApiError.invalid(414, "The request line is too long.", null, null);
    }
    String detail =
        cause == null || cause instanceof DecoderException || cause.getMessage() == null
            ? ""
            : ": " + firstLine(cause.getMessage());
    return ApiError.badRequest("The request is not well-formed HTTP" + detail + ".");
  }

  private static String firstLine(String text) {
    int end = 0;
    while (end < Math.min(text.length(), 120)
        && text.charAt(end) >= ' '
        && text.charAt(end) < 0x7f) {
      end++;
    }
    return text.substring(0, end);
  }

  private static boolean validHost(String host) {
    if (host.isEmpty() || host.length() > 261) {
      return false;
    }
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      boolean ok =
          c >= 'a' && c <= 'z'
              || c >= 'A' && c <= 'Z'
              || c >= '0' && c <= '9'
              || c == '.'
              || c == '-'
              || c == '_'
              || c == ':'
              || c == '['
              || c == ']'
              || c == '%';
      if (!ok) {
        return false;
      }
    }
    return true;
  }

  private static boolean validTarget(String target) {
    if (!target.startsWith("/")
        && !target.startsWith("http://")
        && !target.startsWith("https://")
        && !target.equals("*")) {
      return false;
    }
    for (int i = 0; i < target.length(); i++) {
      if (target.charAt(i) <= ' ' || target.charAt(i) >= 0x7f) {
        return false;
      }
    }
    return true;
  }
}
