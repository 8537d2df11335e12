package org.aigrid.bench.load;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/// One measurement: opens the connections, keeps each busy until the time is up, closes them, and
/// reports. Everything happens on one event loop; no field is shared.
final class LoadRun {
  /// Connects under way at once: below the accept backlog of every arm.
  private static final int CONNECTS_MAX = 128;

  private static final int RETRY_CONNECT_MILLIS = 20;
  private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
  private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(10);

  private final LoadPlan plan;
  private final EventLoop loop;
  private final CompletableFuture<LoadResult> result = new CompletableFuture<>();
  private final Histogram latency = new Histogram(LONGEST_NANOS, 3);
  private final Histogram firstFrame = new Histogram(LONGEST_NANOS, 3);
  private final Histogram gap = new Histogram(LONGEST_NANOS, 3);
  private final Set<Channel> open = new HashSet<>();
  private final ByteBuf request;

  private int connectsStarted;
  private int connectsEnded;
  private boolean running;
  private boolean ended;
  private long recordFromNanos;
  private int finishedConnections;
  private long requests;
  private long errors;
  private String firstError = "none";

  LoadRun(LoadPlan plan, EventLoopGroup group) {
    this.plan = plan;
    this.loop = group.next();
    String body = plan.body();
    this.request =
        Unpooled.unreleasableBuffer(
            Unpooled.copiedBuffer(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: "
                    + plan.host()
                    + ":"
                    + plan.port()
                    + "\r\nAuthorization: Bearer "
                    + plan.key()
                    + "\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: "
                    + body.length()
                    + "\r\n\r\n"
                    + body,
                StandardCharsets.US_ASCII));
  }

  CompletableFuture<LoadResult> start() {
    loop.execute(
        () -> {
          for (int i = 0; i < Math.min(CONNECTS_MAX, plan.connections()); i++) {
            connectNext();
          }
        });
    return result;
  }

  ByteBuf request() {
    return request.duplicate();
  }

  /// Whether a connection that has had `answers` sends another request.
  boolean wantsMore(int answers) {
    return running && !ended && (plan.requestsMax() == 0 || answers < plan.requestsMax());
  }

  int framesExpected() {
    return plan.frames() == 0 ? 0 : plan.frames() + 2;
  }

  void firstFrame(long sentNanos, long nowNanos) {
    if (recorded(sentNanos)) {
      firstFrame.recordValue(clamp(nowNanos - sentNanos));
    }
  }

  void gap(long sentNanos, long gapNanos, int framesTogether) {
    if (recorded(sentNanos)) {
      gap.recordValue(clamp(gapNanos));
      if (framesTogether > 1) {
        gap.recordValueWithCount(0, framesTogether - 1L);
      }
    }
  }

  void answered(long sentNanos, long nowNanos) {
    if (!ended && nowNanos >= recordFromNanos) {
      requests++;
    }
    if (recorded(sentNanos)) {
      latency.recordValue(clamp(nowNanos - sentNanos));
    }
  }

  void failed(String what) {
    if (!ended) {
      errors++;
      if (errors == 1) {
        firstError = what;
      }
    }
  }

  /// A connection has had its last answer: with all of them the run is over.
  void finished() {
    finishedConnections++;
    if (finishedConnections == plan.connections()) {
      end();
    }
  }

  void closed(Channel channel, boolean hasMore) {
    open.remove(channel);
    if (hasMore && !ended) {
      var _ = loop.schedule(this::connect, RETRY_CONNECT_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private boolean recorded(long sentNanos) {
    return !ended && sentNanos >= recordFromNanos;
  }

  private static long clamp(long nanos) {
    return Math.max(0, Math.min(LONGEST_NANOS, nanos));
  }

  private void connectNext() {
    if (connectsStarted < plan.connections()) {
      connectsStarted++;
      connect();
    }
  }

  private void connect() {
    if (ended) {
      return;
    }
    int source = 1 + connectsStarted % plan.sources();
    var bootstrap =
        new Bootstrap()
            .group(loop)
            .channel(Transport.client())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
            .handler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel.pipeline().addLast(new LoadConnection(LoadRun.this));
                  }
                });
    var to = new InetSocketAddress(plan.host(), plan.port());
    var connecting =
        plan.sources() == 1
            ? bootstrap.connect(to)
            : bootstrap.connect(to, new InetSocketAddress("127.0.0." + source, 0));
    connecting.addListener(
        done -> {
          if (!done.isSuccess()) {
            failed("connect: " + done.cause().getMessage());
          } else if (ended) {
            connecting.channel().close();
          } else {
            open.add(connecting.channel());
          }
          connectEnded(connecting.channel());
        });
  }

  private void connectEnded(Channel channel) {
    connectsEnded++;
    connectNext();
    if (running) {
      channel.pipeline().fireUserEventTriggered(LoadConnection.GO);
    } else if (connectsEnded == plan.connections()) {
      go();
    }
  }

  private void go() {
    running = true;
    boolean hold = plan.requestsMax() > 0;
    recordFromNanos =
        System.nanoTime() + (hold ? 0 : TimeUnit.MILLISECONDS.toNanos(LoadGenerator.SETTLE_MILLIS));
    long delayNanos = 0;
    for (Channel channel : Set.copyOf(open)) {
      if (hold) {
        Runnable begin = () -> channel.pipeline().fireUserEventTriggered(LoadConnection.GO);
        var _ = loop.schedule(begin, delayNanos, TimeUnit.NANOSECONDS);
        delayNanos += TimeUnit.SECONDS.toNanos(1) / plan.beginPerSecond();
      } else {
        channel.pipeline().fireUserEventTriggered(LoadConnection.GO);
      }
    }
    var _ =
        loop.schedule(
            this::end,
            plan.millis() + (hold ? 0 : LoadGenerator.SETTLE_MILLIS),
            TimeUnit.MILLISECONDS);
  }

  private void end() {
    if (ended) {
      return;
    }
    double seconds = (System.nanoTime() - recordFromNanos) / 1e9;
    if (plan.requestsMax() > 0) {
      long missing = (long) plan.connections() * plan.requestsMax() - requests - errors;
      for (long i = 0; i < missing; i++) {
        failed("answer not complete after " + plan.millis() + " ms");
      }
    }
    ended = true;
    Set.copyOf(open).forEach(Channel::close);
    result.complete(
        new LoadResult(
            requests,
            errors,
            seconds,
            LoadResult.Micros.of(latency),
            LoadResult.Micros.of(firstFrame),
            LoadResult.Micros.of(gap),
            firstError));
  }
}
