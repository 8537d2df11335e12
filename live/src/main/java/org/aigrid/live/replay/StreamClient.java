package org.aigrid.live.replay;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// Sends streaming chat requests over HTTP/1.1 and watches their frames arrive. One thread carries
/// all connections: some microseconds a frame, some 20 kB an open stream. Connections are kept for
/// the next request; there are never more than requests under way.
///
/// `send` may be called from any thread; everything else happens on the client's own.
final class StreamClient implements AutoCloseable {
  private static final int HEADER_BYTES_MAX = 64 << 10;

  private final ReplaySettings settings;
  private final String host;
  private final int port;
  private final String path;
  private final LongConsumer frameGapNanos;
  private final MultiThreadIoEventLoopGroup loop;
  private final Bootstrap bootstrap;
  private final @Nullable SslContext tls;
  private final Deque<Channel> idle = new ArrayDeque<>();

  /// @param frameGapNanos told the time between two frames with text of one answer
  StreamClient(ReplaySettings settings, LongConsumer frameGapNanos) throws SSLException {
    this.settings = settings;
    this.frameGapNanos = frameGapNanos;
    URI url = settings.url();
    boolean secure = "https".equals(url.getScheme());
    host = String.valueOf(url.getHost());
    port = url.getPort() >= 0 ? url.getPort() : secure ? 443 : 80;
    path = chatPath(url);
    tls = secure ? SslContextBuilder.forClient().build() : null;
    IoHandlerFactory handlers =
        Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    loop = new MultiThreadIoEventLoopGroup(1, handlers);
    bootstrap =
        new Bootstrap()
            .group(loop)
            .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, settings.connectTimeoutMs())
            .handler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    if (tls != null) {
                      channel.pipeline().addLast(tls.newHandler(channel.alloc(), host, port));
                    }
                    channel
                        .pipeline()
                        .addLast(new HttpClientCodec(4_096, HEADER_BYTES_MAX, HEADER_BYTES_MAX));
                  }
                });
  }

  /// Path of the chat endpoint below a base that may or may not end in `/v1`.
  static String chatPath(URI url) {
    String base = url.getRawPath() == null ? "" : url.getRawPath().replaceAll("/+$", "");
    return (base.endsWith("/v1") ? base : base + "/v1") + "/chat/completions";
  }

  void send(Call call) {
    loop.execute(() -> begin(call));
  }

  private void begin(Call call) {
    var exchange =
        new Exchange(call, path, host + ":" + port, settings.key(), frameGapNanos, this::keep);
    Channel kept = idle.pollLast();
    while (kept != null && !kept.isActive()) {
      kept = idle.pollLast();
    }
    if (kept != null) {
      exchange.start(kept, settings.requestTimeoutMs(), () -> connect(exchange));
    } else {
      connect(exchange);
    }
  }

  private void connect(Exchange exchange) {
    ChannelFuture connecting = bootstrap.connect(host, port);
    connecting.addListener(
        done -> {
          if (done.isSuccess()) {
            exchange.start(connecting.channel(), settings.requestTimeoutMs(), null);
          } else {
            exchange.failed("connection failed", String.valueOf(done.cause().getMessage()));
          }
        });
  }

  private void keep(Channel channel) {
    if (channel.isActive()) {
      idle.addLast(channel);
    }
  }

  @Override
  public void close() {
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
