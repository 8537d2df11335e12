package org.aigrid.live.site;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;
import org.aigrid.live.wire.Replay;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/// Relays requests to a server that speaks the OpenAI API. Answers pass through as bytes, at the
/// pace at which the gateway reads them; a closed connection cancels the server's work. What
/// another site may not share (no connection, 5xx, 429, a refused key, an unknown model) becomes
/// 503 `elsewhere`; an API that the server does not have is the client's to know: 400. The head
/// goes out with the first byte of the body.
///
/// Load is what this agent has sent, or what the server's `/metrics` say where they are vLLM's.
/// Thread-safe. Bound: `openMax` requests.
public final class OpenAiEngine implements Backend.RemoteEngine {
  private static final Logger log = LoggerFactory.getLogger(OpenAiEngine.class);
  private static final int BYTES_PER_TOKEN = 4;
  private static final int RETRY_AFTER_SECONDS_MAX = 60;
  private static final long METRICS_EVERY_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long METRICS_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long METRICS_MS_MAX = 1_000;
  private static final long METRICS_BYTES_MAX = 16 << 20;

  private final OpenAiSettings settings;
  private final HttpClient client;
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicLong queuedTokens = new AtomicLong();
  private final AtomicLong openTokens = new AtomicLong();
  private final AtomicBoolean asking = new AtomicBoolean();
  private volatile long askAtNanos = System.nanoTime();
  private volatile int reportedRunning;
  private volatile int reportedWaiting;
  private volatile boolean vllm;
  private volatile boolean closed;

  public OpenAiEngine(OpenAiSettings settings) {
    this.settings = settings;
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofMillis(settings.connectMsMax()))
            .followRedirects(HttpClient.Redirect.NEVER)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
  }

  @Override
  public void relay(
      ChannelHandlerContext context,
      FullHttpRequest request,
      String path,
      int length,
      @Nullable Replay replay,
      String tenant,
      ServiceTier tier,
      Set<RunningCall> running) {
    byte[] body;
    String id = request.headers().get(GridHeaders.REQUEST_ID);
    boolean usageChunk = path.equals("/v1/chat/completions") || path.equals("/v1/completions");
    if (replay != null && (!continues() || !usageChunk || replay.toolCall())) {
      request.release();
      cannotGoOn(context);
      return;
    }
    try {
      byte[] sent = ByteBufUtil.getBytes(request.content(), 0, length);
      if (replay != null) {
        byte[] longer = ContinuedAnswer.request(sent, path, replay);
        if (longer == null) {
          cannotGoOn(context);
          return;
        }
        sent = longer;
      }
      body = UpstreamBody.of(sent, settings.upstreamModel(), usageChunk, tenant, vllm);
    } catch (JacksonException e) {
      SiteHandler.error(context, ApiError.badRequest("The request body is not valid JSON."), false);
      return;
    } finally {
      request.release();
    }
    if (closed) {
      SiteHandler.error(
          context, ApiError.unavailable(settings.model() + " is shutting down here.", 1), true);
      return;
    }
    if (open.incrementAndGet() > settings.openMax()) {
      open.decrementAndGet();
      SiteHandler.error(
          context,
          ApiError.unavailable(
              settings.model() + " has " + settings.openMax() + " requests here already.", 1),
          true);
      return;
    }
    new Relay(context, path, Math.max(1, body.length / BYTES_PER_TOKEN), replay, tier, running)
        .begin(ask(path, id, body));
  }

  private void cannotGoOn(ChannelHandlerContext context) {
    SiteHandler.error(
        context,
        ApiError.unavailable(
            "The server of " + settings.model() + " cannot go on with this answer.", 1),
        true);
  }

  /// Whether the server can go on after text of an assistant: told so, or known by its metrics to
  /// be vLLM.
  private boolean continues() {
    return settings.continues() || vllm;
  }

  private HttpRequest ask(String path, @Nullable String id, byte[] body) {
    HttpRequest.Builder ask =
        HttpRequest.newBuilder(URI.create(settings.root() + path))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    if (id != null) {
      ask.header("x-request-id", id);
    }
    if (settings.apiKey() != null) {
      ask.header("authorization", "Bearer " + settings.apiKey());
    }
    return ask.build();
  }

  @Override
  public EndpointLoad load() {
    askMetrics();
    int ownRunning = Math.max(0, begun.get());
    int ownWaiting = Math.max(0, open.get() - ownRunning);
    return new EndpointLoad(
        settings.model(),
        (int) Math.clamp(queuedTokens.get(), 0, Integer.MAX_VALUE),
        Math.max(ownWaiting, reportedWaiting),
        Math.max(ownRunning, reportedRunning),
        (int) Math.clamp(openTokens.get() - queuedTokens.get(), 0, Integer.MAX_VALUE),
        0);
  }

  @Override
  public void close() {
    closed = true;
    client.shutdownNow();
  }

  /// Asks for vLLM's gauges now and then; a server that has never had them is asked seldom. An
  /// answer that does not end in time, or at all, is none.
  private void askMetrics() {
    if (closed || System.nanoTime() - askAtNanos < 0 || !asking.compareAndSet(false, true)) {
      return;
    }
    HttpRequest ask =
        HttpRequest.newBuilder(URI.create(settings.root() + "/metrics"))
            .timeout(Duration.ofMillis(METRICS_MS_MAX))
            .build();
    CompletableFuture<HttpResponse<String>> asked =
        client.sendAsync(
            ask,
            HttpResponse.BodyHandlers.limiting(
                HttpResponse.BodyHandlers.ofString(), METRICS_BYTES_MAX));
    asked.whenComplete(
        (response, failure) -> {
          boolean found = failure == null && response.statusCode() == 200 && read(response.body());
          if (!found) {
            reportedRunning = 0;
            reportedWaiting = 0;
          }
          boolean known = found || vllm;
          askAtNanos = System.nanoTime() + (known ? METRICS_EVERY_NANOS : METRICS_AGAIN_NANOS);
          asking.set(false);
        });
    // The request's own timeout ends with the head.
    CompletableFuture.delayedExecutor(METRICS_MS_MAX, TimeUnit.MILLISECONDS)
        .execute(() -> asked.cancel(true));
  }

  private boolean read(String page) {
    double running = -1;
    double waiting = -1;
    for (String line : (Iterable<String>) page.lines()::iterator) {
      if (line.startsWith("vllm:num_requests_running")) {
        running = Math.max(0, running) + gauge(line);
      } else if (line.startsWith("vllm:num_requests_waiting{")) {
        waiting = Math.max(0, waiting) + gauge(line);
      }
    }
    vllm |= running >= 0;
    reportedRunning = (int) Math.max(0, running);
    reportedWaiting = (int) Math.max(0, waiting);
    return running >= 0;
  }

  private static double gauge(String line) {
    try {
      return Math.max(0, Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /// One request under way. Its state changes on the channel's event loop only, save `sending`.
  private final class Relay implements RunningCall {
    private final ChannelHandlerContext context;
    private final String path;
    private final int tokens;
    private final ServiceTier tier;
    private final Set<RunningCall> running;
    private final @Nullable ContinuedAnswer continued;
    private final long sinceNanos = System.nanoTime();
    private volatile int frames;
    private final ChannelFutureListener gone = future -> over();
    private @Nullable CompletableFuture<HttpResponse<Void>> sending;
    private Flow.@Nullable Subscription answer;
    private boolean started;
    private boolean headWritten;
    private boolean over;

    Relay(
        ChannelHandlerContext context,
        String path,
        int tokens,
        @Nullable Replay replay,
        ServiceTier tier,
        Set<RunningCall> running) {
      this.context = context;
      this.path = path;
      this.tokens = tokens;
      this.tier = tier;
      this.running = running;
      continued = replay == null ? null : new ContinuedAnswer(replay);
    }

    @Override
    public ServiceTier tier() {
      return tier;
    }

    @Override
    public int promptTokens() {
      return tokens;
    }

    /// Reads of the answer, about one a token.
    @Override
    public int tokens() {
      return frames;
    }

    @Override
    public int tokensMax() {
      return 0;
    }

    @Override
    public long sinceNanos() {
      return sinceNanos;
    }

    /// The server says nothing of when its device is free.
    @Override
    public boolean confirms() {
      return false;
    }

    /// The server's work ends with its connection, which is closed here.
    @Override
    public boolean move(String reason, double withinMs, Runnable gone) {
      if (!running.remove(this)) {
        return false; // over, or moved already
      }
      context
          .executor()
          .execute(
              () -> {
                if (!over) {
                  boolean headSent = headWritten;
                  over();
                  AnswerSink.leave(context, headSent, reason);
                }
                gone.run();
              });
      return true;
    }

    void begin(HttpRequest ask) {
      running.add(this);
      queuedTokens.addAndGet(tokens);
      openTokens.addAndGet(tokens);
      sending = client.sendAsync(ask, Answer::new);
      context.channel().closeFuture().addListener(gone);
      sending.whenComplete(
          (response, failure) -> {
            if (failure != null) {
              context.executor().execute(() -> fail(failure));
            }
          });
    }

    private void start() {
      if (!started) {
        started = true;
        begun.incrementAndGet();
        queuedTokens.addAndGet(-tokens);
      }
    }

    /// Gives back what was counted; ends the server's work if it still goes on.
    private void over() {
      if (over) {
        return;
      }
      over = true;
      running.remove(this);
      if (continued != null) {
        continued.close();
      }
      open.decrementAndGet();
      openTokens.addAndGet(-tokens);
      if (started) {
        begun.decrementAndGet();
      } else {
        queuedTokens.addAndGet(-tokens);
      }
      context.channel().closeFuture().removeListener(gone);
      if (answer != null) {
        answer.cancel();
      }
      if (sending != null) {
        sending.cancel(true);
      }
    }

    private void fail(Throwable failure) {
      if (over) {
        return;
      }
      Throwable cause =
          failure instanceof CompletionException && failure.getCause() != null
              ? failure.getCause()
              : failure;
      log.warn("server {} of {} failed: {}", settings.root(), settings.model(), cause.toString());
      boolean headSent = started;
      over();
      if (headSent) {
        context.close(); // the gateway sees a stream without its end
      } else {
        refuse(ApiError.unavailable("The server of " + settings.model() + " does not answer.", 1));
      }
    }

    private void refuse(ApiError error) {
      SiteHandler.error(context, error, error.status() >= 429);
    }

    /// The server's answer: decides by its head, then passes its body on.
    private final class Answer implements HttpResponse.BodySubscriber<Void> {
      private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
      private final HttpResponse.ResponseInfo info;

      Answer(HttpResponse.ResponseInfo info) {
        this.info = info;
      }

      @Override
      @SuppressWarnings("NullAway") // a Void is always null
      public CompletionStage<Void> getBody() {
        return (CompletionStage<Void>) (CompletionStage<?>) done;
      }

      @Override
      public void onSubscribe(Flow.Subscription subscription) {
        context
            .executor()
            .execute(
                () -> {
                  answer = subscription;
                  if (over) {
                    subscription.cancel();
                    return;
                  }
                  ApiError refusal = refusal();
                  if (refusal != null) {
                    over();
                    done.complete(null);
                    refuse(refusal);
                  } else {
                    subscription.request(1);
                  }
                });
      }

      private @Nullable ApiError refusal() {
        int status = info.statusCode();
        String who = "The server of " + settings.model();
        if (status == 429) {
          return ApiError.rateLimited(who + " is saturated.", retryAfterSeconds());
        }
        boolean chat = path.equals("/v1/chat/completions");
        if (!chat && (status == 404 || status == 405 || status == 501)) {
          return ApiError.invalid(
              400, who + " does not serve " + path + ".", "model", "unsupported_model");
        }
        if (status >= 500 || status == 401 || status == 403 || status == 404 || status < 200) {
          log.warn("server {} of {} answered {}", settings.root(), settings.model(), status);
          return ApiError.unavailable(who + " answered " + status + ".", retryAfterSeconds());
        }
        return null;
      }

      private int retryAfterSeconds() {
        try {
          String value = info.headers().firstValue("retry-after").orElse("1");
          return Math.clamp(Long.parseLong(value.strip()), 1, RETRY_AFTER_SECONDS_MAX);
        } catch (NumberFormatException e) {
          return 1;
        }
      }

      @Override
      public void onNext(List<ByteBuffer> parts) {
        ByteBuf bytes = Unpooled.wrappedBuffer(parts.toArray(ByteBuffer[]::new));
        context
            .executor()
            .execute(
                () -> {
                  if (over) {
                    bytes.release();
                    return;
                  }
                  frames++;
                  ByteBuf passed = continued == null ? bytes : continued.rewrite(bytes);
                  if (!passed.isReadable()) { // only what the client has had
                    passed.release();
                    if (answer != null) {
                      answer.request(1);
                    }
                    return;
                  }
                  head();
                  context
                      .writeAndFlush(new DefaultHttpContent(passed))
                      .addListener(
                          written -> {
                            if (written.isSuccess() && answer != null && !over) {
                              answer.request(1);
                            }
                          });
                });
      }

      private void head() {
        if (started) {
          return;
        }
        start();
        headWritten = true;
        var head =
            new DefaultHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(info.statusCode()));
        head.headers()
            .set(
                HttpHeaderNames.CONTENT_TYPE,
                info.headers().firstValue("content-type").orElse("application/json"));
        context.write(head);
      }

      @Override
      public void onError(Throwable failure) {
        context
            .executor()
            .execute(
                () -> {
                  fail(failure);
                  done.completeExceptionally(failure);
                });
      }

      @Override
      public void onComplete() {
        context
            .executor()
            .execute(
                () -> {
                  done.complete(null);
                  if (!over) {
                    head();
                    over();
                    context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
                  }
                });
      }
    }
  }
}
