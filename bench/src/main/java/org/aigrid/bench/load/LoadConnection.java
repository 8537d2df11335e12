package org.aigrid.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/// One connection of a load run: sends a request, reads its answer, sends the next. Confined to its
/// event loop.
final class LoadConnection extends ChannelInboundHandlerAdapter {
  /// User event: all connections stand, begin.
  static final Object GO = new Object();

  private final LoadRun run;
  private final AnswerReader answer = new AnswerReader();
  private boolean waiting;
  private int answers;
  private int framesSeen;
  private long sentNanos;
  private long lastFrameNanos;

  LoadConnection(LoadRun run) {
    this.run = run;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == GO && !waiting) {
      send(ctx);
    }
  }

  private void send(ChannelHandlerContext ctx) {
    answer.reset();
    framesSeen = 0;
    waiting = true;
    sentNanos = System.nanoTime();
    ctx.writeAndFlush(run.request(), ctx.voidPromise());
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    long nowNanos = System.nanoTime();
    ByteBuf in = (ByteBuf) message;
    try {
      if (!waiting) {
        run.failed("bytes without a request");
        ctx.close();
        return;
      }
      answer.read(in);
      frames(nowNanos);
      if (answer.broken()) {
        waiting = false;
        run.failed("not an HTTP/1.1 answer");
        ctx.close();
      } else if (answer.complete()) {
        complete(ctx, nowNanos);
      }
    } finally {
      in.release();
    }
  }

  private void frames(long nowNanos) {
    int frames = answer.frames();
    if (frames > framesSeen) {
      if (framesSeen == 0) {
        run.firstFrame(sentNanos, nowNanos);
      } else {
        run.gap(sentNanos, nowNanos - lastFrameNanos, frames - framesSeen);
      }
      framesSeen = frames;
      lastFrameNanos = nowNanos;
    }
  }

  private void complete(ChannelHandlerContext ctx, long nowNanos) {
    waiting = false;
    answers++;
    int expected = run.framesExpected();
    if (answer.status() != 200) {
      run.failed("status " + answer.status());
    } else if (answer.frames() != expected || (expected > 0 && !answer.done())) {
      run.failed("frames " + answer.frames() + " (expected: " + expected + ", ended by [DONE])");
    } else {
      run.answered(sentNanos, nowNanos);
    }
    if (run.wantsMore(answers)) {
      send(ctx);
    } else {
      run.finished();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    if (waiting) {
      run.failed("connection closed before the answer was complete");
    }
    run.closed(ctx.channel(), run.wantsMore(answers));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // Closing makes channelInactive count what was under way.
    ctx.close();
  }
}
