package org.aigrid.live.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Tells HTTP/2 with prior knowledge from HTTP/1.1 by the first bytes: the connection preface of
/// RFC 9113, section 3.4, is no valid HTTP/1.1 request. A connection that says nothing for ten
/// seconds is closed.
final class ProtocolDetector extends ByteToMessageDecoder {
  private static final byte[] PREFACE = "PRI * HTTP/2.0".getBytes(StandardCharsets.US_ASCII);
  private static final int SILENCE_S_MAX = 10;

  private final Consumer<ChannelPipeline> http1;
  private final Consumer<ChannelPipeline> http2;

  ProtocolDetector(Consumer<ChannelPipeline> http1, Consumer<ChannelPipeline> http2) {
    this.http1 = http1;
    this.http2 = http2;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    context
        .executor()
        .schedule(
            () -> {
              if (!context.isRemoved()) {
                context.close();
              }
            },
            SILENCE_S_MAX,
            TimeUnit.SECONDS);
    super.channelActive(context);
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    int compared = Math.min(in.readableBytes(), PREFACE.length);
    for (int i = 0; i < compared; i++) {
      if (in.getByte(in.readerIndex() + i) != PREFACE[i]) {
        http1.accept(context.pipeline());
        context.pipeline().remove(this);
        return;
      }
    }
    if (compared == PREFACE.length) {
      http2.accept(context.pipeline());
      context.pipeline().remove(this);
    }
  }
}
