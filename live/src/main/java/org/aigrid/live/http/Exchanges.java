package org.aigrid.live.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.aigrid.live.wire.ApiError;
import org.jspecify.annotations.Nullable;

/// Turns a connection (HTTP/1.1) or stream (HTTP/2) into whole requests, one after the other.
///
/// Collects bodies within their bounds, answers what is malformed, holds back pipelined requests
/// until the answer before them is complete, keeps keep-alive right, and closes what is too slow.
/// On its channel's event loop.
final class Exchanges extends ChannelDuplexHandler {
  private static final int STEP_MS_MIN = 50;

  /// Body bytes read ahead of a pipelined request; beyond, the connection is not read.
  private static final int READ_AHEAD_BYTES_MAX = 64 << 10;

  /// How long the rest of a refused request is read and thrown away: closing with bytes unread
  /// would reset the connection and take the answer with it.
  private static final int LINGER_MS = 1_000;

  /// How often a connection looks at the time.
  private static final int LOOK_MS_MAX = 1_000;

  private final HttpSettings settings;
  private final HttpServer.Traffic traffic;
  private final boolean http2;
  private final @Nullable StrictRequestDecoder decoder; // of HTTP/1.1
  private final ArrayDeque<HttpObject> readAhead = new ArrayDeque<>();
  private int readAheadRequests;
  private int readAheadBytes;

  private @Nullable HttpRequest head; // being read
  private @Nullable ByteBuf body;
  private long bodyBytes; // counted in traffic
  private boolean answering; // a request is with the application
  private boolean keepAlive = true;
  private boolean refused; // the connection's last answer is written; nothing more is taken
  private boolean http10;
  private boolean closed;
  private boolean counted; // in traffic.requests
  private long deadlineNanos;
  private @Nullable ScheduledFuture<?> watch;

  /// @param decoder of an HTTP/1.1 connection; null for a stream of HTTP/2
  Exchanges(
      HttpSettings settings, HttpServer.Traffic traffic, @Nullable StrictRequestDecoder decoder) {
    this.settings = settings;
    this.traffic = traffic;
    this.decoder = decoder;
    http2 = decoder == null;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    expectWithin(settings.requestMsMax());
    watch(context, settings.requestMsMax() / 4);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (refused || closed) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (!(message instanceof HttpObject object)) {
      context.fireChannelRead(message);
      return;
    }
    if (answering || !readAhead.isEmpty()) {
      readAhead.add(object);
      count(object, 1);
      if (readAheadRequests >= settings.pipelinedMax() || readAheadBytes > READ_AHEAD_BYTES_MAX) {
        context.channel().config().setAutoRead(false);
      }
      return;
    }
    read(context, object);
  }

  private void count(HttpObject object, int sign) {
    readAheadRequests += object instanceof HttpRequest ? sign : 0;
    readAheadBytes +=
        object instanceof HttpContent content ? sign * content.content().readableBytes() : 0;
  }

  private void read(ChannelHandlerContext context, HttpObject object) {
    if (object instanceof RefusedRequest wrong) {
      refuse(context, wrong.error());
      return;
    }
    if (object instanceof HttpRequest request) {
      begin(context, request);
    }
    if (object instanceof HttpContent content) {
      try {
        if (head != null) {
          collect(context, content);
        }
      } finally {
        content.release();
      }
    }
  }

  private void begin(ChannelHandlerContext context, HttpRequest request) {
    ApiError wrong = RequestCheck.of(request, http2);
    if (wrong != null) {
      refuse(context, wrong);
      return;
    }
    head = request;
    http10 = !http2 && request.protocolVersion().equals(HttpVersion.HTTP_1_0);
    keepAlive = HttpUtil.isKeepAlive(request);
    traffic.requests.incrementAndGet();
    counted = true;
    expectWithin(settings.requestMsMax());
    long announced = HttpUtil.getContentLength(request, -1L);
    if (announced > settings.bodyBytesMax()) {
      refuse(context, tooLarge());
      return;
    }
    if (HttpUtil.is100ContinueExpected(request)) {
      context.writeAndFlush(
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
    }
  }

  private void collect(ChannelHandlerContext context, HttpContent content) {
    if (content.decoderResult().isFailure()) {
      refuse(context, RequestCheck.malformed(content.decoderResult().cause()));
      return;
    }
    ByteBuf bytes = content.content();
    int length = bytes.readableBytes();
    if (length > 0) {
      if (bodyBytes + length > settings.bodyBytesMax()) {
        refuse(context, tooLarge());
        return;
      }
      bodyBytes += length;
      if (traffic.bodyBytes.addAndGet(length) > settings.bodyBytesTotalMax()) {
        refuse(
            context,
            ApiError.unavailable(
                "The server holds as many request bytes as it may; come back shortly.", 1));
        return;
      }
      if (body == null) {
        // One read carries most requests whole: keep the decoder's slice instead of copying it.
        body = content instanceof LastHttpContent ? bytes.retain() : firstPart(context, bytes);
      } else {
        body.writeBytes(bytes);
      }
    }
    if (content instanceof LastHttpContent && head != null) {
      deliver(context, head);
    }
  }

  private ByteBuf firstPart(ChannelHandlerContext context, ByteBuf bytes) {
    long announced = head == null ? -1 : HttpUtil.getContentLength(head, -1L);
    int capacity =
        (int) Math.min(settings.bodyBytesMax(), Math.max(announced, bytes.readableBytes()));
    return context
        .alloc()
        .buffer(Math.min(capacity, 1 << 20), settings.bodyBytesMax())
        .writeBytes(bytes);
  }

  private void deliver(ChannelHandlerContext context, HttpRequest request) {
    ByteBuf content = body == null ? Unpooled.EMPTY_BUFFER : body;
    FullHttpRequest whole =
        new DefaultFullHttpRequest(
            request.protocolVersion(),
            request.method(),
            request.uri(),
            content,
            request.headers(),
            io.netty.handler.codec.http.EmptyHttpHeaders.INSTANCE);
    body = null;
    head = null;
    answering = true;
    deadlineNanos = Long.MAX_VALUE;
    context.fireChannelRead(whole);
  }

  private ApiError tooLarge() {
    return ApiError.invalid(
        413,
        "The request body is larger than " + settings.bodyBytesMax() + " bytes.",
        null,
        "request_too_large");
  }

  private void refuse(ChannelHandlerContext context, ApiError error) {
    refused = true;
    head = null;
    ReferenceCountUtil.release(body);
    body = null;
    settle();
    byte[] json = error.json();
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(error.status()),
            Unpooled.wrappedBuffer(json));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .setInt(HttpHeaderNames.CONTENT_LENGTH, json.length);
    ErrorHeaders.set(response.headers(), error);
    if (!http2) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
    ChannelFuture written = context.writeAndFlush(response);
    if (context.channel() instanceof SocketChannel socket) {
      SslHandler tls = context.pipeline().get(SslHandler.class);
      written.addListener(
          _ -> {
            if (tls == null) {
              socket.shutdownOutput();
            } else {
              tls.closeOutbound();
            }
          });
      var _ = context.executor().schedule(() -> context.close(), LINGER_MS, TimeUnit.MILLISECONDS);
      socket.config().setAutoRead(true);
    } else {
      written.addListener(ChannelFutureListener.CLOSE);
    }
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof HttpResponse response && !http2) {
      prepare(response);
    }
    if (!(message instanceof LastHttpContent)) {
      context.write(message, promise);
      return;
    }
    ChannelFuture written = context.write(message, promise.unvoid());
    if (http2) {
      completed();
    } else {
      boolean close = !keepAlive || traffic.draining;
      completed();
      if (close) {
        refused = true; // what was sent after a last request is not carried out (RFC 9112, 9.6)
        written.addListener(ChannelFutureListener.CLOSE);
      } else {
        expectWithin(settings.idleMsMax());
        next(context);
      }
    }
  }

  private void prepare(HttpResponse response) {
    boolean framed =
        HttpUtil.isContentLengthSet(response)
            || HttpUtil.isTransferEncodingChunked(response)
            || response.status().code() == 204
            || response.status().code() == 304;
    if (!framed) {
      if (http10) {
        keepAlive = false;
      } else {
        HttpUtil.setTransferEncodingChunked(response, true);
      }
    }
    if (!keepAlive || traffic.draining) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    } else if (http10) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
    }
  }

  private void completed() {
    answering = false;
    settle();
  }

  /// Gives back what the request was counted with.
  private void settle() {
    if (counted) {
      counted = false;
      traffic.requests.decrementAndGet();
    }
    traffic.bodyBytes.addAndGet(-bodyBytes);
    bodyBytes = 0;
  }

  private void next(ChannelHandlerContext context) {
    if (readAhead.isEmpty()) {
      return;
    }
    // After this write has returned, so that answers do not nest.
    context
        .executor()
        .execute(
            () -> {
              while (!answering && !refused && !closed && !readAhead.isEmpty()) {
                HttpObject object = readAhead.poll();
                count(object, -1);
                read(context, object);
              }
              if (readAhead.isEmpty() && !closed) {
                context.channel().config().setAutoRead(true);
              }
            });
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event == HttpServer.Drain.BEGIN && !http2 && !answering && head == null) {
      context.close();
      return;
    }
    context.fireUserEventTriggered(event);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    closed = true;
    if (watch != null) {
      watch.cancel(false);
    }
    settle();
    answering = false;
    head = null;
    ReferenceCountUtil.release(body);
    body = null;
    for (HttpObject object : readAhead) {
      ReferenceCountUtil.release(object);
    }
    readAhead.clear();
    context.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }

  private void expectWithin(int ms) {
    deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
  }

  private void watch(ChannelHandlerContext context, long inMs) {
    watch =
        context
            .executor()
            .schedule(
                () -> look(context),
                Math.clamp(inMs, STEP_MS_MIN, LOOK_MS_MAX),
                TimeUnit.MILLISECONDS);
  }

  private void look(ChannelHandlerContext context) {
    if (closed || refused) {
      return;
    }
    long now = System.nanoTime();
    long headBegan = decoder == null || answering ? 0 : decoder.headBeganNanos();
    long deadline =
        headBegan == 0
            ? deadlineNanos
            : headBegan + TimeUnit.MILLISECONDS.toNanos(settings.requestMsMax());
    if (deadline == Long.MAX_VALUE || deadline - now > 0) {
      watch(context, settings.requestMsMax() / 4);
    } else if (head != null || headBegan != 0) {
      refuse(
          context,
          ApiError.invalid(
              408,
              "The request did not arrive within " + settings.requestMsMax() + " ms.",
              null,
              "request_timeout"));
    } else {
      context.close();
    }
  }
}
