package org.aigrid.live.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.aigrid.fuzz.Finding;

/// The bytes of one HTTP/1.1 connection, through the pipeline that `HttpServer` builds. The first
/// byte says how the rest is cut into reads: the requests that come out may not depend on it, or
/// two parsers could be made to disagree about where a request ends. Nothing is kept when the
/// connection is gone.
public final class HttpTarget {
  private static final HttpSettings SETTINGS =
      HttpSettings.DEFAULT.withBounds(4_096, 1 << 20, 30_000);

  private HttpTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 1) {
      return;
    }
    int step = 1 + (input[0] & 0x3F);
    List<String> whole = requests(input, input.length);
    Finding.unlessEqual(
        "requests, read at once and in steps of " + step, whole, requests(input, step));
  }

  private static List<String> requests(byte[] input, int step) {
    var traffic = new HttpServer.Traffic();
    var decoder = new StrictRequestDecoder(SETTINGS);
    var seen = new ArrayList<String>();
    var channel =
        new EmbeddedChannel(
            decoder,
            new HttpResponseEncoder(),
            new Exchanges(SETTINGS, traffic, decoder),
            new Answering(seen));
    for (int at = 1; at < input.length && channel.isOpen(); at += step) {
      channel.writeInbound(Unpooled.copiedBuffer(input, at, Math.min(step, input.length - at)));
      channel.runPendingTasks();
      channel.releaseOutbound();
    }
    channel.finishAndReleaseAll();
    channel.checkException();
    Finding.unlessEqual("bytes of bodies held at the end", 0L, traffic.bodyBytes.get());
    Finding.unlessEqual("requests open at the end", 0L, traffic.requests.get());
    return seen;
  }

  /// Answers each request, and writes down what it was taken for.
  private static final class Answering extends ChannelInboundHandlerAdapter {
    private final List<String> seen;

    Answering(List<String> seen) {
      this.seen = seen;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (!(message instanceof FullHttpRequest request)) {
        throw new Finding("the application got a " + message.getClass());
      }
      Finding.unless(request.decoderResult().isSuccess(), "a request that was not understood");
      Finding.unless(
          request.headers().getAll(HttpHeaderNames.CONTENT_LENGTH).size() < 2
              && request.headers().getAll(HttpHeaderNames.HOST).size() < 2,
          "a request whose framing is said twice");
      seen.add(
          request.method()
              + " "
              + request.uri()
              + " "
              + request.headers().entries()
              + " "
              + request.content().toString(StandardCharsets.ISO_8859_1));
      request.release();
      var response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1, HttpResponseStatus.OK, Unpooled.EMPTY_BUFFER);
      response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, 0);
      context.writeAndFlush(response);
    }
  }
}
