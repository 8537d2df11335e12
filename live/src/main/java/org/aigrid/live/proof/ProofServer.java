package org.aigrid.live.proof;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.aigrid.live.http.HttpServer;
import org.aigrid.live.http.HttpSettings;

/// Serves `ProofAnswers` on a port of its own, with the strict server of the gateway. Files are
/// read by `THREADS` threads; with `QUEUE_MAX` requests waiting the next is answered 503.
/// Thread-safe.
public final class ProofServer implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int QUEUE_MAX = 256;

  private final ProofAnswers answers;
  private final ThreadPoolExecutor readers =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          30,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(QUEUE_MAX),
          Thread.ofPlatform().daemon().name("proof-", 0).factory());
  private final HttpServer server;

  private ProofServer(HttpSettings settings, ProofAnswers answers) {
    this.answers = answers;
    readers.allowCoreThreadTimeOut(true);
    HttpSettings bounded =
        settings
            .withThreads(1)
            .withBounds(
                Witness.BODY_BYTES_MAX, 64L * Witness.BODY_BYTES_MAX, settings.requestMsMax());
    server = HttpServer.start(bounded, Handler::new);
  }

  /// Begins to listen; an address that cannot be bound is an `IllegalStateException`.
  public static ProofServer start(HttpSettings settings, ProofAnswers answers) {
    return new ProofServer(settings, answers);
  }

  public int port() {
    return server.port();
  }

  @Override
  public void close() {
    server.close();
    readers.shutdownNow();
  }

  private final class Handler extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (!(message instanceof FullHttpRequest request)) {
        context.fireChannelRead(message);
        return;
      }
      HttpMethod method = request.method();
      String uri = request.uri();
      int query = uri.indexOf('?');
      String path = query < 0 ? uri : uri.substring(0, query);
      byte[] body = ByteBufUtil.getBytes(request.content());
      request.release();
      try {
        readers.execute(() -> write(context, method, answers.answer(method.name(), path, body)));
      } catch (RejectedExecutionException e) {
        write(context, method, ProofAnswers.Answer.text(503, "too many requests wait; try again"));
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  private static void write(
      ChannelHandlerContext context, HttpMethod method, ProofAnswers.Answer answer) {
    boolean head = method.equals(HttpMethod.HEAD);
    var response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(answer.status()),
            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(answer.body()));
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, answer.contentType());
    response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, answer.body().length);
    String cacheControl = answer.cacheControl();
    if (cacheControl != null) {
      response.headers().set(HttpHeaderNames.CACHE_CONTROL, cacheControl);
    }
    context.channel().eventLoop().execute(() -> context.writeAndFlush(response));
  }
}
