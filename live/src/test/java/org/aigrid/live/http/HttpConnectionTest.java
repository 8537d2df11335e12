package org.aigrid.live.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a connection is allowed to take: time, memory, turns.
@Timeout(30)
class HttpConnectionTest {
  private static final int MIB = 1 << 20;
  private static final HttpSettings SETTINGS = HttpSettings.DEFAULT.withThreads(1);

  private final EchoApplication application = new EchoApplication();
  private HttpServer server = HttpServer.start(SETTINGS, application::handler);

  @AfterEach
  void stop() {
    server.close();
  }

  private void restart(HttpSettings settings) {
    server.close();
    server = HttpServer.start(settings, application::handler);
  }

  private static String post(String headers, String body) {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body;
  }

  @Test
  void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
    int requests = 3 * SETTINGS.pipelinedMax();
    var all = new StringBuilder();
    for (int i = 0; i < requests; i++) {
      all.append("GET ").append(i == 0 ? "/slow" : "/" + i).append(" HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    try (var client = new RawClient(server.port())) {
      client.send(all.toString());
      assertThat(client.answer()).endsWith("GET /slow ");
      for (int i = 1; i < requests; i++) {
        assertThat(client.answer()).endsWith("GET /" + i + " ");
      }
    }
  }

  @Test
  void whatIsReadAheadOfAnOpenAnswerIsBounded() throws Exception {
    restart(SETTINGS.withBounds(256 * MIB, 1L << 30, 60_000));
    try (var channel = SocketChannel.open(new InetSocketAddress("127.0.0.1", server.port()))) {
      channel.write(ByteBuffer.wrap("GET /never HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII)));
      until(() -> !application.seen.isEmpty());
      channel.write(
          ByteBuffer.wrap(post("Content-Length: " + 128 * MIB + "\r\n", "").getBytes(US_ASCII)));
      channel.configureBlocking(false);
      long taken = 0;
      long lastTakenNanos = System.nanoTime();
      var part = ByteBuffer.allocate(MIB);
      while (taken < 128L * MIB && System.nanoTime() - lastTakenNanos < 500_000_000) {
        int written = channel.write(part.clear());
        taken += written;
        lastTakenNanos = written > 0 ? System.nanoTime() : lastTakenNanos;
        LockSupport.parkNanos(written > 0 ? 0 : 1_000_000);
      }
      assertThat(taken).as("bytes taken: the kernel's buffers, no more").isLessThan(64L * MIB);
    }
  }

  @Test
  void aHeadThatDribblesAndABodyThatStallsAreToldAndClosed() throws Exception {
    restart(SETTINGS.withBounds(MIB, 4L * MIB, 300));
    for (String part : new String[] {"GET / HTTP/1.1\r\nHo", post("Content-Length: 5\r\n", "ab")}) {
      try (var client = new RawClient(server.port())) {
        client.send(part);
        assertThat(client.untilClosed(5_000)).startsWith("HTTP/1.1 408 ").contains("300 ms");
      }
    }
    assertThat(application.seen).isEmpty();
  }

  @Test
  void aDribblingHeadGetsNoMoreTimeForEachByte() throws Exception {
    restart(SETTINGS.withBounds(MIB, 4L * MIB, 400));
    try (var client = new RawClient(server.port())) {
      client.send("GET / HTTP/1.1\r\nHost: x\r\nA: ");
      long began = System.nanoTime();
      var dribble =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      while (true) {
                        client.send("a");
                        Thread.sleep(20);
                      }
                    } catch (IOException | InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  });
      assertThat(client.untilClosed(10_000)).startsWith("HTTP/1.1 408 ");
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(8));
      dribble.interrupt();
    }
  }

  @Test
  void aRefusalReachesAClientThatStillSends() throws Exception {
    restart(SETTINGS.withBounds(MIB, 4L * MIB, 60_000));
    try (var client = new RawClient(server.port())) {
      client.send(post("Content-Length: " + 64 * MIB + "\r\n", ""));
      client.send(new byte[8 * MIB]); // more than a socket's buffers: somebody has to read it
      assertThat(client.untilClosed(5_000)).startsWith("HTTP/1.1 413 ").contains("1048576 bytes");
    }
  }

  @Test
  void bodiesOfAllRequestsTogetherAreBounded() throws Exception {
    restart(SETTINGS.withBounds(MIB, MIB, 60_000));
    try (var first = new RawClient(server.port());
        var second = new RawClient(server.port())) {
      first.send(post("Content-Length: 1000000\r\n", "a".repeat(900_000)));
      until(() -> server.bodyBytesHeld() == 900_000);
      try (var third = new RawClient(server.port())) {
        String refusal =
            third.send(post("Content-Length: 200000\r\n", "a".repeat(200_000))).answer();
        assertThat(refusal).startsWith("HTTP/1.1 503 ").containsIgnoringCase("retry-after: 1");
      }
      until(() -> server.bodyBytesHeld() == 900_000);
      first.send("a".repeat(100_000));
      assertThat(first.answer().substring(0, 13)).isEqualTo("HTTP/1.1 200 ");
      until(() -> server.bodyBytesHeld() == 0);
      String answer = second.send(post("Content-Length: 200000\r\n", "a".repeat(200_000))).answer();
      assertThat(answer.substring(0, 13)).isEqualTo("HTTP/1.1 200 ");
    }
  }

  @Test
  void oldClientsAreClosedOnUnlessTheyAskAndExpectationsAreMet() throws Exception {
    try (var client = new RawClient(server.port())) {
      client.send("GET /old HTTP/1.0\r\n\r\n");
      assertThat(client.untilClosed(5_000))
          .contains("GET /old")
          .containsIgnoringCase("connection: close");
    }
    try (var client = new RawClient(server.port())) {
      client.send("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertThat(client.answer()).containsIgnoringCase("connection: keep-alive");
      client.send("GET /older HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      assertThat(client.untilClosed(5_000)).contains("GET /older");
    }
    try (var client = new RawClient(server.port())) {
      client.send(post("Content-Length: 2\r\nExpect: 100-continue\r\n", ""));
      assertThat(client.answer()).startsWith("HTTP/1.1 100 ");
      assertThat(client.send("ab").answer()).endsWith("POST / ab");
    }
  }

  @Test
  void aClientThatLeavesIsNoticed() throws Exception {
    try (var client = new RawClient(server.port())) {
      client.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
      until(() -> application.seen.size() == 1);
      assertThat(application.gone.get()).isZero();
    }
    until(() -> application.gone.get() == 1);
    until(() -> server.requestsOpen() == 0);
  }

  @Test
  void drainingLetsTheOpenRequestFinishAndTakesNoOther() throws Exception {
    try (var busy = new RawClient(server.port());
        var idle = new RawClient(server.port())) {
      assertThat(idle.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").answer()).endsWith("GET /a ");
      busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
      until(() -> application.seen.size() == 2);
      assertThat(server.drain(Duration.ofSeconds(10))).isTrue();
      assertThat(busy.untilClosed(5_000))
          .contains("GET /slow")
          .containsIgnoringCase("connection: close");
      assertThat(idle.untilClosed(5_000)).isEmpty();
    }
  }

  /// Streams for ever, as fast as it is let.
  private static final class Fountain extends ChannelInboundHandlerAdapter {
    final AtomicLong written;

    Fountain(AtomicLong written) {
      this.written = written;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ReferenceCountUtil.release(message);
      context.write(new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK));
      pour(context);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      pour(context);
    }

    private void pour(ChannelHandlerContext context) {
      while (context.channel().isWritable() && context.channel().isActive()) {
        written.addAndGet(16 << 10);
        context.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(new byte[16 << 10])));
      }
    }
  }

  @Test
  void anAnswerWaitsForItsReader() throws Exception {
    var written = new AtomicLong();
    server.close();
    server = HttpServer.start(SETTINGS, () -> new Fountain(written));
    try (var channel = SocketChannel.open(new InetSocketAddress("127.0.0.1", server.port()))) {
      channel.write(ByteBuffer.wrap("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII)));
      long before = -1;
      while (written.get() == 0 || written.get() != before) {
        before = written.get();
        Thread.sleep(200);
      }
      assertThat(before).as("the kernel's buffers, no more").isLessThan(64L * MIB);
      var part = ByteBuffer.allocate(MIB);
      while (written.get() < before + 4L * MIB) {
        assertThat(channel.read(part.clear())).isPositive();
      }
    }
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 10_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("did not come true within 10 s");
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
