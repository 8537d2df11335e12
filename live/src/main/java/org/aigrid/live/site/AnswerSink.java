package org.aigrid.live.site;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import org.aigrid.live.engine.EngineFailure;
import org.aigrid.live.engine.FinishReason;
import org.aigrid.live.engine.TokenSink;
import org.aigrid.live.engine.Usage;
import org.aigrid.live.wire.ApiError;

/// Writes a generation to the gateway's connection as it comes. Called from the engine's thread;
/// the channel carries the writes over to its own.
///
/// Nothing is sent before the first text, so that a generation that fails until then can still be
/// answered with a status. What the gateway does not read waits in the channel's outbound buffer,
/// bounded by the generation's own length.
final class AnswerSink implements TokenSink {
  private final ChannelHandlerContext context;
  private final Rendering rendering;
  private final boolean stream;
  private boolean headSent;

  AnswerSink(ChannelHandlerContext context, Rendering rendering, boolean stream) {
    this.context = context;
    this.rendering = rendering;
    this.stream = stream;
  }

  private String opening = "";

  @Override
  public void onStart(int promptTokens, int cachedTokens) {
    opening = rendering.begin(promptTokens);
  }

  @Override
  public void onText(String piece, int tokens) {
    if (piece.isEmpty()) {
      return;
    }
    String frames = rendering.text(piece);
    if (stream) {
      send(frames);
    }
  }

  /// The opening frames wait for the first text: a first byte means a first token.
  private void send(String frames) {
    if (!headSent) {
      headSent = true;
      var head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
      head.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
      context.write(head);
    }
    String all = opening.isEmpty() ? frames : opening + frames;
    opening = "";
    if (!all.isEmpty()) {
      context.writeAndFlush(
          new DefaultHttpContent(Unpooled.wrappedBuffer(all.getBytes(StandardCharsets.UTF_8))));
    }
  }

  @Override
  public void onEnd(FinishReason reason, Usage usage) {
    String end = rendering.end(reason, usage);
    if (stream) {
      send(end);
      context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    } else {
      SiteHandler.respond(context, 200, "application/json", end.getBytes(StandardCharsets.UTF_8));
    }
  }

  @Override
  public void onError(EngineFailure failure) {
    if (headSent) {
      // The gateway sees a stream that ends without its end, and does what it does for a dead site.
      context.close().addListener(ChannelFutureListener.CLOSE);
      return;
    }
    switch (failure) {
      case EngineFailure.Saturated(String message, int seconds) ->
          SiteHandler.error(context, ApiError.rateLimited(message, seconds), true);
      case EngineFailure.Closed(String message) ->
          SiteHandler.error(context, ApiError.unavailable(message, 1), true);
      case EngineFailure.TooLong(String message) ->
          SiteHandler.error(
              context,
              ApiError.invalid(400, message, "messages", "context_length_exceeded"),
              false);
      case EngineFailure.Invalid(String message, String param) ->
          SiteHandler.error(context, ApiError.invalid(400, message, param, null), false);
      case EngineFailure.Broken(String message) ->
          SiteHandler.error(context, ApiError.unavailable(message, 1), true);
    }
  }
}
