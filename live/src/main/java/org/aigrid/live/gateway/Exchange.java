package org.aigrid.live.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
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
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.admit.Admission;
import org.aigrid.core.admit.Scope;
import org.aigrid.core.admit.Settlement;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.node.AttemptEffect;
import org.aigrid.core.node.AttemptEffect.Outcome;
import org.aigrid.core.node.AttemptEvent;
import org.aigrid.core.node.AttemptEvent.Failure;
import org.aigrid.core.node.AttemptSettings;
import org.aigrid.core.node.Attempts;
import org.aigrid.core.node.Continuity;
import org.aigrid.core.node.Continuity.Verdict;
import org.aigrid.core.node.Handover;
import org.aigrid.core.node.Permit;
import org.aigrid.core.node.Step;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.residency.Narrowing;
import org.aigrid.core.route.Explanation;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.unit.Clamp;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.live.books.Purses;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.TenantResidencies;
import org.aigrid.live.gateway.GatewayMetrics.Waited;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;
import org.aigrid.live.wire.RequestScan;
import org.aigrid.live.wire.SseFrames;
import org.aigrid.live.wire.StreamScan;
import org.aigrid.live.wire.UsageScan;
import org.jspecify.annotations.Nullable;

/// One request on its way through the gateway: carries out what core's `Attempts` decides, on the
/// client's event loop.
///
/// The body is passed on byte for byte. An answer that comes whole is kept until it is, so that a
/// site that dies in its middle can still be replaced unseen. Of a stream, each frame is relayed as
/// it came; the usage chunk that sites always send is dropped for clients that did not ask. What a
/// stream needs to go on at another site is remembered (`StreamScan`); when it does, the client
/// sees a pause and nothing else. A stream that is handed over because its caller has moved is held
/// where it is, unread, until the new site's first byte; where none comes, it is read on.
final class Exchange implements SiteCall.Listener {
  private static final AsciiString EVENT_STREAM = AsciiString.cached("text/event-stream");
  private static final AsciiString NO_CACHE = AsciiString.cached("no-cache");
  private static final int SCRATCH_BYTES = 256 << 10;

  /// Said where nothing better is known.
  private static final int RETRY_AFTER_MS = 1_000;

  /// Of an answer that comes whole and takes less than this, prompt and answer count as one.
  private static final int PROMPT_WATCH_MS_LEAST = 20;

  /// Tokens of an answer that count for its tenant's turn at a time.
  private static final int TOKENS_TOLD_LEAST = 16;

  /// What is reserved for the answer of a request that names no bound. A stream is asked for more
  /// as it goes; what comes whole and is longer is the operator's loss beyond this.
  private static final int OUTPUT_TOKENS_ASSUMED = 4_096;

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
  private @Nullable List<String> narrowed; // to these jurisdictions, while it is read
  private Admission.@Nullable Allowance allowance;
  private boolean admitted;
  private @Nullable Charge charge; // of a key whose tenant has an account
  private boolean awaitsFunds;
  private RequestFacts facts = new RequestFacts(ServiceTier.STANDARD, null, null);
  private long viewRevision;
  private long estimatedTokens;
  private @Nullable Attempts attempts;

  private @Nullable WaitingRequest waits; // while it waits for a place
  private long waitedNanos;
  private ServiceTier rank = ServiceTier.STANDARD; // whose places it may have
  private int tokensTold; // of its answer, to those who wait

  private @Nullable SiteCall call; // of the attempt under way
  private @Nullable SiteCall hedge; // beside it, or about to take it over
  private Route.@Nullable Placed routed; // until it is dispatched
  private @Nullable SiteSpec routedSite;
  private long routedLease = InFlight.NONE;
  private @Nullable SiteSpec site;
  private @Nullable Explanation explanation;

  private boolean begun; // the client has had bytes
  private @Nullable AnswerRelay relay; // once the request has been read
  private boolean released;
  private int status;
  private long firstTokenNanos;
  private long brokenNanos; // last byte before the stream lost its site; 0 while it has one
  private String moveReason = "";
  private Sessions.@Nullable Turn turn;
  private int weighCell = -1; // as soon as the stream has begun; -1: nowhere
  private long weighStayMs;
  private boolean held; // nothing more of `call` is passed on
  private final ArrayDeque<HttpContent> unpassed = new ArrayDeque<>(0); // of it, meanwhile

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
    relay = new AnswerRelay(context, known, path, gateway.settings().frameBytesMax());
    if (known.model() == null) {
      reject(ApiError.invalid(400, "You must provide a model parameter.", "model", null));
      return;
    }
    if (!narrow(request.headers().get(GridHeaders.RESIDENCY))
        || !narrowFurther(known.residency())) {
      reject(
          ApiError.badRequest(
              "X-Grid-Residency or metadata.residency is no list of jurisdictions (expected: two-letter codes of ISO"
                  + " 3166-1, such as JP)."));
      return;
    }
    facts = new RequestFacts(tier(known), known.model(), narrowed);
    if (key.booked() == null ? admit(known) : enter(known, 0)) {
      proceed(known);
    }
  }

  private void proceed(RequestScan known) {
    gateway.dispatch().earn(known.promptTokens());
    beginTurn(known);
    long deadlineMs = gateway.grid().nowMs() + patienceMs();
    apply(Attempts.begin(deadlineMs));
  }

  /// Makes the request a turn of the session that it names, if it names one.
  private void beginTurn(RequestScan known) {
    String name = known.session();
    if (name == null) {
      name = request.headers().get(GridHeaders.SESSION);
    }
    if (name == null || "/v1/embeddings".equals(path)) {
      return;
    }
    Roster roster = gateway.grid().view().roster();
    String claimed = request.headers().get(GridHeaders.CELL);
    int length = request.content().readableBytes();
    LastPrompt prompt =
        length > gateway.settings().sessions().promptBytesMax()
            ? null
            : new LastPrompt(path, ByteBufUtil.getBytes(request.content()), known, key, facts);
    turn =
        gateway
            .sessions()
            .begin(
                this,
                key.tenant(),
                name,
                prompt,
                gateway.places().siteOf(roster, caller, claimed),
                gateway.places().toldSite(roster, caller, claimed) >= 0);
  }

  /// Where the caller is: what is known of its session, else what this request says.
  private int cell(Roster roster) {
    int known = turn == null ? -1 : turn.cell();
    return known >= 0
        ? known
        : gateway.places().siteOf(roster, caller, request.headers().get(GridHeaders.CELL));
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
    narrowed = key.jurisdictions().isEmpty() ? null : key.jurisdictions();
    return narrowFurther(header);
  }

  private boolean narrowFurther(@Nullable String list) {
    if (list == null) {
      return true;
    }
    List<String> named = Narrowing.parse(list);
    if (named == null) {
      return false;
    }
    narrowed = Narrowing.both(narrowed, named);
    return true;
  }

  /// The class in which the request is served: what it asks for, but not above its tenant's
  /// ceiling.
  private ServiceTier tier(RequestScan known) {
    TenantDirectory.Key booked = key.booked();
    return booked == null ? known.tier() : booked.tenant().tier(known.tier());
  }

  /// Lets the request of a tenant with an account in, and reserves what it can cost.
  ///
  /// @param waited how often it has waited for the tenant's slice
  private boolean enter(RequestScan known, int waited) {
    TenantDirectory.Key booked = key.booked();
    Tenancy tenancy = gateway.tenancy();
    TenantResidencies.Ruled rules = tenancy == null ? null : tenancy.rules(key);
    String model = known.model();
    if (booked == null || tenancy == null || rules == null || model == null) {
      reject(ApiError.unauthorized("This key's tenant or project is closed."));
      return false;
    }
    if (!booked.may(Scope.INFERENCE)) {
      reject(ApiError.forbidden("This key may not ask models (scope 'inference').", "scope"));
      return false;
    }
    if (!tenancy.journal().accepting()) {
      reject(ApiError.unavailable("The grid cannot write its books at the moment.", 1));
      return false;
    }
    int wanted = Clamp.toInt(known.outputTokensMost(OUTPUT_TOKENS_ASSUMED), 1, Integer.MAX_VALUE);
    switch (tenancy
        .purses()
        .enter(
            booked,
            tenancy.directory().prices(System.currentTimeMillis()),
            requestId,
            model,
            facts.tier(),
            known.promptTokensMost(),
            wanted)) {
      case Purses.Entry.Entered(Purses.Ticket ticket) -> {
        allowance = ticket.left();
        charge =
            new Charge(
                tenancy,
                key,
                ticket,
                requestId,
                model,
                facts.tier(),
                known.promptTokens(),
                request.content(),
                rules);
        if (relay != null) {
          relay.charge(charge);
        }
        return true;
      }
      case Purses.Entry.Limited limited -> reject(Answers.limited(limited));
      case Purses.Entry.Funding _ -> {
        if (waited >= Purses.FUNDING_WAITS_MAX) {
          reject(Answers.moneyReserved());
          return false;
        }
        awaitsFunds =
            tenancy
                .purses()
                .whenFunded(
                    key.tenant(), () -> context.executor().execute(() -> funded(known, waited)));
        if (!awaitsFunds) {
          reject(Answers.booksAway());
        }
      }
      case Purses.Entry.Reserved _ -> reject(Answers.moneyReserved());
      case Purses.Entry.NoMoney(_, boolean ofProject) -> reject(Answers.noMoney(ofProject));
      case Purses.Entry.BooksAway _ -> reject(Answers.booksAway());
      case Purses.Entry.NotSold(String name, ServiceTier tier) ->
          reject(
              ApiError.invalid(
                  400,
                  "Nobody has set a price for model '"
                      + name
                      + "' in service tier "
                      + tier.name().toLowerCase(Locale.ROOT)
                      + ".",
                  "model",
                  "model_not_sold"));
    }
    return false;
  }

  /// The tenant's slice has been filled, or could not be.
  private void funded(RequestScan known, int waited) {
    if (awaitsFunds) {
      awaitsFunds = false;
      if (enter(known, waited + 1)) {
        proceed(known);
      }
    }
  }

  private boolean admit(RequestScan known) {
    estimatedTokens = known.promptTokens() + known.outputTokensMost(0);
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

  private void apply(Step<Attempts, AttemptEffect> step) {
    attempts = step.state();
    for (AttemptEffect effect : step.effects()) {
      switch (effect) {
        case AttemptEffect.Route(int[] tried) -> route(tried);
        case AttemptEffect.RouteLater(int afterMs) ->
            context
                .executor()
                .schedule(() -> on(new AttemptEvent.RouteDue()), afterMs, TimeUnit.MILLISECONDS);
        case AttemptEffect.Dispatch(int endpoint, int attempt, long byMs, long hedgeAtMs) ->
            dispatch(attempt, byMs, hedgeAtMs);
        case AttemptEffect.Abandon(int attempt) -> abandon(attempt);
        case AttemptEffect.Relay(int attempt) -> relay(attempt);
        case AttemptEffect.Rejoin(int attempt) -> rejoin(attempt);
        case AttemptEffect.Hold(int attempt) -> hold(attempt);
        case AttemptEffect.Resume(int attempt) -> resume(attempt);
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
    long nowMs = gateway.grid().nowMs();
    int deadlineMs =
        state.moving()
            ? gateway.settings().attempts().moveMsMax()
            : (int) Math.clamp(state.deadlineMs() - nowMs, 1, RouteRequest.DEADLINE_MS_MAX);
    RouteRequest wanted =
        wanted(known, roster, cell(roster), known.outputTokensMax(), deadlineMs, tried);
    boolean mayWait = state.mayWait();
    if (mayWait && gateway.dispatch().waitsFor(modelOf(known))) {
      Refusal never = gateway.dispatch().refusedForGood(view, wanted);
      if (never == null) {
        await(known, wanted, new Route.Refused(Refusal.SATURATED, RETRY_AFTER_MS));
      } else {
        on(new AttemptEvent.NotRouted(never, 0));
      }
      return;
    }
    Dispatch.Decision decision =
        gateway.dispatch().route(view, wanted, state.moving(), nowMs, explain);
    if (mayWait
        && decision.route() instanceof Route.Refused refused
        && refused.why() == Refusal.SATURATED) {
      explanation = decision.explanation();
      await(known, wanted, refused);
      return;
    }
    arrive(decision, view, facts.tier());
  }

  private static String modelOf(RequestScan known) {
    String model = known.model();
    return model == null ? "" : model;
  }

  // ---- waiting for a place

  /// Waits for a place, in its tenant's turn, for as long as its class may.
  private void await(RequestScan known, RouteRequest wanted, Route.Refused refused) {
    int waitMs = gateway.settings().waiting().waitMs(facts.tier(), wanted.deadlineMs());
    if (waitMs == 0) {
      refuse(refused);
      return;
    }
    var waiter =
        new WaitingRequest(
            gateway,
            key,
            facts,
            modelOf(known),
            wanted,
            request.content().readableBytes(),
            explain,
            context.executor(),
            this::waited);
    waits = waiter;
    if (gateway.dispatch().enter(waiter)) {
      waiter.watch(after(waitMs, () -> waitedTooLong(waiter)));
    } else {
      over(waiter, Waited.FULL);
      refuse(refused);
    }
  }

  private void waited(
      WaitingRequest waiter, Dispatch.Decision decision, GridView view, ServiceTier of) {
    if (waits == waiter) {
      over(waiter, decision.route() instanceof Route.Placed ? Waited.PLACED : Waited.REFUSED);
      arrive(decision, view, of);
    } else {
      gateway.dispatch().end(decision.lease()); // its client has gone
    }
  }

  private void waitedTooLong(WaitingRequest waiter) {
    if (waits == waiter && gateway.dispatch().leave(waiter)) {
      over(waiter, Waited.TOO_LONG);
      refuse(waiter.refused());
    }
  }

  /// Its wait is over.
  private void over(WaitingRequest waiter, Waited how) {
    waits = null;
    long nanos = waiter.over();
    waitedNanos += nanos;
    gateway.metrics().waited(facts.tier(), how, nanos);
  }

  private void refuse(Route.Refused refused) {
    on(new AttemptEvent.NotRouted(refused.why(), refused.retryAfterMs()));
  }

  /// The router has spoken.
  ///
  /// @param of the tier whose places it was shown
  private void arrive(Dispatch.Decision decision, GridView view, ServiceTier of) {
    RequestScan known = scan;
    if (known == null) {
      return;
    }
    Roster roster = view.roster();
    rank = of;
    explanation = begun ? explanation : decision.explanation();
    switch (decision.route()) {
      case Route.Refused(Refusal why, int retryAfterMs) ->
          on(new AttemptEvent.NotRouted(why, retryAfterMs));
      case Route.Placed where -> {
        SiteSpec at = roster.siteSpec(where.site());
        if (decision.lease() == InFlight.NONE || at == null) {
          on(new AttemptEvent.NotRouted(Refusal.SATURATED, RETRY_AFTER_MS));
          return;
        }
        if (!gateway.permits(key, PolicyAction.INFER, roster, where.site(), facts)) {
          gateway.dispatch().end(decision.lease());
          on(new AttemptEvent.NotRouted(Refusal.RESIDENCY_FORBIDS, 0));
          return;
        }
        viewRevision = view.revision();
        routed = where;
        routedSite = at;
        routedLease = decision.lease();
        site = at;
        on(
            new AttemptEvent.Routed(
                where.endpoint(),
                AttemptSettings.expectedFirstByteMs(
                    where.firstTokenMs(), where.tokenMs(), known.stream(), known.outputTokensMax()),
                !known.stream()));
      }
    }
  }

  /// The request as the router has to know it. What was generated so far counts to its prompt.
  private RouteRequest wanted(
      RequestScan known,
      Roster roster,
      int cell,
      int outputTokensMax,
      int deadlineMs,
      int[] tried) {
    String model = modelOf(known);
    PromptBlocks blocks = BLOCKS.get();
    known.hash(bytesOf(request.content()), PromptBlocks.salt(key.salt(), model), blocks);
    return new RouteRequest(
        roster.indexOfModel(model),
        known.promptTokens() + (relay == null ? 0 : relay.tokens()),
        outputTokensMax,
        blocks,
        cell,
        Gateway.jurisdictionBits(roster, facts),
        gateway.permitted(key, PolicyAction.INFER, roster, facts),
        deadlineMs,
        facts.tier(),
        tried);
  }

  private void dispatch(int attempt, long firstByteByMs, long hedgeAtMs) {
    Route.Placed where = routed;
    Attempts state = attempts;
    SiteSpec at = routedSite;
    RequestScan known = scan;
    if (where == null || state == null || at == null || known == null) {
      return;
    }
    var next = new SiteCall(attempt, where, at, routedLease, begun, gateway.dispatch(), this);
    routed = null;
    routedSite = null;
    routedLease = InFlight.NONE;
    if (attempt == state.hedge()) {
      hedge = next;
      if (!state.held()) {
        gateway.metrics().hedged();
      }
    } else {
      call = next;
    }
    next.explanation = explanation;
    if (charge != null) {
      charge.tried(at, relay == null ? 0 : relay.tokens());
    }
    long nowMs = gateway.grid().nowMs();
    next.watch(
        after(firstByteByMs - nowMs, () -> tooSlow(attempt)),
        hedgeAtMs == AttemptEffect.NEVER ? null : after(hedgeAtMs - nowMs, () -> hedge(attempt)));
    double answerMs = where.tokenMs() * known.outputTokensMax();
    if (!known.stream() && (known.outputTokensMax() == 0 || answerMs > PROMPT_WATCH_MS_LEAST)) {
      next.watchPrompt(after((long) where.firstTokenMs(), next::firstToken));
    }
    next.send(
        gateway.upstreams(context.channel().eventLoop()),
        gateway.grid().address(where.site()),
        siteRequest(next));
  }

  private ScheduledFuture<?> after(long ms, Runnable task) {
    return context.executor().schedule(task, Math.max(1, ms), TimeUnit.MILLISECONDS);
  }

  /// The deadline is near and no byte has come: a second attempt, if the budget has one.
  private void hedge(int attempt) {
    Attempts state = attempts;
    if (state != null
        && state.attempt() == attempt
        && state.mayHedge(gateway.settings().attempts())
        && !(scan != null && gateway.dispatch().waitsFor(modelOf(scan)))
        && gateway.dispatch().spendHedge()) {
      on(new AttemptEvent.HedgeDue(attempt, true));
    }
  }

  private FullHttpRequest siteRequest(SiteCall to) {
    Orders.Signed signed =
        gateway.orders().sign(to.site, requestId, to.attempt, key, PolicyAction.INFER, facts, rank);
    ByteBuf body = request.content().retainedDuplicate();
    byte[] replay = null;
    StreamScan seen = seen();
    if (to.continues && seen != null) {
      replay = seen.replay().json();
      body =
          context
              .alloc()
              .compositeBuffer(2)
              .addComponent(true, body)
              .addComponent(true, Unpooled.wrappedBuffer(replay));
    }
    var outgoing = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, path, body);
    String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE);
    HttpHeaders headers = outgoing.headers();
    headers
        .set(HttpHeaderNames.HOST, to.site.id())
        .set(HttpHeaderNames.CONTENT_TYPE, type == null ? "application/json" : type)
        .setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
    signed.put(headers);
    if (replay != null) {
      headers.setInt(GridHeaders.REPLAY_BYTES, replay.length);
    }
    return outgoing;
  }

  private void abandon(int attempt) {
    SiteCall ending = callOf(attempt);
    if (ending == null) {
      return;
    }
    ending.end();
    if (ending == hedge) {
      hedge = null;
      return; // of which nothing was passed on
    }
    call = null;
    letGo();
    if (relay != null && begun) {
      relay.drop();
    }
  }

  private @Nullable SiteCall callOf(int attempt) {
    if (call != null && call.attempt == attempt) {
      return call;
    }
    return hedge != null && hedge.attempt == attempt ? hedge : null;
  }

  private void tooSlow(int attempt) {
    if (held) {
      // A stream that has a place waits less long for a better one than a site may take.
      on(new AttemptEvent.Failed(attempt, Failure.TOO_SLOW, 0, false));
    } else {
      failed(attempt, Failure.TOO_SLOW, 0);
    }
  }

  private void failed(int attempt, Failure failure, int retryAfterMs) {
    Attempts state = attempts;
    SiteCall failing = callOf(attempt);
    if (state == null || failing == null) {
      return;
    }
    if (failure != Failure.REFUSED_ELSEWHERE) {
      gateway.dispatch().unreachable(gateway.grid().view(), failing.placed.endpoint());
    }
    boolean allowed =
        allowed(
            state.retry(attempt, failure, gateway.settings().attempts(), gateway.grid().nowMs()));
    if (allowed) {
      gateway.metrics().retried(failure.name().toLowerCase(Locale.ROOT));
    }
    on(new AttemptEvent.Failed(attempt, failure, retryAfterMs, allowed));
  }

  private boolean allowed(Permit permit) {
    return switch (permit) {
      case NO -> false;
      case FREE -> true;
      case FROM_BUDGET -> gateway.dispatch().spendRetry();
    };
  }

  /// The stream has lost its site.
  ///
  /// @param why for the metrics: `lost`, `silent`, `radio`, `drain`
  /// @param asked whether the site itself asked for the move
  private void broken(SiteCall from, String why, boolean asked) {
    Attempts state = attempts;
    if (state == null || from != call) {
      return;
    }
    if (!asked) {
      gateway.dispatch().unreachable(gateway.grid().view(), from.placed.endpoint());
    }
    StreamScan seen = seen();
    Verdict verdict = seen == null ? Verdict.NOT_STREAMED : Continuity.judge(seen.facts());
    if (verdict == Verdict.CLOSE) {
      close(from);
      return;
    }
    boolean resumable = verdict.resumable();
    boolean allowed = resumable && state.movable(gateway.settings().attempts());
    if (allowed) {
      brokenNanos = from.lastByteNanos;
    } else {
      gateway
          .metrics()
          .broken(resumable ? "no_move_left" : verdict.name().toLowerCase(Locale.ROOT));
    }
    moveReason = why;
    on(new AttemptEvent.Broken(from.attempt, resumable, allowed));
  }

  // ---- handing a stream over

  /// The caller has moved: whether the stream goes on nearer to it is weighed on the client's event
  /// loop. For any thread.
  ///
  /// @param cell where the caller is
  /// @param stayMs how long it is expected to stay there
  void weigh(int cell, long stayMs) {
    context.executor().execute(() -> weigh(cell, stayMs, true));
  }

  private void weigh(int cell, long stayMs, boolean mayWarm) {
    Attempts state = attempts;
    RequestScan known = scan;
    SiteCall from = call;
    StreamScan scanned = seen();
    if (state != null && scanned == null && !released) {
      weighCell = cell; // once it has a first byte
      weighStayMs = stayMs;
    }
    if (released || state == null || known == null || from == null || scanned == null) {
      return;
    }
    Verdict verdict = Continuity.judge(scanned.facts());
    if (!verdict.resumable()) {
      gateway.metrics().kept(verdict.name().toLowerCase(Locale.ROOT));
      return;
    }
    if (!state.mayHandOver(gateway.settings().attempts())) {
      gateway
          .metrics()
          .kept(state.phase() == Attempts.Phase.RELAYING ? "no_move_left" : "between_sites");
      return;
    }
    GridView view = gateway.grid().view();
    long nowMs = gateway.grid().nowMs();
    int present = from.placed.endpoint();
    int[] tried = {present};
    int rest =
        Handover.restTokens(
            known.outputTokensMax(),
            scanned.tokens(),
            gateway.settings().router().meanOutputTokens());
    Dispatch.Weighed weighed =
        gateway
            .dispatch()
            .weigh(
                view,
                wanted(
                    known,
                    view.roster(),
                    cell,
                    rest,
                    gateway.settings().attempts().moveMsMax(),
                    tried),
                present,
                scanned.tokens(),
                stayMs,
                mayWarm,
                nowMs);
    switch (weighed.decision()) {
      case Handover.Decision.Stay _ -> gateway.metrics().kept("cost");
      case Handover.Decision.NoPlace _ -> gateway.metrics().kept("no_place");
      case Handover.Decision.Warm _ -> {
        if (turn != null) {
          turn.prewarm(cell, tried, context.executor(), () -> weigh(cell, stayMs, false));
        }
      }
      case Handover.Decision.Move(Route.Placed target, var _) -> {
        routed = target;
        rank = facts.tier();
        routedSite = view.roster().siteSpec(target.site());
        routedLease = weighed.lease();
        if (routedLease == InFlight.NONE || routedSite == null) {
          gateway.metrics().kept("saturated");
          return;
        }
        if (!gateway.permits(key, PolicyAction.INFER, view.roster(), target.site(), facts)) {
          gateway.dispatch().end(routedLease);
          routedLease = InFlight.NONE;
          gateway.metrics().kept("residency");
          return;
        }
        long byMs = nowMs + gateway.settings().handover().holdMsMax();
        on(new AttemptEvent.MovePlaced(from.attempt, target.endpoint(), byMs));
      }
    }
  }

  private void hold(int attempt) {
    SiteCall from = callOf(attempt);
    if (from != null) {
      held = true;
      brokenNanos = from.lastByteNanos;
      moveReason = "handover";
      from.read(false);
      readComplete();
    }
  }

  /// The new place came to nothing: the stream is read on where it was.
  private void resume(int attempt) {
    SiteCall from = callOf(attempt);
    held = false;
    brokenNanos = 0;
    gateway.metrics().kept("target_failed");
    if (from == null) {
      return;
    }
    from.lastByteNanos = System.nanoTime(); // its silence was ours
    for (HttpContent next = unpassed.poll(); next != null; next = unpassed.poll()) {
      content(from, next);
    }
    readComplete();
    from.read(context.channel().isWritable());
  }

  /// Nothing is held any more.
  private void letGo() {
    held = false;
    unpassed.forEach(HttpContent::release);
    unpassed.clear();
  }

  private @Nullable StreamScan seen() {
    return relay == null ? null : relay.seen();
  }

  /// The stream's end has been said, only its books are missing: closes it as the site would have.
  private void close(SiteCall from) {
    if (relay != null) {
      seal(relay);
      relay.endForSite();
    }
    on(new AttemptEvent.Ended(from.attempt));
  }

  // ---- what the site answers

  @Override
  public void head(SiteCall from, HttpResponse answer) {
    int code = answer.status().code();
    boolean elsewhere =
        retryable(code)
            && answer.headers().contains(GridHeaders.RETRY, GridHeaders.RETRY_ELSEWHERE, true);
    if (elsewhere) {
      failed(from.attempt, Failure.REFUSED_ELSEWHERE, 1_000 * retryAfterSeconds(answer));
    } else if (code == 401) {
      // Another gateway's site, or clocks that differ: not the client's business, nor that of
      // others.
      gateway.refusedBy(from.site.id());
      failed(from.attempt, Failure.REFUSED_ELSEWHERE, 0);
    } else if (from.continues && (code != 200 || !isStream(answer))) {
      failed(from.attempt, Failure.REFUSED_ELSEWHERE, 0);
    } else {
      from.head = answer;
    }
  }

  private static boolean isStream(HttpResponse answer) {
    return HttpHeaderValues.TEXT_EVENT_STREAM.contentEqualsIgnoreCase(mediaType(answer));
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
  public void content(SiteCall from, HttpContent content) {
    HttpResponse head = from.head;
    if (head == null || callOf(from.attempt) != from) {
      content.release();
      return;
    }
    if (held && from == call) {
      unpassed.add(content); // what had been read before reading stopped: one buffer at most
      return;
    }
    boolean last = content instanceof LastHttpContent;
    String move =
        content instanceof LastHttpContent end ? end.trailingHeaders().get(GridHeaders.MOVE) : null;
    boolean waiting = attempts != null && attempts.awaits(from.attempt);
    if (waiting && move != null) {
      content.release();
      failed(from.attempt, Failure.REFUSED_ELSEWHERE, 0);
    } else if (waiting && !isStream(head)) {
      boolean kept = from.keep(content.content(), gateway.settings().answerBytesMax());
      if ((last || !kept) && firstByte(from)) {
        ByteBuf whole = from.kept();
        if (whole != null) {
          relay(from, new DefaultHttpContent(whole), last, null);
        }
      }
    } else if (waiting && !last && !content.content().isReadable()) {
      content.release();
    } else if (waiting && !firstByte(from)) {
      content.release();
    } else {
      relay(from, content, last, move);
    }
  }

  /// The client may have the answer now; false when that is not so.
  private boolean firstByte(SiteCall from) {
    if (firstTokenNanos == 0) {
      firstTokenNanos = System.nanoTime();
    }
    on(new AttemptEvent.FirstByte(from.attempt));
    return callOf(from.attempt) == from;
  }

  private void relay(SiteCall from, HttpContent content, boolean last, @Nullable String move) {
    AnswerRelay to = relay;
    if (to == null) {
      content.release();
      return;
    }
    if (last && move == null) {
      seal(to);
    }
    try {
      switch (to.relay(content.content())) {
        case WHOLE -> {}
        case FAILED -> {
          to.unseal();
          broken(from, "lost", false);
          return;
        }
        case CUT -> {
          seal(to);
          to.cut();
          on(new AttemptEvent.Ended(from.attempt));
          return;
        }
      }
    } catch (SseFrames.FrameTooLong e) {
      to.unseal();
      broken(from, "frame_too_long", false);
      return;
    } finally {
      content.release();
    }
    if (move != null) {
      readComplete();
      broken(from, move, true);
    } else if (last && to.streamed() && !to.restIsWhole()) {
      to.unseal();
      broken(from, "lost", false);
    } else if (last && to.lacksItsEnd()) {
      to.relayRest();
      to.unseal();
      broken(from, "lost", false);
    } else if (last) {
      to.end();
      on(new AttemptEvent.Ended(from.attempt));
    }
  }

  /// The end of what a tenant pays for waits for the journal.
  private void seal(AnswerRelay to) {
    if (charge != null) {
      to.seal();
    }
  }

  @Override
  public void readComplete() {
    AnswerRelay to = relay;
    if (to != null) {
      to.flush();
      if (to.tokens() >= tokensTold + TOKENS_TOLD_LEAST) {
        tell(to.tokens());
      }
    }
  }

  /// So much of the answer has been produced: its tenant's turn comes later.
  private void tell(int tokens) {
    RequestScan known = scan;
    int more = tokens - tokensTold;
    if (known != null && more > 0) {
      tokensTold = tokens;
      gateway.dispatch().produced(modelOf(known), facts.tier(), key.tenant(), more);
    }
  }

  @Override
  public void lost(SiteCall from, boolean anyByte) {
    Attempts state = attempts;
    if (state != null && state.phase() == Attempts.Phase.RELAYING && from == call) {
      broken(from, "lost", false);
    } else {
      failed(from.attempt, Failure.UNREACHABLE, 0);
    }
  }

  private void relay(int attempt) {
    SiteCall from = callOf(attempt);
    HttpResponse head = from == null ? null : from.head;
    AnswerRelay to = relay;
    if (from == null || head == null || to == null) {
      return;
    }
    if (from == hedge) {
      call = from;
      hedge = null;
    }
    site = from.site; // and not where the router last looked
    from.stopClocks();
    from.firstToken();
    begun = true;
    status = head.status().code();
    boolean streamed = isStream(head);
    var answer = new DefaultHttpResponse(HttpVersion.HTTP_1_1, head.status());
    HttpHeaders headers = answer.headers();
    if (streamed) {
      headers
          .set(HttpHeaderNames.CONTENT_TYPE, EVENT_STREAM)
          .set(HttpHeaderNames.CACHE_CONTROL, NO_CACHE);
    } else {
      copy(head, headers, HttpHeaderNames.CONTENT_TYPE);
      copy(head, headers, HttpHeaderNames.CONTENT_LENGTH);
    }
    copy(head, headers, HttpHeaderNames.RETRY_AFTER);
    copy(head, headers, GridHeaders.SHOULD_RETRY);
    Answers.identify(headers, requestId, elapsedMs());
    Answers.limits(headers, key, allowance);
    place(from, headers);
    to.begin(answer, streamed);
    if (streamed) {
      listen(from);
      if (weighCell >= 0) {
        weigh(weighCell, weighStayMs);
      }
    }
  }

  /// The stream goes on where it was broken off.
  private void rejoin(int attempt) {
    SiteCall from = callOf(attempt);
    if (from == null) {
      return;
    }
    if (from == hedge) {
      call = from;
      hedge = null;
    }
    site = from.site;
    from.stopClocks();
    from.firstToken();
    if (relay != null) {
      boolean told = gateway.settings().tellMoves();
      relay.rejoin(told ? "moved " + from.site.id() + " " + moveReason : null);
    }
    gateway.metrics().moved(moveReason, System.nanoTime() - brokenNanos);
    brokenNanos = 0;
    listen(from);
    from.read(context.channel().isWritable());
  }

  /// Watches for silence. One timer a stream that looks at the last byte when it fires, so that a
  /// frame costs nothing but the time of its arrival.
  private void listen(SiteCall from) {
    int gapMs = gateway.settings().attempts().gapMs(from.placed.tokenMs());
    from.patience(after(gapMs, () -> listened(from, gapMs)));
  }

  private void listened(SiteCall from, int gapMs) {
    if (from != call) {
      return;
    }
    if (held || !context.channel().isWritable()) {
      from.lastByteNanos = System.nanoTime(); // nobody reads
    }
    long silentMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - from.lastByteNanos);
    if (silentMs >= gapMs) {
      broken(from, "silent", false);
    } else {
      from.patience(after(gapMs - silentMs, () -> listened(from, gapMs)));
    }
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
  private void place(SiteCall from, HttpHeaders headers) {
    headers
        .set(GridHeaders.SITE, from.site.id())
        .set(GridHeaders.TIER, from.site.tier().name().toLowerCase(Locale.ROOT))
        .set(GridHeaders.REGION, from.site.region())
        .set(GridHeaders.JURISDICTION, from.site.jurisdiction())
        .set(GridHeaders.ATTEMPTS, Integer.toString(from.attempt + 1))
        .set(GridHeaders.REASON, from.placed.reason().name().toLowerCase(Locale.ROOT));
    if (waitedNanos > 0) {
      headers.set(GridHeaders.WAITED_MS, Long.toString(TimeUnit.NANOSECONDS.toMillis(waitedNanos)));
    }
    if (from.explanation != null) {
      headers.set(GridHeaders.EXPLAIN, Explain.json(from.explanation));
    }
  }

  private void breakStream() {
    if (relay != null) {
      relay.breakOff();
    }
  }

  // ---- the client

  /// The client has gone.
  void clientGone() {
    if (awaitsFunds) {
      awaitsFunds = false;
      finish(Outcome.CLIENT_GONE);
    }
    on(new AttemptEvent.ClientGone());
  }

  /// The client can take more, or cannot.
  void writable(boolean yes) {
    if (call != null && !held) {
      call.read(yes);
      call.lastByteNanos = System.nanoTime(); // its silence so far was the client's
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
    WaitingRequest waiter = waits;
    if (waiter != null) {
      gateway.dispatch().leave(waiter);
      over(waiter, Waited.CLIENT_GONE);
    }
    if (outcome == Outcome.CLIENT_GONE) {
      status = 499;
    }
    record(outcome); // first: what it was served counts before the next has its place
    end(call);
    end(hedge);
    letGo();
    if (routedLease != InFlight.NONE) {
      gateway.dispatch().end(routedLease);
      routedLease = InFlight.NONE;
    }
    if (relay != null) {
      relay.drop();
    }
    if (turn != null) {
      UsageScan usage = usage();
      SiteCall answered = outcome == Outcome.COMPLETE && usage.found() ? call : null;
      turn.end(answered == null ? -1 : answered.placed.endpoint(), usage.cachedTokens());
      turn = null; // its prompt is not to stay as long as an idle connection does
    }
    ReferenceCountUtil.release(request);
  }

  private void record(Outcome outcome) {
    long durationNanos = System.nanoTime() - startNanos;
    long firstNanos = firstTokenNanos == 0 ? 0 : firstTokenNanos - startNanos;
    String model = scan == null ? null : scan.model();
    boolean known = site != null;
    UsageScan usage = usage();
    Settlement settlement = settle(outcome);
    Settlement.Used used =
        settlement instanceof Settlement.Used some ? some : new Settlement.Used(0, 0);
    tell(used.completionTokens());
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
            used.completionTokens());
    if ((usage.found() || seen() != null) && model != null && site != null) {
      gateway
          .metrics()
          .tokens(
              key.tenant(),
              model,
              site.id(),
              used.promptTokens(),
              usage.cachedTokens(),
              used.completionTokens());
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
          state == null ? 0 : state.last() + 1,
          TimeUnit.NANOSECONDS.toMillis(durationNanos),
          TimeUnit.NANOSECONDS.toMillis(firstNanos),
          used.promptTokens(),
          used.completionTokens());
    }
  }

  /// Gives back what was estimated and not used.
  private Settlement settle(Outcome outcome) {
    UsageScan usage = usage();
    var settlement =
        Settlement.of(
            new Settlement.Facts(
                usage.found(),
                usage.promptTokens(),
                usage.completionTokens(),
                outcome == Outcome.REFUSED
                    || outcome == Outcome.FAILED
                    || relay != null && relay.refused(),
                seen() != null,
                scan == null ? 0 : scan.promptTokens(),
                relay == null ? 0 : relay.tokens()));
    if (charge != null) {
      book(charge, settlement, outcome);
    }
    if (admitted && settlement instanceof Settlement.Used(int prompt, int completion)) {
      synchronized (key) {
        key.limiter().settle(estimatedTokens, (long) prompt + completion);
      }
    }
    return settlement;
  }

  /// Has what it used written down; the client has the last of its answer afterwards.
  private void book(Charge of, Settlement settlement, Outcome outcome) {
    RequestScan known = scan;
    Settlement.Used used =
        settlement instanceof Settlement.Used some
            ? some
            : new Settlement.Used(
                known == null ? 0 : known.promptTokens(),
                known == null ? 0 : Clamp.toInt(known.outputTokensMost(0), 0, Integer.MAX_VALUE));
    AnswerRelay to = relay;
    of.settle(
        Math.max(0, used.promptTokens()), // as a server said them
        Math.clamp(usage().cachedTokens(), 0, Math.max(0, used.promptTokens())),
        Math.max(0, used.completionTokens()),
        outcome.name().toLowerCase(Locale.ROOT),
        begun ? site : null,
        viewRevision,
        durable -> context.executor().execute(() -> written(to, durable)));
  }

  private void written(@Nullable AnswerRelay to, boolean durable) {
    if (to == null) {
      return;
    }
    if (durable) {
      to.unseal();
    } else {
      to.withhold();
    }
  }

  private UsageScan usage() {
    return relay == null ? new UsageScan() : relay.usage();
  }

  private String operation() {
    return switch (path) {
      case "/v1/chat/completions", "/v1/responses" -> "chat";
      case "/v1/completions" -> "text_completion";
      default -> "embeddings";
    };
  }

  private static void end(@Nullable SiteCall ending) {
    if (ending != null) {
      ending.end();
    }
  }

  private long elapsedMs() {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
  }
}
