package org.aigrid.live.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.EventExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.live.wire.PrewarmBody;
import org.aigrid.live.wire.UsageScan;

/// One prompt computed ahead: asks the best permitted place near a cell for one token of the
/// session's last prompt, and throws the token away. What stays is the prefix in the engine's
/// cache, and the router's knowledge of it.
///
/// Routed like any attempt, so it goes nowhere the request itself might not go; less urgent than
/// any reader; taken from the pre-warm budget; counted as cost, never as a tenant's tokens. Given
/// up after `prewarmMsMax`, and at the first doubt: a refusal, a lost connection, an answer that is
/// no answer. Nothing of it is tried again. On one event loop.
final class Prewarm implements SiteCall.Listener {
  private static final ServiceTier TIER = ServiceTier.BACKGROUND;
  private static final int FAILED = -1;

  private final Gateway gateway;
  private final LastPrompt prompt;
  private final PromptBlocks blocks = new PromptBlocks();
  private final EventExecutor loop;
  private final IntConsumer done;
  private final UsageScan usage = new UsageScan();
  private SiteCall call;
  private boolean over;

  @SuppressWarnings("NullAway.Init") // call is there from send() on
  private Prewarm(Gateway gateway, LastPrompt prompt, EventExecutor loop, IntConsumer done) {
    this.gateway = gateway;
    this.prompt = prompt;
    this.loop = loop;
    this.done = done;
  }

  /// Begins on `loop`.
  ///
  /// @param cell where the caller is or will be
  /// @param tried endpoints where not
  /// @param done told on `loop`, once, which endpoint holds the prompt now, or -1
  static void begin(
      Gateway gateway,
      LastPrompt prompt,
      int cell,
      int[] tried,
      EventExecutor loop,
      IntConsumer done) {
    loop.execute(() -> new Prewarm(gateway, prompt, loop, done).place(cell, tried));
  }

  private void place(int cell, int[] tried) {
    GridView view = gateway.grid().view();
    Roster roster = view.roster();
    String model = model();
    prompt.scan().hash(prompt.body(), PromptBlocks.salt(prompt.key().salt(), model), blocks);
    var wanted =
        new RouteRequest(
            roster.indexOfModel(model),
            prompt.scan().promptTokens(),
            prompt.scan().outputTokensMax(),
            blocks,
            cell,
            Gateway.jurisdictionBits(roster, facts()),
            gateway.permitted(prompt.key(), PolicyAction.PREWARM, roster, facts()),
            gateway.settings().handover().prewarmMsMax(),
            TIER,
            tried);
    Dispatch.Ahead ahead = gateway.dispatch().prewarm(view, wanted, blocks, gateway.grid().nowMs());
    Route.Placed target = ahead.target();
    SiteSpec site = target == null ? null : roster.siteSpec(target.site());
    if (ahead.lease() == InFlight.NONE || target == null || site == null) {
      gateway.metrics().prewarmed(ahead.outcome());
      done.accept(target == null ? FAILED : target.endpoint());
      return;
    }
    if (!gateway.permits(prompt.key(), PolicyAction.PREWARM, roster, target.site(), facts())) {
      gateway.dispatch().end(ahead.lease());
      int unused = prompt.scan().promptTokens();
      gateway.dispatch().prewarmed(blocks, FAILED, unused, gateway.grid().nowMs());
      gateway.metrics().prewarmed("no_place");
      done.accept(FAILED);
      return;
    }
    send(target, site, ahead.lease());
  }

  /// It is the grid's own work, in a class of its own, for the same people and places.
  private RequestFacts facts() {
    return new RequestFacts(TIER, prompt.facts().model(), prompt.facts().jurisdictions());
  }

  private String model() {
    String model = prompt.scan().model();
    return model == null ? "" : model;
  }

  private void send(Route.Placed target, SiteSpec site, long lease) {
    call = new SiteCall(0, target, site, lease, false, gateway.dispatch(), this);
    call.watch(
        loop.schedule(
            () -> end("too_slow", FAILED),
            gateway.settings().handover().prewarmMsMax(),
            TimeUnit.MILLISECONDS),
        null);
    Orders.Signed signed =
        gateway
            .orders()
            .sign(
                site,
                gateway.ids().next(),
                0,
                prompt.key(),
                PolicyAction.PREWARM,
                facts(),
                facts().tier());
    ByteBuf body = Unpooled.wrappedBuffer(PrewarmBody.of(prompt.body(), prompt.path()));
    var request =
        new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, prompt.path(), body);
    request
        .headers()
        .set(HttpHeaderNames.HOST, site.id())
        .set(HttpHeaderNames.CONTENT_TYPE, "application/json")
        .setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
    signed.put(request.headers());
    call.send(gateway.upstreams(loop), gateway.grid().address(target.site()), request);
  }

  @Override
  public void head(SiteCall from, HttpResponse head) {
    int code = head.status().code();
    if (code != 200) {
      boolean turnedAway = code < 500 || code == 503; // not a failure while it was computed
      end("refused", FAILED, turnedAway ? prompt.scan().promptTokens() : 0);
    }
  }

  @Override
  public void content(SiteCall from, HttpContent content) {
    usage.feed(content.content());
    boolean last = content instanceof LastHttpContent;
    content.release();
    if (last) {
      end(usage.found() ? "done" : "no_answer", usage.found() ? from.placed.endpoint() : FAILED);
    }
  }

  @Override
  public void lost(SiteCall from, boolean anyByte) {
    end("lost", FAILED);
  }

  @Override
  public void readComplete() {}

  /// @param endpoint that holds the prompt now, or -1
  private void end(String outcome, int endpoint) {
    // What a target that failed has computed is not known: it keeps its price.
    end(outcome, endpoint, endpoint < 0 ? 0 : prompt.scan().promptTokens() - computed());
  }

  private int computed() {
    return Math.max(0, usage.promptTokens() - usage.cachedTokens());
  }

  /// @param unused of the budget's tokens
  private void end(String outcome, int endpoint, int unused) {
    if (over) {
      return;
    }
    over = true;
    call.end();
    int computed = endpoint < 0 ? 0 : computed();
    gateway.dispatch().prewarmed(blocks, endpoint, unused, gateway.grid().nowMs());
    gateway.metrics().prewarmed(outcome);
    if (computed > 0) {
      gateway.metrics().prewarmedTokens(model(), call.site.id(), computed);
    }
    done.accept(endpoint);
  }
}
