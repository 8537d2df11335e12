package org.aigrid.bench.mock;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.SocketChannel;
import org.aigrid.bench.load.Transport;

/// The mock site as a process: listens on one port of several loopback addresses, says `ready`, and
/// answers until its standard input ends. One event loop: its cost is the same for every arm.
///
/// Several addresses let a caller open more connections than one pair of addresses has ports.
public final class MockEngine {
  private static final int BACKLOG = 8_192;

  private MockEngine() {}

  /// @param args port, number of loopback addresses from 127.0.0.1 upwards (1 to 200)
  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    int addresses = Integer.parseInt(args[1]);
    var group = Transport.group(1);
    var server =
        new ServerBootstrap()
            .group(group)
            .channel(Transport.server())
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel.pipeline().addLast(new MockConnection());
                  }
                });
    for (int i = 1; i <= addresses; i++) {
      server.bind("127.0.0." + i, port).sync();
    }
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // Lives as long as the benchmark that started it.
    }
    group.shutdownGracefully().sync();
  }
}
