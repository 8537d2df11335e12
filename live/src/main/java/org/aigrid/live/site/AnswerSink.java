package org.aigrid.live.site;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
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
import org.aigrid.live.wire.GridHeaders;
import org.jspecify.annotations.Nullable;

/// Writes a generation to the gateway's connection as it comes. Called from the engine's thread;
/// the channel carries the writes over to its own.
///
/// Nothing is sent before the first text, so that a generation that fails until then can still be
/// answered with a status. What the gateway does not read waits in the channel's outbound buffer,
/// bounded by the generation's own length. Each frame with text says in a comment line for the
/// gateway which tokens it came from.
final class AnswerSink implements TokenSink {
  private final ChannelHandlerContext context;
  private final Rendering rendering;
  private final boolean stream;
  private final String engine;
  private final Runnable atEnd;
  private boolean headSent;
  private boolean over;
  private final StringBuilder ids = new StringBuilder(); // of tokens not yet told
  private int untold;
  private boolean idsKnown = true;
  private volatile int tokens;

  /// @param engine kind of the engine, whose token ids go with the text
  /// @param atEnd what to do when the engine has done with it
  AnswerSink(
      ChannelHandlerContext context,
      Rendering rendering,
      boolean stream,
      String engine,
      Runnable atEnd) {
    this.context = context;
    this.rendering = rendering;
    this.stream = stream;
    this.engine = engine;
    this.atEnd = atEnd;
  }

  /// Tokens generated so far; any thread.
  int tokens() {
    return tokens;
  }

  private String opening = "";

  @Override
  public void onStart(int promptTokens, int cachedTokens) {
    opening = rendering.begin(promptTokens);
  }

  @Override
  public synchronized void onText(String piece, int count, int @Nullable [] which) {
    if (over) {
      return;
    }
    tokens += count;
    untold += count;
    idsKnown &= which != null;
    if (which != null && stream) {
      for (int id : which) {
        ids.append(' ').append(id);
      }
    }
    if (piece.isEmpty()) {
      return;
    }
    String frames = rendering.text(piece);
    if (stream) {
      send(told() + frames);
    }
  }

  /// A comment line for the gateway: which tokens the frame behind it came from.
  private String told() {
    String line = idsKnown ? ": tokens " + engine + ids + "\n" : ": tokens - " + untold + "\n";
    ids.setLength(0);
    untold = 0;
    idsKnown = true;
    return line;
  }

  /// Asks the gateway to take the stream elsewhere, and ends it here; the engine's work has been
  /// cancelled. An answer that has not begun is refused, so that it is asked for elsewhere. False
  /// when the answer was over.
  synchronized boolean move(String reason) {
    if (over) {
      return false;
    }
    over = true;
    atEnd.run();
    leave(context, headSent, reason);
    return true;
  }

  /// Ends an answer that has to go elsewhere.
  static void leave(ChannelHandlerContext context, boolean headSent, String reason) {
    if (headSent) {
      var last = new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER);
      last.trailingHeaders().set(GridHeaders.MOVE, reason);
      context.writeAndFlush(last);
    } else {
      SiteHandler.error(context, ApiError.unavailable("This site has to stop: " + reason, 1), true);
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
  public synchronized void onEnd(FinishReason reason, Usage usage) {
    if (over) {
      return;
    }
    over = true;
    atEnd.run();
    String end = rendering.end(reason, usage);
    if (stream) {
      send(end);
      context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    } else {
      SiteHandler.respond(context, 200, "application/json", end.getBytes(StandardCharsets.UTF_8));
    }
  }

  @Override
  public synchronized void onError(EngineFailure failure) {
    if (over) {
      return;
    }
    over = true;
    atEnd.run();
    if (headSent) {
      // The gateway sees a stream that ends without its end, and does what it does for a dead site.
      context.close();
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
