package org.aigrid.live.site;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.live.engine.Generation;
import org.aigrid.live.http.ErrorHeaders;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;
import org.aigrid.live.wire.Replay;
import org.aigrid.live.wire.RequestScan;
import org.aigrid.live.wire.WorkOrder;
import org.jspecify.annotations.Nullable;

/// The agent on one connection: checks who asks and whether the work may be done here, then hands
/// it to the model's backend. On the channel's event loop.
final class SiteHandler extends ChannelInboundHandlerAdapter {
  private final SiteAgent agent;
  private @Nullable LocalCall running;

  SiteHandler(SiteAgent agent) {
    this.agent = agent;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof FullHttpRequest request)) {
      context.fireChannelRead(message);
      return;
    }
    boolean taken = false;
    try {
      taken = answer(context, request);
    } finally {
      if (!taken) {
        request.release();
      }
    }
  }

  private boolean answer(ChannelHandlerContext context, FullHttpRequest request) {
    String path = request.uri();
    if (path.equals("/healthz")) {
      respond(context, 200, "text/plain; charset=utf-8", "ok\n".getBytes(StandardCharsets.UTF_8));
      return false;
    }
    WorkOrder order;
    switch (WorkOrder.check(
        request.headers().get(GridHeaders.ORDER),
        agent.spec().id(),
        agent.settings().gateways(),
        System.currentTimeMillis())) {
      case WorkOrder.Checked.Bad(WorkOrder.Fault fault) -> {
        agent.refusedOrder(fault);
        error(
            context,
            ApiError.unauthorized("This site follows the orders of its grid's gateways only."),
            false);
        return false;
      }
      case WorkOrder.Checked.Good(WorkOrder good) -> order = good;
    }
    ApiError refusal = check(request, path, order);
    if (refusal != null) {
      error(context, refusal, false);
      return false;
    }
    if (agent.admission() != AdmissionState.NEW_AND_EXISTING) {
      error(context, ApiError.unavailable("Site " + agent.spec().id() + " is draining.", 1), true);
      return false;
    }
    ServiceTier tier = tier(order.tier());
    if (!agent.admits(tier(order.rank()))) {
      error(
          context,
          ApiError.unavailable("The radio needs the GPU of site " + agent.spec().id() + ".", 1),
          true);
      return false;
    }
    byte[] body = ByteBufUtil.getBytes(request.content());
    int length = body.length;
    Replay replay = null;
    RequestScan scan;
    try {
      String replayBytes = request.headers().get(GridHeaders.REPLAY_BYTES);
      if (replayBytes != null) {
        length -= Math.clamp(Integer.parseInt(replayBytes), 0, body.length);
        replay = Replay.parse(body, length, body.length - length);
      }
      scan = RequestScan.of(body, length);
    } catch (IllegalArgumentException e) {
      error(context, ApiError.badRequest("The gateway sent a replay that cannot be read."), false);
      return false;
    } catch (RequestScan.Malformed e) {
      error(context, ApiError.invalid(400, String.valueOf(e.getMessage()), e.param(), null), false);
      return false;
    }
    String model = scan.model();
    if (!order.model().equals(model == null ? "" : model)
        || order.action().equals("prewarm") && scan.outputTokensMost(0) != 1) {
      error(context, ApiError.unauthorized("The order is for other work than this."), false);
      return false;
    }
    Backend backend = model == null ? null : agent.backend(model);
    return switch (backend) {
      case null -> {
        error(context, ApiError.modelNotFound(String.valueOf(model)), true);
        yield false;
      }
      case Backend.Remote(var engine) -> {
        agent.settings().work().took(order, agent.spec());
        engine.relay(context, request, path, length, replay, order.tenant(), tier, agent.running());
        yield true;
      }
      case Backend.Local local -> {
        generate(context, order, path, body, length, replay, scan, tier, local);
        yield false;
      }
    };
  }

  /// Checks again what the gateway decided; what is missing is refused.
  private @Nullable ApiError check(FullHttpRequest request, String path, WorkOrder order) {
    SiteSpec own = agent.spec();
    String refusal = agent.settings().policy().refusal(order, own);
    if (refusal != null) {
      return ApiError.residency("Site " + own.id() + " " + refusal + ".");
    }
    boolean known =
        path.equals("/v1/chat/completions")
            || path.equals("/v1/completions")
            || path.equals("/v1/embeddings")
            || path.equals("/v1/responses");
    if (!known || !request.method().equals(HttpMethod.POST)) {
      return ApiError.invalid(404, "Unknown path at a site.", null, "unknown_url");
    }
    return null;
  }

  private void generate(
      ChannelHandlerContext context,
      WorkOrder order,
      String path,
      byte[] body,
      int length,
      @Nullable Replay replay,
      RequestScan scan,
      ServiceTier tier,
      Backend.Local local) {
    if (path.equals("/v1/embeddings")) {
      error(
          context,
          ApiError.invalid(
              400,
              "This model generates text; it does not make embeddings.",
              "model",
              "unsupported_model"),
          false);
      return;
    }
    String requestId = order.requestId();
    GenerationCall call;
    try {
      call =
          GenerationCall.read(
              body, length, path, requestId, order.tenant(), local.invents(), replay);
    } catch (GenerationCall.Unservable e) {
      error(context, e.error(), false);
      return;
    }
    var underway = new LocalCall(tier, scan);
    var sink =
        new AnswerSink(
            context,
            rendering(path, requestId, call, replay),
            call.stream(),
            GenerationCall.engineOf(local.invents()),
            () -> agent.running().remove(underway));
    underway.sink = sink;
    agent.running().add(underway);
    running = underway;
    agent.settings().work().took(order, agent.spec());
    underway.generation = local.engine().submit(call.generation(), sink);
  }

  /// Frames that go on with an answer carry its identity, not one of their own.
  private static Rendering rendering(
      String path, String requestId, GenerationCall call, @Nullable Replay replay) {
    Replay begun = replay != null && replay.opened() ? replay : null;
    long created =
        begun != null && begun.createdSeconds() > 0
            ? begun.createdSeconds()
            : System.currentTimeMillis() / 1_000;
    String named = begun == null ? null : begun.model();
    String model = named == null ? call.model() : named;
    String id = begun == null ? null : begun.id();
    return switch (path) {
      case "/v1/chat/completions" ->
          new ChatRendering(
              id == null ? "chatcmpl-" + requestId : id,
              model,
              created,
              call.stream(),
              call.tool(),
              begun != null);
      case "/v1/responses" ->
          new ResponsesRendering(requestId, model, created, call.stream(), call.tool(), replay);
      default ->
          new CompletionRendering(
              id == null ? "cmpl-" + requestId : id, model, created, call.stream());
    };
  }

  private static ServiceTier tier(String name) {
    for (ServiceTier tier : ServiceTier.values()) {
      if (tier.name().equalsIgnoreCase(name)) {
        return tier;
      }
    }
    return ServiceTier.STANDARD;
  }

  /// A request that an engine of this process works on.
  private static final class LocalCall implements RunningCall {
    private final ServiceTier tier;
    private final int promptTokens;
    private final int tokensMax;
    private final long sinceNanos = System.nanoTime();
    private @Nullable AnswerSink sink;
    private volatile @Nullable Generation generation;

    LocalCall(ServiceTier tier, RequestScan scan) {
      this.tier = tier;
      promptTokens = scan.promptTokens();
      tokensMax = scan.outputTokensMax();
    }

    @Override
    public ServiceTier tier() {
      return tier;
    }

    @Override
    public int promptTokens() {
      return promptTokens;
    }

    @Override
    public int tokens() {
      return sink == null ? 0 : sink.tokens();
    }

    @Override
    public int tokensMax() {
      return tokensMax;
    }

    @Override
    public long sinceNanos() {
      return sinceNanos;
    }

    @Override
    public boolean move(String reason, double withinMs, Runnable gone) {
      Generation work = generation;
      if (work == null || sink == null || !sink.move(reason)) {
        return false;
      }
      work.evict(withinMs, gone);
      return true;
    }
  }

  static void error(ChannelHandlerContext context, ApiError error, boolean elsewhere) {
    FullHttpResponse response = response(error.status(), "application/json", error.json());
    ErrorHeaders.set(response.headers(), error);
    if (elsewhere) {
      response.setStatus(HttpResponseStatus.SERVICE_UNAVAILABLE);
      response.headers().set(GridHeaders.RETRY, GridHeaders.RETRY_ELSEWHERE);
    }
    context.writeAndFlush(response);
  }

  static void respond(ChannelHandlerContext context, int status, String type, byte[] body) {
    context.writeAndFlush(response(status, type, body));
  }

  private static FullHttpResponse response(int status, String type, byte[] body) {
    var response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), Unpooled.wrappedBuffer(body));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, type)
        .setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
    return response;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    LocalCall open = running;
    running = null;
    if (open != null) {
      agent.running().remove(open);
      if (open.generation != null) {
        open.generation.cancel();
      }
    }
    context.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    org.slf4j.LoggerFactory.getLogger(SiteHandler.class)
        .warn("connection to {} closed after {}", agent.spec().id(), cause.toString());
    context.close();
  }
}
