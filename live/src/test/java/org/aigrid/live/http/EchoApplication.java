package org.aigrid.live.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Answers each request with its method, target and body; one for `/slow` after 100 ms, one for
/// `/never` not at all.
final class EchoApplication {
  final List<String> seen = new CopyOnWriteArrayList<>();
  final AtomicInteger gone = new AtomicInteger();

  ChannelInboundHandlerAdapter handler() {
    return new ChannelInboundHandlerAdapter() {
      @Override
      public void channelRead(ChannelHandlerContext context, Object message) {
        var request = (FullHttpRequest) message;
        String said =
            request.method()
                + " "
                + request.uri()
                + " "
                + request.content().toString(StandardCharsets.UTF_8);
        request.release();
        seen.add(said);
        if (said.contains(" /slow")) {
          context.executor().schedule(() -> answer(context, said), 100, TimeUnit.MILLISECONDS);
        } else if (!said.contains(" /never")) {
          answer(context, said);
        }
      }

      @Override
      public void channelInactive(ChannelHandlerContext context) {
        gone.incrementAndGet();
      }
    };
  }

  private static void answer(ChannelHandlerContext context, String text) {
    var answer =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.OK,
            Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    answer.headers().setInt("content-length", answer.content().readableBytes());
    context.writeAndFlush(answer);
  }
}
