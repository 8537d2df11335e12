package org.aigrid.live.gateway;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.http.HttpServer;
import org.aigrid.live.http.HttpSettings;

/// A small real HTTP server that stands where a site agent stands and does as a test tells it.
final class FakeSite implements AutoCloseable {
  /// What the site does with a request.
  interface Script {
    void answer(ChannelHandlerContext context, Seen request);
  }

  /// A request as it arrived.
  record Seen(String path, String body, io.netty.handler.codec.http.HttpHeaders headers) {}

  final List<Seen> seenList = new CopyOnWriteArrayList<>();
  final AtomicInteger gone = new AtomicInteger();
  volatile Script script;
  private final HttpServer server;

  FakeSite(Script first) {
    script = first;
    server = HttpServer.start(HttpSettings.DEFAULT.withThreads(1), Handler::new);
  }

  SiteAddress address() {
    return new SiteAddress("127.0.0.1", server.port());
  }

  private final class Handler extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      var request = (FullHttpRequest) message;
      var seen =
          new Seen(
              request.uri(), request.content().toString(StandardCharsets.UTF_8), request.headers());
      request.release();
      seenList.add(seen);
      script.answer(context, seen);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      gone.incrementAndGet();
    }
  }

  static void json(ChannelHandlerContext context, int status, String body, String... headers) {
    var response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(status),
            Unpooled.copiedBuffer(body, StandardCharsets.UTF_8));
    response
        .headers()
        .set("content-type", "application/json")
        .setInt("content-length", response.content().readableBytes());
    for (int i = 0; i < headers.length; i += 2) {
      response.headers().set(headers[i], headers[i + 1]);
    }
    context.writeAndFlush(response);
  }

  static void beginStream(ChannelHandlerContext context) {
    var head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers().set("content-type", "text/event-stream; charset=utf-8");
    context.writeAndFlush(head);
  }

  static void frame(ChannelHandlerContext context, String text) {
    context.writeAndFlush(
        new DefaultHttpContent(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8)));
  }

  static void endStream(ChannelHandlerContext context) {
    context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
  }

  @Override
  public void close() {
    server.close();
  }
}
