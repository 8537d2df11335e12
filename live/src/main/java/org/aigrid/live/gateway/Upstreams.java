package org.aigrid.live.gateway;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.http.EventLoops;
import org.jspecify.annotations.Nullable;

/// The connections of one event loop to the site agents, kept alive and reused. Everything happens
/// on that loop, which is also the client's: an answer crosses no thread. Not thread-safe.
final class Upstreams {
  /// Who is told what a site answers; all calls come on the event loop.
  interface Listener {
    /// The head of the answer.
    void head(Upstream upstream, HttpResponse head);

    /// A part of its body, to be released by the listener; the last part is a `LastHttpContent`.
    void content(Upstream upstream, HttpContent content);

    /// No connection, or it died before the answer was complete. `fresh` is false when a kept
    /// connection died before any byte came: the site had merely closed it, and the request may be
    /// sent again.
    void failed(Upstream upstream, boolean fresh, boolean anyByte);

    /// No more bytes are at hand: time to flush.
    void readComplete();
  }

  private static final int KEEPALIVE_S = 3;
  private static final int KEEPALIVE_PROBES = 3;

  private final EventLoop loop;
  private final GatewaySettings settings;
  private final Bootstrap bootstrap;
  private final Map<SiteAddress, ArrayDeque<Connection>> idle = new HashMap<>();

  Upstreams(EventLoops loops, EventLoop loop, GatewaySettings settings) {
    this.loop = loop;
    this.settings = settings;
    Bootstrap prepared =
        new Bootstrap()
            .group(loop)
            .channel(loops.socketChannel())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, settings.upstreamConnectMsMax())
            .option(ChannelOption.SO_KEEPALIVE, true)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel
                        .pipeline()
                        .addLast(
                            new HttpClientCodec(
                                new HttpDecoderConfig()
                                    .setMaxHeaderSize(64 << 10)
                                    .setMaxChunkSize(64 << 10),
                                false,
                                false))
                        .addLast(new Connection());
                  }
                });
    if (EpollSocketChannel.class.equals(loops.socketChannel())) {
      // A site whose machine is gone says nothing: probes find out while an answer is waited for.
      prepared
          .option(EpollChannelOption.TCP_KEEPIDLE, KEEPALIVE_S)
          .option(EpollChannelOption.TCP_KEEPINTVL, KEEPALIVE_S)
          .option(EpollChannelOption.TCP_KEEPCNT, KEEPALIVE_PROBES);
    }
    bootstrap = prepared;
  }

  /// One request on its way to a site.
  final class Upstream {
    private final SiteAddress address;
    private final Listener listener;
    private @Nullable Connection connection;
    private boolean over;

    private Upstream(SiteAddress address, Listener listener) {
      this.address = address;
      this.listener = listener;
    }

    /// Gives the request up: its connection closes at once, so the site stops working on it.
    void abandon() {
      over = true;
      Connection held = connection;
      connection = null;
      if (held != null) {
        held.upstream = null;
        held.close();
      }
    }

    /// Stops or resumes reading, as the client can take it.
    void read(boolean on) {
      Connection held = connection;
      if (held != null && held.context != null) {
        held.context.channel().config().setAutoRead(on);
      }
    }
  }

  /// Sends a request; takes ownership of it.
  ///
  /// @param reuse whether a kept connection may be used
  Upstream send(SiteAddress address, FullHttpRequest request, boolean reuse, Listener listener) {
    var upstream = new Upstream(address, listener);
    Connection kept = reuse ? take(address) : null;
    if (kept != null) {
      kept.begin(upstream, request);
      return upstream;
    }
    bootstrap
        .connect(address.host(), address.port())
        .addListener(
            (io.netty.channel.ChannelFuture connected) -> {
              if (upstream.over) {
                request.release();
                connected.channel().close();
              } else if (connected.isSuccess()) {
                Connection connection = connected.channel().pipeline().get(Connection.class);
                connection.begin(upstream, request);
              } else {
                request.release();
                upstream.over = true;
                listener.failed(upstream, true, false);
              }
            });
    return upstream;
  }

  private @Nullable Connection take(SiteAddress address) {
    ArrayDeque<Connection> kept = idle.get(address);
    if (kept == null) {
      return null;
    }
    long now = System.nanoTime();
    for (Connection candidate = kept.pollLast(); candidate != null; candidate = kept.pollLast()) {
      candidate.pooled = false;
      if (candidate.usable(now)) {
        return candidate;
      }
      candidate.close();
    }
    return null;
  }

  /// Closes what is kept.
  void close() {
    loop.execute(
        () -> {
          for (ArrayDeque<Connection> kept : idle.values()) {
            for (Connection connection = kept.poll();
                connection != null;
                connection = kept.poll()) {
              connection.pooled = false;
              connection.close();
            }
          }
        });
  }

  /// One connection: busy with one request, or kept for the next.
  private final class Connection extends ChannelInboundHandlerAdapter {
    private @Nullable ChannelHandlerContext context;
    private @Nullable Upstream upstream;
    private @Nullable Listener lastListener;
    private boolean reused;
    private boolean anyByte;
    private boolean keepAlive;
    private boolean pooled;
    private long idleSinceNanos;

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
      context = added;
    }

    void begin(Upstream next, FullHttpRequest request) {
      upstream = next;
      next.connection = this;
      lastListener = next.listener;
      anyByte = false;
      if (context != null) {
        context.channel().config().setAutoRead(true);
        context.writeAndFlush(request, context.voidPromise());
      }
    }

    boolean usable(long nowNanos) {
      return context != null
          && context.channel().isActive()
          && nowNanos - idleSinceNanos < settings.upstreamIdleMsMax() * 1_000_000L;
    }

    void close() {
      if (context != null) {
        context.close();
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext ignored, Object message) {
      Upstream current = upstream;
      if (current == null || !(message instanceof HttpObject object)) {
        ReferenceCountUtil.release(message);
        if (current == null) {
          close(); // nobody asked
        }
        return;
      }
      if (object.decoderResult().isFailure()) {
        ReferenceCountUtil.release(message);
        close();
        return;
      }
      anyByte = true;
      if (object instanceof HttpResponse head) {
        if (head.status().code() == 100) {
          return;
        }
        keepAlive = HttpUtil.isKeepAlive(head);
        current.listener.head(current, head);
      }
      if (object instanceof HttpContent content) {
        if (upstream != current) { // given up by the listener meanwhile
          content.release();
          return;
        }
        boolean last = content instanceof LastHttpContent;
        if (last) {
          current.over = true;
          current.connection = null;
          upstream = null;
        }
        current.listener.content(current, content);
        if (last) {
          keep(current.address);
        }
      }
    }

    private void keep(SiteAddress address) {
      ArrayDeque<Connection> kept = idle.computeIfAbsent(address, a -> new ArrayDeque<>());
      if (!keepAlive || kept.size() >= settings.upstreamIdlePerSite()) {
        close();
        return;
      }
      reused = true;
      pooled = true;
      idleSinceNanos = System.nanoTime();
      if (context != null) {
        context.channel().config().setAutoRead(true);
      }
      kept.addLast(this);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ignored) {
      Listener told = lastListener;
      if (told != null) {
        told.readComplete();
      }
      if (upstream == null) {
        lastListener = null;
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ignored) {
      if (pooled) {
        idle.values().forEach(kept -> kept.remove(this));
        pooled = false;
      }
      Upstream current = upstream;
      upstream = null;
      if (current != null && !current.over) {
        current.over = true;
        current.connection = null;
        current.listener.failed(current, !reused, anyByte);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext broken, Throwable cause) {
      broken.close();
    }
  }
}
