package org.aigrid.live.replay;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// One request and its stream, on one connection. Lives on the connection's thread. Tells its
/// `Call` exactly once how it ended.
///
/// Marked sharable because a request that met a stale connection moves on to a fresh one; it is
/// never on two at once.
@ChannelHandler.Sharable
final class Exchange extends ChannelInboundHandlerAdapter {
  private static final ObjectMapper JSON = new ObjectMapper();

  /// A longer line of a stream, or a longer error, is cut here: we only count and time them.
  private static final int LINE_CHARS_MAX = 64 << 10;

  private final Call call;
  private final String path;
  private final String authority;
  private final @Nullable String key;
  private final LongConsumer frameGapNanos;
  private final Consumer<Channel> keep;

  private @Nullable Channel channel;
  private @Nullable ScheduledFuture<?> timeout;
  private @Nullable Runnable again;
  private boolean ended;

  private @Nullable HttpResponse head;
  private final StringBuilder line = new StringBuilder();
  private boolean errorEvent;
  private boolean done;
  private @Nullable Outcome broken;
  private long firstTokenNanos;
  private long lastTokenNanos;
  private int textFrames;
  private int promptTokens = -1;
  private int tokens = -1;

  Exchange(
      Call call,
      String path,
      String authority,
      @Nullable String key,
      LongConsumer frameGapNanos,
      Consumer<Channel> keep) {
    this.call = call;
    this.path = path;
    this.authority = authority;
    this.key = key;
    this.frameGapNanos = frameGapNanos;
    this.keep = keep;
  }

  /// Sends the request.
  ///
  /// @param onStale what to do when the connection turns out to be closed before a byte came back;
  ///   null on a fresh one, where that is a failure. A server may close a kept connection just as
  ///   we use it: that says nothing about the grid
  void start(Channel open, int timeoutMs, @Nullable Runnable onStale) {
    channel = open;
    again = onStale;
    if (timeout == null) {
      timeout =
          open.eventLoop()
              .schedule(
                  () -> failed("timeout", "no end after " + timeoutMs + " ms"),
                  timeoutMs,
                  TimeUnit.MILLISECONDS);
    }
    open.pipeline().addLast(this);
    ByteBuf body = ByteBufUtil.writeAscii(open.alloc(), call.body());
    var request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, path, body);
    HttpHeaders headers = request.headers();
    headers.set(HttpHeaderNames.HOST, authority);
    headers.set(HttpHeaderNames.CONTENT_TYPE, "application/json");
    headers.set(HttpHeaderNames.ACCEPT, "text/event-stream");
    headers.setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
    if (key != null) {
      headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + key);
    }
    if (call.cell() != null) {
      headers.set("x-grid-cell", call.cell());
    }
    open.writeAndFlush(request);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    try {
      if (message instanceof HttpResponse response) {
        head = response;
      }
      if (message instanceof HttpContent content && !ended) {
        read(content.content());
      }
      if (message instanceof LastHttpContent && !ended) {
        responseEnded(context);
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void read(ByteBuf bytes) {
    boolean stream = status() == 200;
    while (bytes.isReadable()) {
      int end = stream ? bytes.bytesBefore((byte) '\n') : -1;
      int take = end < 0 ? bytes.readableBytes() : end;
      int room = Math.min(take, LINE_CHARS_MAX - line.length());
      if (room > 0) {
        line.append(bytes.readCharSequence(room, StandardCharsets.ISO_8859_1));
      }
      bytes.skipBytes(take - Math.max(room, 0));
      if (end >= 0) {
        bytes.skipBytes(1);
        if (!line.isEmpty()) {
          readLine(line.toString());
          line.setLength(0);
        }
      }
    }
  }

  private void readLine(String text) {
    if (text.startsWith("event:")) {
      errorEvent = text.contains("error");
      return;
    }
    if (!text.startsWith("data:")) {
      return;
    }
    if (errorEvent || text.startsWith("data: {\"error\"")) {
      broken = errorOf("stream error", text.substring(5));
    } else if (text.startsWith("[DONE]", 6) || text.startsWith("[DONE]", 5)) {
      done = true;
    } else {
      readFrame(text);
    }
  }

  private void readFrame(String text) {
    if (hasText(text, "\"content\":\"") || hasText(text, "\"text\":\"")) {
      long now = System.nanoTime();
      if (textFrames++ == 0) {
        firstTokenNanos = now;
      } else {
        frameGapNanos.accept(now - lastTokenNanos);
      }
      lastTokenNanos = now;
    }
    if (text.contains("\"completion_tokens\"")) {
      try {
        JsonNode usage = JSON.readTree(text.substring(5)).path("usage");
        promptTokens = usage.path("prompt_tokens").asInt(-1);
        tokens = usage.path("completion_tokens").asInt(-1);
      } catch (JacksonException e) {
        broken = new Outcome.Failed("bad frame", "the usage chunk is no JSON");
      }
    }
  }

  private static boolean hasText(String frame, String field) {
    int at = frame.indexOf(field);
    return at >= 0
        && at + field.length() < frame.length()
        && frame.charAt(at + field.length()) != '"';
  }

  private void responseEnded(ChannelHandlerContext context) {
    HttpResponse response = head;
    if (response == null) {
      failed("bad answer", "content without a head");
    } else if (status() != 200) {
      end(errorOf(String.valueOf(status()), line.toString()));
    } else if (broken != null) {
      end(broken);
    } else if (!done) {
      failed("no [DONE]", "the stream ended without [DONE]");
    } else {
      end(
          new Outcome.Answered(
              response.headers().get("x-grid-site", "?"),
              response.headers().get("x-grid-tier", "?"),
              textFrames == 0 ? System.nanoTime() : firstTokenNanos,
              System.nanoTime(),
              promptTokens,
              tokens >= 0 ? tokens : textFrames));
      if (HttpUtil.isKeepAlive(response)) {
        context.pipeline().remove(this);
        keep.accept(context.channel());
        return;
      }
    }
    context.close();
  }

  private int status() {
    return head == null ? 0 : head.status().code();
  }

  private static Outcome errorOf(String prefix, String json) {
    try {
      JsonNode error = JSON.readTree(json).path("error");
      String code = error.path("code").asString(error.path("type").asString(""));
      return new Outcome.Failed(
          (prefix + " " + code).strip(), error.path("message").asString("no message"));
    } catch (JacksonException e) {
      return new Outcome.Failed(prefix, "not an OpenAI error: " + json.length() + " characters");
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    lost("the connection was closed");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    lost(String.valueOf(cause.getMessage()));
    context.close();
  }

  private void lost(String detail) {
    if (ended) {
      return;
    }
    Runnable retry = again;
    if (head == null && retry != null) {
      again = null;
      channel = null;
      retry.run();
    } else {
      failed(head == null ? "closed before the first byte" : "closed in mid-stream", detail);
    }
  }

  /// Ends the exchange without an answer; its connection is not used again.
  void failed(String kind, String detail) {
    end(new Outcome.Failed(kind, detail));
    if (channel != null) {
      channel.close();
    }
  }

  private void end(Outcome outcome) {
    if (ended) {
      return;
    }
    ended = true;
    if (timeout != null) {
      timeout.cancel(false);
    }
    call.ended().accept(outcome);
  }
}
