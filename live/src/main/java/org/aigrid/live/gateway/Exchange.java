package org.aigrid.live.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.admit.Admission;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.node.AttemptEffect;
import org.aigrid.core.node.AttemptEffect.Outcome;
import org.aigrid.core.node.AttemptEvent;
import org.aigrid.core.node.AttemptEvent.Failure;
import org.aigrid.core.node.Attempts;
import org.aigrid.core.node.Step;
import org.aigrid.core.route.Explanation;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.unit.Clamp;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;
import org.aigrid.live.wire.RequestScan;
import org.aigrid.live.wire.SseFrames;
import org.aigrid.live.wire.UsageScan;
import org.jspecify.annotations.Nullable;

/// One request on its way through the gateway: carries out what core's `Attempts` decides, on the
/// client's event loop.
///
/// The body is passed on byte for byte. The head of the answer waits for its first content, so that
/// a site that dies between the two can still be replaced unseen. Of a stream, each frame is
/// relayed as it came; the usage chunk that sites always send is dropped for clients that did not
/// ask.
final class Exchange implements Upstreams.Listener {
  private static final AsciiString EVENT_STREAM = AsciiString.cached("text/event-stream");
  private static final AsciiString NO_CACHE = AsciiString.cached("no-cache");
  private static final byte[] NO_CHOICES = "\"choices\":[]".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NO_CHOICES_SPACED =
      "\"choices\": []".getBytes(StandardCharsets.US_ASCII);
  private static final int SCRATCH_BYTES = 256 << 10;

  private static final FastThreadLocal<byte[]> SCRATCH =
      new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
          return new byte[SCRATCH_BYTES];
        }
      };
  private static final FastThreadLocal<PromptBlocks> BLOCKS =
      new FastThreadLocal<>() {
        @Override
        protected PromptBlocks initialValue() {
          return new PromptBlocks();
        }
      };

  private final Gateway gateway;
  private final ChannelHandlerContext context;
  private final FullHttpRequest request;
  private final String requestId;
  private final String path;
  private final KeyEntry key;
  private final @Nullable InetAddress caller;
  private final boolean explain;
  private final long startNanos = System.nanoTime();

  private @Nullable RequestScan scan;
  private List<String> jurisdictions = List.of();
  private boolean jurisdictionsLimited;
  private Admission.@Nullable Allowance allowance;
  private boolean admitted;
  private long estimatedTokens;
  private @Nullable Attempts attempts;

  private Route.@Nullable Placed placed;
  private @Nullable SiteSpec site;
  private @Nullable Explanation explanation;
  private long lease = InFlight.NONE;
  private Upstreams.@Nullable Upstream upstream;
  private @Nullable FullHttpRequest resendable;
  private @Nullable ScheduledFuture<?> firstByteTimer;

  private @Nullable HttpResponse head;
  private boolean streamed;
  private @Nullable SseFrames frames;
  private final UsageScan usage = new UsageScan();
  private boolean usageSent;
  private boolean released;
  private boolean unflushed;
  private int status;
  private long firstTokenNanos;

  Exchange(
      Gateway gateway,
      ChannelHandlerContext context,
      FullHttpRequest request,
      String requestId,
      String path,
      KeyEntry key,
      @Nullable InetAddress caller) {
    this.gateway = gateway;
    this.context = context;
    this.request = request;
    this.requestId = requestId;
    this.path = path;
    this.key = key;
    this.caller = caller;
    explain = "1".equals(request.headers().get(GridHeaders.EXPLAIN));
  }

  void begin() {
    ByteBuf content = request.content();
    byte[] body = bytesOf(content);
    try {
      scan = RequestScan.of(body, content.readableBytes());
    } catch (RequestScan.Malformed e) {
      reject(ApiError.invalid(400, String.valueOf(e.getMessage()), e.param(), null));
      return;
    }
    RequestScan known = scan;
    if (known.model() == null) {
      reject(ApiError.invalid(400, "You must provide a model parameter.", "model", null));
      return;
    }
    if (!narrow(request.headers().get(GridHeaders.RESIDENCY))) {
      reject(
          ApiError.badRequest(
              "X-Grid-Residency is not a list of jurisdictions (expected: two-letter codes of ISO"
                  + " 3166-1, such as JP)."));
      return;
    }
    if (!admit(known)) {
      return;
    }
    gateway.dispatch().earnRetry();
    long deadlineMs = gateway.grid().nowMs() + patienceMs();
    apply(Attempts.begin(deadlineMs));
  }

  /// A copy of the body where it can be scanned; the thread's scratch for all but long ones.
  private static byte[] bytesOf(ByteBuf content) {
    int length = content.readableBytes();
    byte[] body = length <= SCRATCH_BYTES ? SCRATCH.get() : new byte[length];
    content.getBytes(content.readerIndex(), body, 0, length);
    return body;
  }

  /// The key's jurisdictions, narrowed by what the request says. False when that is no list.
  private boolean narrow(@Nullable String header) {
    jurisdictions = key.jurisdictions();
    jurisdictionsLimited = !jurisdictions.isEmpty();
    if (header == null) {
      return true;
    }
    var named = new ArrayList<String>();
    for (String part : header.split(",", -1)) {
      String name = part.strip().toUpperCase(Locale.ROOT);
      if (name.length() != 2
          || !Character.isLetter(name.charAt(0))
          || !Character.isLetter(name.charAt(1))) {
        return false;
      }
      if (!jurisdictionsLimited || jurisdictions.contains(name)) {
        named.add(name);
      }
    }
    jurisdictions = named;
    jurisdictionsLimited = true;
    return true;
  }

  private boolean admit(RequestScan known) {
    estimatedTokens = (long) known.promptTokens() + known.outputTokensMax();
    Admission admission;
    synchronized (key) {
      admission = key.limiter().admit(estimatedTokens, gateway.grid().nowMs());
    }
    allowance = admission.left();
    return switch (admission) {
      case Admission.Admitted _ -> {
        admitted = true;
        yield true;
      }
      case Admission.Limited limited -> {
        reject(Answers.limited(limited));
        yield false;
      }
      case Admission.TooLarge(long tokensPerMinute, var _) -> {
        reject(
            new ApiError(
                429,
                "The request needs about "
                    + estimatedTokens
                    + " tokens; this key may use "
                    + tokensPerMinute
                    + " a minute.",
                ApiError.RATE_LIMIT,
                null,
                "rate_limit_exceeded",
                ApiError.ComeBack.NEVER,
                0));
        yield false;
      }
    };
  }

  private int patienceMs() {
    String seconds = request.headers().get(GridHeaders.STAINLESS_TIMEOUT);
    if (seconds != null) {
      try {
        double ms = Double.parseDouble(seconds) * 1_000;
        return (int) Clamp.toRange(ms, 1_000, RouteRequest.DEADLINE_MS_MAX);
      } catch (NumberFormatException e) {
        return gateway.settings().deadlineMsDefault();
      }
    }
    return gateway.settings().deadlineMsDefault();
  }

  // ---- carrying out what Attempts decides

  private void on(AttemptEvent event) {
    Attempts state = attempts;
    if (state != null) {
      apply(state.on(event, gateway.settings().attempts(), gateway.grid().nowMs()));
    }
  }

  /// Number of the attempt under way.
  private int attempt() {
    Attempts state = attempts;
    return state == null ? 0 : state.attempt();
  }

  private void apply(Step<Attempts, AttemptEffect> step) {
    attempts = step.state();
    for (AttemptEffect effect : step.effects()) {
      switch (effect) {
        case AttemptEffect.Route(int[] tried) -> route(tried);
        case AttemptEffect.Dispatch(int endpoint, int attempt, long byMs) ->
            dispatch(attempt, byMs);
        case AttemptEffect.Abandon() -> abandon();
        case AttemptEffect.Relay() -> relay();
        case AttemptEffect.AnswerRefused(Refusal why, int retryAfterMs) ->
            answer(Answers.refused(why, retryAfterMs, scan == null ? null : scan.model()));
        case AttemptEffect.AnswerFailed(Failure failure, int tries, int retryAfterMs) ->
            answer(Answers.failed(failure, tries, retryAfterMs));
        case AttemptEffect.BreakStream() -> breakStream();
        case AttemptEffect.Finish(Outcome outcome) -> finish(outcome);
      }
    }
  }

  private void route(int[] tried) {
    RequestScan known = scan;
    Attempts state = attempts;
    if (known == null || state == null) {
      return;
    }
    GridView view = gateway.grid().view();
    Roster roster = view.roster();
    String model = known.model() == null ? "" : known.model();
    PromptBlocks blocks = BLOCKS.get();
    known.hash(bytesOf(request.content()), PromptBlocks.salt(key.salt(), model), blocks);
    long nowMs = gateway.grid().nowMs();
    var wanted =
        new RouteRequest(
            roster.indexOfModel(model),
            known.promptTokens(),
            known.outputTokensMax(),
            blocks,
            gateway.places().siteOf(roster, caller, request.headers().get(GridHeaders.CELL)),
            jurisdictionsLimited ? roster.jurisdictionBits(jurisdictions) : -1,
            (int) Math.clamp(state.deadlineMs() - nowMs, 1, RouteRequest.DEADLINE_MS_MAX),
            tried);
    Dispatch.Decision decision = gateway.dispatch().route(view, wanted, nowMs, explain);
    explanation = decision.explanation();
    switch (decision.route()) {
      case Route.Refused(Refusal why, int retryAfterMs) ->
          on(new AttemptEvent.NotRouted(why, retryAfterMs));
      case Route.Placed where -> {
        if (decision.lease() == InFlight.NONE) {
          on(new AttemptEvent.NotRouted(Refusal.SATURATED, 1_000));
          return;
        }
        placed = where;
        site = roster.siteSpec(where.site());
        lease = decision.lease();
        on(new AttemptEvent.Routed(where.endpoint(), where.firstTokenMs()));
      }
    }
  }

  private void dispatch(int attempt, long firstByteByMs) {
    Route.Placed where = placed;
    Attempts state = attempts;
    if (where == null || state == null) {
      return;
    }
    long nowMs = gateway.grid().nowMs();
    firstByteTimer =
        context
            .executor()
            .schedule(
                () -> failed(attempt, Failure.TOO_SLOW, 0),
                Math.max(1, firstByteByMs - nowMs),
                TimeUnit.MILLISECONDS);
    send(siteRequest(attempt), true);
  }

  private void send(FullHttpRequest outgoing, boolean reuse) {
    Route.Placed where = placed;
    if (where == null) {
      outgoing.release();
      return;
    }
    resendable = reuse ? outgoing.retainedDuplicate() : null;
    upstream =
        gateway
            .upstreams(context.channel().eventLoop())
            .send(gateway.grid().address(where.site()), outgoing, reuse, this);
  }

  private FullHttpRequest siteRequest(int attempt) {
    ByteBuf body = request.content().retainedDuplicate();
    var outgoing = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, path, body);
    String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE);
    outgoing
        .headers()
        .set(HttpHeaderNames.HOST, site == null ? "site" : site.id())
        .set(HttpHeaderNames.CONTENT_TYPE, type == null ? "application/json" : type)
        .setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes())
        .set(GridHeaders.TOKEN, gateway.settings().siteToken())
        .set(GridHeaders.REQUEST_ID, requestId)
        .set(GridHeaders.ATTEMPT, Integer.toString(attempt))
        .set(GridHeaders.TENANT, key.tenantPseudonym())
        .set(
            GridHeaders.JURISDICTIONS,
            jurisdictionsLimited ? String.join(",", jurisdictions) : "*");
    return outgoing;
  }

  private void abandon() {
    cancelTimer();
    Upstreams.Upstream open = upstream;
    upstream = null;
    if (open != null) {
      open.abandon();
    }
    endLease();
    releaseResendable();
    head = null;
    if (frames != null) {
      frames.close();
      frames = null;
    }
  }

  private void failed(int attempt, Failure failure, int retryAfterMs) {
    Attempts state = attempts;
    if (state == null || state.attempt() != attempt) {
      return;
    }
    if (failure == Failure.UNREACHABLE && placed != null) {
      gateway.dispatch().unreachable(gateway.grid().view(), placed.endpoint());
    }
    boolean allowed =
        state.mayRetry(gateway.settings().attempts(), gateway.grid().nowMs())
            && gateway.dispatch().spendRetry();
    if (allowed) {
      gateway.metrics().retried(failure.name().toLowerCase(Locale.ROOT));
    }
    on(new AttemptEvent.Failed(attempt, failure, retryAfterMs, allowed));
  }

  // ---- what the site answers

  @Override
  public void head(Upstreams.Upstream from, HttpResponse answer) {
    if (from != upstream) {
      return;
    }
    int code = answer.status().code();
    boolean elsewhere =
        retryable(code)
            && answer.headers().contains(GridHeaders.RETRY, GridHeaders.RETRY_ELSEWHERE, true);
    if (elsewhere) {
      failed(attempt(), Failure.REFUSED_ELSEWHERE, 1_000 * retryAfterSeconds(answer));
    } else if (code == 401) {
      failed(
          attempt(),
          Failure.UNREACHABLE,
          0); // the site does not know this gateway: not the client's business
    } else {
      head = answer;
      releaseResendable();
    }
  }

  private static boolean retryable(int code) {
    return code == 503 || code == 429 || code == 502 || code == 500;
  }

  private static int retryAfterSeconds(HttpResponse answer) {
    String value = answer.headers().get(HttpHeaderNames.RETRY_AFTER);
    try {
      return value == null ? 1 : Math.clamp(Integer.parseInt(value.strip()), 1, 3_600);
    } catch (NumberFormatException e) {
      return 1;
    }
  }

  @Override
  public void content(Upstreams.Upstream from, HttpContent content) {
    if (from != upstream) {
      content.release();
      return;
    }
    boolean last = content instanceof LastHttpContent;
    if (firstTokenNanos == 0 && (last || content.content().isReadable())) {
      firstTokenNanos = System.nanoTime();
      on(new AttemptEvent.FirstByte(attempt()));
    }
    if (last) {
      upstream = null;
    }
    try {
      if (streamed) {
        relayFrames(content.content());
      } else {
        relayBytes(content.content());
      }
    } catch (SseFrames.FrameTooLong e) {
      on(new AttemptEvent.Broken(attempt()));
      abandon();
    } finally {
      content.release();
    }
    if (last) {
      relayRest();
      context.write(LastHttpContent.EMPTY_LAST_CONTENT);
      unflushed = true;
      on(new AttemptEvent.Ended(attempt()));
    }
  }

  @Override
  public void readComplete() {
    if (unflushed) {
      unflushed = false;
      context.flush();
    }
  }

  @Override
  public void failed(Upstreams.Upstream from, boolean fresh, boolean anyByte) {
    if (from != upstream) {
      return;
    }
    upstream = null;
    FullHttpRequest again = resendable;
    if (!fresh && !anyByte && again != null) {
      resendable = null;
      send(again, false);
      return;
    }
    if (firstTokenNanos == 0) {
      failed(attempt(), Failure.UNREACHABLE, 0);
    } else {
      on(new AttemptEvent.Broken(attempt()));
    }
  }

  private void relay() {
    cancelTimer();
    HttpResponse from = head;
    if (from == null) {
      return;
    }
    gateway.dispatch().firstToken(lease);
    status = from.status().code();
    streamed = HttpHeaderValues.TEXT_EVENT_STREAM.contentEqualsIgnoreCase(mediaType(from));
    var answer = new DefaultHttpResponse(HttpVersion.HTTP_1_1, from.status());
    HttpHeaders headers = answer.headers();
    if (streamed) {
      headers
          .set(HttpHeaderNames.CONTENT_TYPE, EVENT_STREAM)
          .set(HttpHeaderNames.CACHE_CONTROL, NO_CACHE);
      frames = new SseFrames(context.alloc(), gateway.settings().frameBytesMax());
    } else {
      copy(from, headers, HttpHeaderNames.CONTENT_TYPE);
      copy(from, headers, HttpHeaderNames.CONTENT_LENGTH);
    }
    copy(from, headers, HttpHeaderNames.RETRY_AFTER);
    copy(from, headers, GridHeaders.SHOULD_RETRY);
    Answers.identify(headers, requestId, elapsedMs());
    Answers.limits(headers, key, allowance);
    place(headers);
    context.write(answer);
    unflushed = true;
  }

  private static CharSequence mediaType(HttpResponse from) {
    String type = from.headers().get(HttpHeaderNames.CONTENT_TYPE);
    if (type == null) {
      return "";
    }
    int semicolon = type.indexOf(';');
    return semicolon < 0 ? type : type.substring(0, semicolon).strip();
  }

  private static void copy(HttpResponse from, HttpHeaders to, CharSequence name) {
    String value = from.headers().get(name);
    if (value != null) {
      to.set(name, value);
    }
  }

  /// Where the request ran.
  private void place(HttpHeaders headers) {
    SiteSpec where = site;
    Route.Placed why = placed;
    Attempts state = attempts;
    if (where != null && why != null && state != null) {
      headers
          .set(GridHeaders.SITE, where.id())
          .set(GridHeaders.TIER, where.tier().name().toLowerCase(Locale.ROOT))
          .set(GridHeaders.REGION, where.region())
          .set(GridHeaders.JURISDICTION, where.jurisdiction())
          .set(GridHeaders.ATTEMPTS, Integer.toString(state.attempt() + 1))
          .set(GridHeaders.REASON, why.reason().name().toLowerCase(Locale.ROOT));
    }
    if (explanation != null) {
      headers.set(GridHeaders.EXPLAIN, Explain.json(explanation));
    }
  }

  private void relayBytes(ByteBuf bytes) {
    if (bytes.isReadable()) {
      usage.feed(bytes);
      context.write(new DefaultHttpContent(bytes.retain()));
      unflushed = true;
    }
  }

  private void relayFrames(ByteBuf bytes) {
    SseFrames cutter = frames;
    if (cutter == null) {
      return;
    }
    if (bytes.isReadable()) {
      cutter.add(bytes.retain());
    }
    for (ByteBuf frame = cutter.next(); frame != null; frame = cutter.next()) {
      int before = usage.objects();
      usage.feed(frame);
      if (usage.objects() > before && usageChunk(frame)) {
        boolean wanted = scan != null && scan.includeUsage() && !usageSent;
        usageSent = true;
        if (!wanted) {
          frame.release();
          continue;
        }
      }
      context.write(new DefaultHttpContent(frame));
      unflushed = true;
    }
  }

  /// What a server left without the empty line that ends a frame is the client's all the same.
  private void relayRest() {
    if (frames != null && frames.rest().isReadable()) {
      context.write(new DefaultHttpContent(frames.rest().retain()));
      unflushed = true;
    }
  }

  private static boolean usageChunk(ByteBuf frame) {
    return indexOf(frame, NO_CHOICES) >= 0 || indexOf(frame, NO_CHOICES_SPACED) >= 0;
  }

  private static int indexOf(ByteBuf frame, byte[] needle) {
    return ByteBufUtil.indexOf(Unpooled.wrappedBuffer(needle), frame);
  }

  private void breakStream() {
    if (streamed && context.channel().isActive()) {
      ByteBuf error =
          Unpooled.wrappedBuffer(
              ApiError.server(502, "The site went away in the middle of its answer.").sseFrame());
      context.writeAndFlush(new DefaultHttpContent(error)).addListener(ChannelFutureListener.CLOSE);
    } else {
      context.close();
    }
  }

  // ---- the client

  /// The client has gone.
  void clientGone() {
    on(new AttemptEvent.ClientGone());
  }

  /// The client can take more, or cannot.
  void writable(boolean yes) {
    if (upstream != null) {
      upstream.read(yes);
    }
  }

  private void reject(ApiError error) {
    answer(error);
    finish(Outcome.REFUSED);
  }

  private void answer(ApiError error) {
    status = error.status();
    var response = Answers.error(error, requestId, elapsedMs());
    Answers.limits(response.headers(), key, allowance);
    if (explanation != null) {
      response.headers().set(GridHeaders.EXPLAIN, Explain.json(explanation));
    }
    context.writeAndFlush(response);
  }

  // ---- the end

  private void finish(Outcome outcome) {
    if (released) {
      return;
    }
    released = true;
    cancelTimer();
    endLease();
    releaseResendable();
    if (frames != null) {
      frames.close();
      frames = null;
    }
    if (outcome == Outcome.CLIENT_GONE) {
      status = 499;
    }
    record(outcome);
    ReferenceCountUtil.release(request);
  }

  private void record(Outcome outcome) {
    long durationNanos = System.nanoTime() - startNanos;
    long firstNanos = firstTokenNanos == 0 ? 0 : firstTokenNanos - startNanos;
    String model = scan == null ? null : scan.model();
    boolean known = placed != null;
    settle(outcome);
    String ended = outcome.name().toLowerCase(Locale.ROOT);
    gateway
        .metrics()
        .finished(
            operation(),
            known ? model : null,
            ended,
            status,
            durationNanos,
            firstNanos,
            usage.completionTokens());
    if (usage.found() && model != null && site != null) {
      gateway
          .metrics()
          .tokens(
              key.tenant(),
              model,
              site.id(),
              usage.promptTokens(),
              usage.cachedTokens(),
              usage.completionTokens());
    }
    if (gateway.settings().accessLog()) {
      Attempts state = attempts;
      AccessLog.write(
          requestId,
          request.headers().get(GridHeaders.CLIENT_REQUEST_ID),
          key,
          path,
          model,
          status,
          ended,
          site == null ? null : site.id(),
          state == null ? 0 : state.attempt() + 1,
          TimeUnit.NANOSECONDS.toMillis(durationNanos),
          TimeUnit.NANOSECONDS.toMillis(firstNanos),
          usage.promptTokens(),
          usage.completionTokens());
    }
  }

  /// Gives back what was estimated and not used: all of it when no site answered.
  private void settle(Outcome outcome) {
    boolean nothingRan = outcome == Outcome.REFUSED || outcome == Outcome.FAILED;
    if (admitted && (usage.found() || nothingRan)) {
      long used = (long) usage.promptTokens() + usage.completionTokens();
      synchronized (key) {
        key.limiter().settle(estimatedTokens, used);
      }
    }
  }

  private String operation() {
    return switch (path) {
      case "/v1/chat/completions", "/v1/responses" -> "chat";
      case "/v1/completions" -> "text_completion";
      default -> "embeddings";
    };
  }

  private void endLease() {
    if (lease != InFlight.NONE) {
      gateway.dispatch().end(lease);
      lease = InFlight.NONE;
    }
  }

  private void cancelTimer() {
    if (firstByteTimer != null) {
      firstByteTimer.cancel(false);
      firstByteTimer = null;
    }
  }

  private void releaseResendable() {
    ReferenceCountUtil.release(resendable);
    resendable = null;
  }

  private long elapsedMs() {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
  }
}
