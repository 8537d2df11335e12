package org.aigrid.live.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiationHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/// A strict HTTP/1.1 and HTTP/2 server.
///
/// The application's handler, one per connection (HTTP/1.1) or per stream (HTTP/2), receives one
/// whole `FullHttpRequest` at a time, which it must release, and writes a `HttpResponse`,
/// `HttpContent`s and a `LastHttpContent`. It never sees a malformed request: those are answered
/// here. `channelInactive` means that the client is gone; `channelWritabilityChanged` carries
/// back-pressure. HTTP/2 comes with prior knowledge, or by ALPN when TLS is on. TCP_NODELAY is set.
/// Thread-safe.
public final class HttpServer implements AutoCloseable {
  /// Bytes written and not yet sent before the application is asked to wait, and when it may go on.
  private static final WriteBufferWaterMark WRITE_BUFFER =
      new WriteBufferWaterMark(32 << 10, 128 << 10);

  private static final int BACKLOG = 4_096;

  private final HttpSettings settings;
  private final EventLoops loops;
  private final boolean loopsOwned;
  private final Supplier<ChannelHandler> application;
  private final @Nullable SslContext tls;
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Traffic traffic = new Traffic();
  private @Nullable Channel listener;

  private HttpServer(
      HttpSettings settings,
      EventLoops loops,
      boolean loopsOwned,
      Supplier<ChannelHandler> application) {
    this.settings = settings;
    this.loops = loops;
    this.loopsOwned = loopsOwned;
    this.application = application;
    tls = tlsOf(settings);
  }

  /// What all connections of one server count together.
  static final class Traffic {
    final AtomicLong bodyBytes = new AtomicLong();
    final AtomicLong requests = new AtomicLong();
    volatile boolean draining;
  }

  /// Binds and serves on loops of its own. An address that cannot be bound is an
  /// `IllegalStateException` that names it.
  public static HttpServer start(HttpSettings settings, Supplier<ChannelHandler> application) {
    return start(settings, new EventLoops("http", settings.threads()), true, application);
  }

  /// Binds and serves on shared loops.
  public static HttpServer start(
      HttpSettings settings, EventLoops loops, Supplier<ChannelHandler> application) {
    return start(settings, loops, false, application);
  }

  private static HttpServer start(
      HttpSettings settings,
      EventLoops loops,
      boolean loopsOwned,
      Supplier<ChannelHandler> application) {
    var server = new HttpServer(settings, loops, loopsOwned, application);
    var bound =
        new ServerBootstrap()
            .group(loops.group())
            .channel(loops.serverChannel())
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITE_BUFFER)
            .childHandler(server.new Connection())
            .bind(settings.host(), settings.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      if (loopsOwned) {
        loops.close();
      }
      throw new IllegalStateException(
          "cannot listen on "
              + settings.host()
              + ":"
              + settings.port()
              + ": "
              + bound.cause().getMessage()
              + " (is the port taken? choose another port)",
          bound.cause());
    }
    server.listener = bound.channel();
    return server;
  }

  /// The port it listens on.
  public int port() {
    return listener == null ? 0 : ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /// Requests being read or answered now.
  public long requestsOpen() {
    return traffic.requests.get();
  }

  /// Bytes of request bodies that are held now.
  public long bodyBytesHeld() {
    return traffic.bodyBytes.get();
  }

  /// Takes no new connection, lets open requests finish, at most for `limit`; true when all did.
  public boolean drain(Duration limit) {
    traffic.draining = true;
    if (listener != null) {
      listener.close().awaitUninterruptibly();
    }
    connections.forEach(connection -> connection.pipeline().fireUserEventTriggered(Drain.BEGIN));
    long end = System.nanoTime() + limit.toNanos();
    while (traffic.requests.get() > 0 && System.nanoTime() < end) {
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return traffic.requests.get() == 0;
  }

  /// Tells connections that no further request will be answered on them.
  enum Drain {
    BEGIN
  }

  /// Ends at once: sockets close, requests under way are cut off.
  @Override
  public void close() {
    traffic.draining = true;
    if (listener != null) {
      listener.close().awaitUninterruptibly();
    }
    connections.close().awaitUninterruptibly();
    if (loopsOwned) {
      loops.close();
    }
  }

  /// Ends as a dying process does: every connection is reset.
  public void kill() {
    traffic.draining = true;
    if (listener != null) {
      listener.close().awaitUninterruptibly();
    }
    connections.forEach(
        connection -> {
          connection.config().setOption(ChannelOption.SO_LINGER, 0);
          connection.close();
        });
    if (loopsOwned) {
      loops.close();
    }
  }

  private static @Nullable SslContext tlsOf(HttpSettings settings) {
    Path chain = settings.certificateChain();
    Path key = settings.privateKey();
    if (chain == null || key == null) {
      return null;
    }
    try (var chainBytes = Files.newInputStream(chain);
        var keyBytes = Files.newInputStream(key)) {
      return SslContextBuilder.forServer(chainBytes, keyBytes)
          .protocols("TLSv1.3", "TLSv1.2")
          .applicationProtocolConfig(
              new ApplicationProtocolConfig(
                  ApplicationProtocolConfig.Protocol.ALPN,
                  ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                  ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                  ApplicationProtocolNames.HTTP_2,
                  ApplicationProtocolNames.HTTP_1_1))
          .build();
    } catch (SSLException | IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "certificate "
              + chain
              + " with key "
              + key
              + " cannot be used: "
              + e.getMessage()
              + " (expected: a PEM chain and its PKCS #8 key)",
          e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "certificate " + chain + " or key " + key + " cannot be read: " + e.getMessage(), e);
    }
  }

  private final class Connection extends ChannelInitializer<Channel> {
    @Override
    protected void initChannel(Channel channel) {
      if (connections.size() >= settings.connectionsMax()) {
        channel.close();
        return;
      }
      connections.add(channel);
      ChannelPipeline pipeline = channel.pipeline();
      if (tls == null) {
        pipeline.addLast(
            new ProtocolDetector(HttpServer.this::speakHttp1, HttpServer.this::speakHttp2));
      } else {
        pipeline.addLast(tls.newHandler(channel.alloc()));
        pipeline.addLast(
            new ApplicationProtocolNegotiationHandler(ApplicationProtocolNames.HTTP_1_1) {
              @Override
              protected void configurePipeline(
                  io.netty.channel.ChannelHandlerContext context, String protocol) {
                if (protocol.equals(ApplicationProtocolNames.HTTP_2)) {
                  speakHttp2(context.pipeline());
                } else {
                  speakHttp1(context.pipeline());
                }
              }
            });
      }
    }
  }

  private void speakHttp1(ChannelPipeline pipeline) {
    var decoder = new StrictRequestDecoder(settings);
    pipeline.addLast(decoder);
    pipeline.addLast(new HttpResponseEncoder());
    pipeline.addLast(new Exchanges(settings, traffic, decoder));
    pipeline.addLast(application.get());
  }

  private void speakHttp2(ChannelPipeline pipeline) {
    pipeline.addLast(new IdleStateHandler(0, 0, settings.idleMsMax(), TimeUnit.MILLISECONDS));
    pipeline.addLast(
        Http2FrameCodecBuilder.forServer()
            .initialSettings(
                Http2Settings.defaultSettings()
                    .maxConcurrentStreams(settings.streamsMax())
                    .maxHeaderListSize(settings.headBytesMax()))
            .validateHeaders(true)
            .build());
    pipeline.addLast(
        new Http2MultiplexHandler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel stream) {
                stream.pipeline().addLast(new Http2StreamFrameToHttpObjectCodec(true, true));
                stream.pipeline().addLast(new Exchanges(settings, traffic, null));
                stream.pipeline().addLast(application.get());
              }
            }));
    pipeline.addLast(new Http2Drain());
  }
}
