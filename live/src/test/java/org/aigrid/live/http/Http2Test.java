package org.aigrid.live.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.util.ReferenceCountUtil;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// HTTP/2 by prior knowledge and by ALPN.
@Timeout(60)
class Http2Test {
  private static final HttpSettings SETTINGS = HttpSettings.DEFAULT.withThreads(1);

  private final EchoApplication application = new EchoApplication();
  private final MultiThreadIoEventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final CompletableFuture<Integer> goAway = new CompletableFuture<>();
  private HttpServer server = HttpServer.start(SETTINGS, application::handler);

  @TempDir Path folder;

  @AfterEach
  void stop() {
    server.close();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private Channel connect() {
    return new Bootstrap()
        .group(loops)
        .channel(NioSocketChannel.class)
        .handler(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel channel) {
                channel
                    .pipeline()
                    .addLast(Http2FrameCodecBuilder.forClient().validateHeaders(false).build())
                    .addLast(new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()))
                    .addLast(
                        new ChannelInboundHandlerAdapter() {
                          @Override
                          public void channelRead(ChannelHandlerContext context, Object frame) {
                            if (frame instanceof Http2GoAwayFrame away) {
                              goAway.complete((int) away.errorCode());
                            }
                            ReferenceCountUtil.release(frame);
                          }
                        });
              }
            })
        .connect(new InetSocketAddress("127.0.0.1", server.port()))
        .syncUninterruptibly()
        .channel();
  }

  /// One stream: what it answers, as "status body", or "reset CODE".
  private final class Stream extends ChannelInboundHandlerAdapter {
    final CompletableFuture<String> answer = new CompletableFuture<>();
    final Http2StreamChannel channel;
    private final StringBuilder said = new StringBuilder();

    Stream(Channel connection) {
      channel =
          new Http2StreamChannelBootstrap(connection)
              .handler(this)
              .open()
              .syncUninterruptibly()
              .getNow();
    }

    Stream ask(Http2Headers headers, String body) {
      boolean end = body.isEmpty();
      channel.writeAndFlush(new DefaultHttp2HeadersFrame(headers, end));
      if (!end) {
        channel.writeAndFlush(
            new DefaultHttp2DataFrame(Unpooled.copiedBuffer(body, StandardCharsets.UTF_8), true));
      }
      return this;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object frame) {
      if (frame instanceof Http2HeadersFrame head) {
        said.append(head.headers().status()).append(' ');
        end(head.isEndStream());
      } else if (frame instanceof Http2DataFrame data) {
        said.append(data.content().toString(StandardCharsets.UTF_8));
        end(data.isEndStream());
      } else if (frame instanceof Http2ResetFrame reset) {
        answer.complete("reset " + Http2Error.valueOf(reset.errorCode()));
      }
      ReferenceCountUtil.release(frame);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof Http2ResetFrame reset) {
        answer.complete("reset " + Http2Error.valueOf(reset.errorCode()));
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      answer.complete("closed " + said);
    }

    private void end(boolean last) {
      if (last) {
        answer.complete(said.toString());
      }
    }
  }

  private static Http2Headers head(String method, String path) {
    return new DefaultHttp2Headers(false)
        .method(method)
        .path(path)
        .scheme("http")
        .authority("grid");
  }

  private static String get(CompletableFuture<String> answer) throws Exception {
    return answer.get(10, TimeUnit.SECONDS);
  }

  @Test
  void streamsAreAnsweredIndependentlyOfEachOther() throws Exception {
    Channel connection = connect();
    var never = new Stream(connection).ask(head("GET", "/never"), "");
    var posted = new Stream(connection).ask(head("POST", "/posted"), "with a body");
    var got = new Stream(connection).ask(head("GET", "/got"), "");
    assertThat(get(posted.answer)).isEqualTo("200 POST /posted with a body");
    assertThat(get(got.answer)).isEqualTo("200 GET /got ");
    assertThat(never.answer).isNotDone();
  }

  @Test
  void aStreamThatIsResetIsGoneAndTheConnectionGoesOn() throws Exception {
    Channel connection = connect();
    var left = new Stream(connection).ask(head("GET", "/never"), "");
    until(() -> application.seen.size() == 1);
    left.channel.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.CANCEL));
    until(() -> application.gone.get() == 1);
    until(() -> server.requestsOpen() == 0);
    assertThat(get(new Stream(connection).ask(head("GET", "/on"), "").answer))
        .isEqualTo("200 GET /on ");
  }

  @Test
  void drainingSaysGoAwayAndLetsOpenStreamsFinish() throws Exception {
    Channel connection = connect();
    var slow = new Stream(connection).ask(head("GET", "/slow"), "");
    until(() -> application.seen.size() == 1);
    assertThat(server.drain(Duration.ofSeconds(10))).isTrue();
    assertThat(get(slow.answer)).isEqualTo("200 GET /slow ");
    assertThat(goAway.get(5, TimeUnit.SECONDS)).isEqualTo((int) Http2Error.NO_ERROR.code());
  }

  @Test
  void headsThatNoHttp1CouldCarryAreRefused() throws Exception {
    Http2Headers[] wrong = {
      head("GET", "/a").add("connection", "close"),
      head("GET", "/a").add("transfer-encoding", "chunked"),
      head("GET", "/a").add("Upper", "case"),
      head("GET", "/a").add("te", "gzip"),
      head("GET", "/a").add(":path", "/b"),
      head("GET", "/a").add("a", "b\r\nc: d"),
      head("GET", "no-slash"),
      head("GET", "/a b"),
      head("GET", "").setInt("content-length", 0),
      head("POST", "/a").setInt("content-length", 3),
      new DefaultHttp2Headers(false).method("GET").scheme("http").authority("grid"),
    };
    for (Http2Headers headers : wrong) {
      Channel connection = connect();
      String answer = get(new Stream(connection).ask(headers, "").answer);
      assertThat(answer).as("%s", headers).doesNotStartWith("200");
      assertThat(application.seen).as("%s", headers).isEmpty();
      connection.close();
    }
  }

  @Test
  void aBodyBeyondItsBoundIsAnsweredOnItsStream() throws Exception {
    server.close();
    server = HttpServer.start(SETTINGS.withBounds(1_000, 10_000, 60_000), application::handler);
    Channel connection = connect();
    var large = new Stream(connection).ask(head("POST", "/large"), "a".repeat(2_000));
    assertThat(get(large.answer)).startsWith("413 ").contains("1000 bytes");
    assertThat(get(new Stream(connection).ask(head("POST", "/small"), "a").answer))
        .isEqualTo("200 POST /small a");
  }

  @Test
  void overTlsTheProtocolIsNegotiated() throws Exception {
    Path keys = folder.resolve("keys.p12");
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    var made =
        new ProcessBuilder(
                keytool,
                "-genkeypair",
                "-alias",
                "grid",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost",
                "-storetype",
                "PKCS12",
                "-storepass",
                "secret",
                "-keystore",
                keys.toString())
            .redirectErrorStream(true)
            .start();
    assertThat(made.waitFor())
        .as(new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isZero();
    var store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keys)) {
      store.load(in, "secret".toCharArray());
    }
    Path chain = pem("CERTIFICATE", store.getCertificate("grid").getEncoded());
    Path key = pem("PRIVATE KEY", store.getKey("grid", "secret".toCharArray()).getEncoded());
    server.close();
    server = HttpServer.start(SETTINGS.withTls(chain, key), application::handler);

    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    try (var client = HttpClient.newBuilder().sslContext(tls).build()) {
      for (HttpClient.Version version : HttpClient.Version.values()) {
        HttpResponse<String> answer =
            client.send(
                HttpRequest.newBuilder(URI.create("https://localhost:" + server.port() + "/tls"))
                    .version(version)
                    .POST(HttpRequest.BodyPublishers.ofString("x".repeat(100_000)))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.version()).isEqualTo(version);
        assertThat(answer.body()).startsWith("POST /tls xxx").hasSize(10 + 100_000);
      }
    }
    try (var raw = tls.getSocketFactory().createSocket("localhost", server.port())) {
      raw.setSoTimeout(10_000);
      raw.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      raw.getOutputStream().write(new byte[1 << 20]); // still sends when it is refused
      assertThat(new String(raw.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("HTTP/1.1 400 ")
          .contains("no Host header");
    }
  }

  private Path pem(String what, byte[] bytes) throws Exception {
    String text = Base64.getMimeEncoder(64, new byte[] {10}).encodeToString(bytes);
    return Files.writeString(
        folder.resolve(what.replace(' ', '-') + ".pem"),
        "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n");
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
