package org.aigrid.live.gateway;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import org.aigrid.core.admit.Admission;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.node.AttemptEvent.Failure;
import org.aigrid.core.route.Refusal;
import org.aigrid.live.books.Purses;
import org.aigrid.live.http.ErrorHeaders;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;
import org.jspecify.annotations.Nullable;

/// Renders what the gateway itself says: errors, and the headers that go with every answer.
final class Answers {
  private static final String API_VERSION = "2020-10-01";

  private Answers() {}

  static FullHttpResponse error(ApiError error, String requestId, long processingMs) {
    FullHttpResponse response =
        text(error.status(), "application/json", error.json(), requestId, processingMs);
    ErrorHeaders.set(response.headers(), error);
    return response;
  }

  static FullHttpResponse text(
      int status, String contentType, byte[] body, String requestId, long processingMs) {
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), Unpooled.wrappedBuffer(body));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, contentType)
        .setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
    identify(response.headers(), requestId, processingMs);
    return response;
  }

  static FullHttpResponse text(
      int status, String contentType, String body, String requestId, long processingMs) {
    return text(
        status, contentType, body.getBytes(StandardCharsets.UTF_8), requestId, processingMs);
  }

  static void identify(HttpHeaders headers, String requestId, long processingMs) {
    headers
        .set(GridHeaders.REQUEST_ID, requestId)
        .set(GridHeaders.PROCESSING_MS, Long.toString(processingMs))
        .set(GridHeaders.VERSION, API_VERSION);
  }

  /// The `x-ratelimit-*` family; a limit that is not set is not mentioned.
  static void limits(HttpHeaders headers, KeyEntry key, Admission.@Nullable Allowance left) {
    if (left == null) {
      return;
    }
    headers.set(GridHeaders.ORGANIZATION, key.tenant());
    if (key.limiter().requestsPerMinute() != RateLimiter.UNLIMITED) {
      headers
          .set(GridHeaders.LIMIT_REQUESTS, Long.toString(key.limiter().requestsPerMinute()))
          .set(GridHeaders.REMAINING_REQUESTS, Long.toString(left.requests()))
          .set(GridHeaders.RESET_REQUESTS, goDuration(left.resetRequestsMs()));
    }
    if (key.limiter().tokensPerMinute() != RateLimiter.UNLIMITED) {
      headers
          .set(GridHeaders.LIMIT_TOKENS, Long.toString(key.limiter().tokensPerMinute()))
          .set(GridHeaders.REMAINING_TOKENS, Long.toString(left.tokens()))
          .set(GridHeaders.RESET_TOKENS, goDuration(left.resetTokensMs()));
    }
  }

  /// As Go prints durations and OpenAI's headers do: `12ms`, `1.5s`, `6m0s`.
  static String goDuration(long ms) {
    if (ms < 1_000) {
      return ms + "ms";
    }
    long minutes = ms / 60_000;
    long restMs = ms % 60_000;
    String seconds =
        restMs % 1_000 == 0 ? restMs / 1_000 + "s" : Double.toString(restMs / 1_000.0) + "s";
    return minutes == 0 ? seconds : minutes + "m" + seconds;
  }

  static ApiError limited(Admission.Limited limited) {
    int seconds = seconds(limited.retryAfterMs());
    return switch (limited.limit()) {
      case REQUESTS_PER_MINUTE ->
          ApiError.rateLimited("Rate limit reached: requests per minute of this key.", seconds);
      case TOKENS_PER_MINUTE ->
          ApiError.rateLimited("Rate limit reached: tokens per minute of this key.", seconds);
    };
  }

  static ApiError limited(Purses.Entry.Limited limited) {
    String of =
        switch (limited.scope()) {
          case 0 -> "this key";
          case 1 -> "this key's project";
          default -> "this key's tenant";
        };
    return switch (limited.limit()) {
      case REQUESTS_PER_SECOND, REQUESTS_PER_MINUTE ->
          ApiError.rateLimited(
              "Rate limit reached: requests of " + of + ".", seconds(limited.retryAfterMs()));
      case TOKENS_PER_MINUTE ->
          ApiError.rateLimited(
              "Rate limit reached: tokens per minute of " + of + ".",
              seconds(limited.retryAfterMs()));
      case CONCURRENT ->
          ApiError.rateLimited("Rate limit reached: requests at a time of " + of + ".", 1);
      case TOO_LARGE ->
          new ApiError(
              429,
              "The request needs more tokens than " + of + " may use in a minute.",
              ApiError.RATE_LIMIT,
              null,
              "rate_limit_exceeded",
              ApiError.ComeBack.NEVER,
              0);
    };
  }

  /// The code that clients of the OpenAI API know for it.
  static ApiError noMoney(boolean ofProject) {
    return new ApiError(
        429,
        ofProject
            ? "The budget of this key's project is used up. Ask whoever runs the tenant to raise it."
            : "The money of this key's tenant is used up. Ask whoever runs the tenant to top it up.",
        "insufficient_quota",
        null,
        "insufficient_quota",
        ApiError.ComeBack.NEVER,
        0);
  }

  static ApiError moneyReserved() {
    return ApiError.rateLimited(
        "What this key's tenant, or its project, has left is reserved by its requests under way.",
        1);
  }

  static ApiError booksAway() {
    return ApiError.unavailable("The grid's books cannot be reached at the moment.", 1);
  }

  static ApiError refused(Refusal why, int retryAfterMs, @Nullable String model) {
    String named = model == null ? "" : model;
    return switch (why) {
      case MODEL_UNKNOWN -> ApiError.modelNotFound(named);
      case CONTEXT_TOO_LONG ->
          ApiError.invalid(
              400,
              "The prompt is far longer than the context of model '" + named + "'.",
              "messages",
              "context_length_exceeded");
      case RESIDENCY_FORBIDS ->
          ApiError.residency(
              "No site that serves '"
                  + named
                  + "' lies in a jurisdiction where this request may be"
                  + " processed.");
      case NO_ENDPOINT_READY ->
          ApiError.unavailable(
              "No site that serves '" + named + "' is ready at the moment.", seconds(retryAfterMs));
      case SATURATED ->
          ApiError.rateLimited(
              "Every site that serves '"
                  + named
                  + "' is full: its expected wait exceeds the limit.",
              seconds(retryAfterMs));
      case ALL_TRIED ->
          ApiError.unavailable(
              "Every ready site that serves '" + named + "' failed this request.",
              seconds(retryAfterMs));
    };
  }

  static ApiError failed(Failure failure, int attempts, int retryAfterMs) {
    String tried = attempts == 1 ? "the site" : "all " + attempts + " sites tried";
    return switch (failure) {
      case UNREACHABLE -> ApiError.server(502, "The request failed: " + tried + " broke off.");
      case REFUSED_ELSEWHERE ->
          ApiError.unavailable(
              "The request was refused: " + tried + " had no room.", seconds(retryAfterMs));
      case TOO_SLOW -> ApiError.server(504, "No answer began in time at " + tried + ".");
    };
  }

  private static int seconds(long ms) {
    return (int) Math.clamp((ms + 999) / 1_000, 1, 3_600);
  }
}
