package org.aigrid.live.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;

/// The headers that go with an error: whether to come back, and when.
public final class ErrorHeaders {
  private ErrorHeaders() {}

  public static void set(HttpHeaders headers, ApiError error) {
    if (error.comeBack() == ApiError.ComeBack.NEVER) {
      headers.set(GridHeaders.SHOULD_RETRY, "false");
    }
    if (error.retryAfterSeconds() > 0) {
      headers.setInt(HttpHeaderNames.RETRY_AFTER, error.retryAfterSeconds());
    }
  }
}
