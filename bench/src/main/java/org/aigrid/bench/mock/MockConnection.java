package org.aigrid.bench.mock;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/// One connection to the mock. Understands just enough HTTP/1.1 for well-behaved callers: one
/// request at a time, a body with `content-length` or in chunks. What to answer stands in the
/// request's JSON, which every arm passes through: `"stream":true`, `"bench_frames":N`,
/// `"bench_pace_micros":N`. Confined to its event loop.
final class MockConnection extends ByteToMessageDecoder {
  private static final ByteBuf HEAD_END = ascii("\r\n\r\n");
  private static final ByteBuf CHUNKS_END = ascii("\r\n0\r\n\r\n");

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    int headEnd = ByteBufUtil.indexOf(HEAD_END, in);
    if (headEnd < 0) {
      return;
    }
    int headLength = headEnd - in.readerIndex() + 4;
    String head =
        in.toString(in.readerIndex(), headLength, StandardCharsets.US_ASCII)
            .toLowerCase(Locale.ROOT);
    int bodyLength;
    if (head.contains("\r\ntransfer-encoding: chunked")) {
      // The chunk framing is left in: the body is only searched for words.
      ByteBuf after = in.slice(headEnd + 2, in.writerIndex() - headEnd - 2);
      int end = ByteBufUtil.indexOf(CHUNKS_END, after);
      if (end < 0) {
        return;
      }
      bodyLength = end + CHUNKS_END.readableBytes() - 2;
    } else {
      bodyLength = number(head, "\r\ncontent-length: ", 0);
      if (in.readableBytes() < headLength + bodyLength) {
        return;
      }
    }
    in.skipBytes(headLength);
    String body = in.readCharSequence(bodyLength, StandardCharsets.US_ASCII).toString();
    if (body.contains("\"stream\":true")) {
      stream(ctx, number(body, "\"bench_frames\":", 32), number(body, "\"bench_pace_micros\":", 0));
    } else {
      ctx.writeAndFlush(CannedAnswers.chat());
    }
  }

  private static void stream(ChannelHandlerContext ctx, int frames, int paceMicros) {
    ctx.write(CannedAnswers.streamHead());
    ctx.writeAndFlush(CannedAnswers.frame(0, frames));
    if (paceMicros == 0) {
      for (int i = 1; i < frames; i++) {
        ctx.write(CannedAnswers.frame(i, frames));
      }
      ctx.writeAndFlush(CannedAnswers.streamEnd());
    } else {
      paced(ctx, 1, frames, paceMicros * 1_000L, System.nanoTime() + paceMicros * 1_000L);
    }
  }

  /// Frame `index` at `dueNanos`; a late frame does not delay those behind it.
  private static void paced(
      ChannelHandlerContext ctx, int index, int frames, long paceNanos, long dueNanos) {
    var _ =
        ctx.executor()
            .schedule(
                () -> {
                  if (!ctx.channel().isActive()) {
                    return;
                  }
                  if (index < frames) {
                    ctx.writeAndFlush(CannedAnswers.frame(index, frames));
                    paced(ctx, index + 1, frames, paceNanos, dueNanos + paceNanos);
                  } else {
                    ctx.writeAndFlush(CannedAnswers.streamEnd());
                  }
                },
                Math.max(0, dueNanos - System.nanoTime()),
                TimeUnit.NANOSECONDS);
  }

  private static int number(String text, String name, int otherwise) {
    int at = text.indexOf(name);
    if (at < 0) {
      return otherwise;
    }
    int value = 0;
    for (int i = at + name.length(); i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        break;
      }
      value = value * 10 + (c - '0');
    }
    return value;
  }

  private static ByteBuf ascii(String text) {
    return io.netty.buffer.Unpooled.unreleasableBuffer(
        io.netty.buffer.Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // The peer broke the connection; the side that measures counts it.
    ctx.close();
  }
}
