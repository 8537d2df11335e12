package org.aigrid.live.http;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;

/// Event loops and the channels that fit them: epoll where the machine has it, else NIO. May be
/// shared by many servers and clients. Thread-safe.
public final class EventLoops implements AutoCloseable {
  private static final int SHUTDOWN_MS_MAX = 2_000;

  private final EventLoopGroup group;
  private final boolean epoll;

  public EventLoops(String name, int threads) {
    epoll = Epoll.isAvailable();
    group =
        new MultiThreadIoEventLoopGroup(
            threads,
            new DefaultThreadFactory(name, true),
            epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
  }

  public EventLoopGroup group() {
    return group;
  }

  public Class<? extends ServerChannel> serverChannel() {
    return epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
  }

  public Class<? extends SocketChannel> socketChannel() {
    return epoll ? EpollSocketChannel.class : NioSocketChannel.class;
  }

  /// Ends the loops; what still runs on them is cut off.
  @Override
  public void close() {
    group.shutdownGracefully(0, SHUTDOWN_MS_MAX, TimeUnit.MILLISECONDS).awaitUninterruptibly();
  }
}
