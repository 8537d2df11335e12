package org.aigrid.live.site;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.HeartbeatSink;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.engine.EmulatedEngine;
import org.aigrid.live.engine.LlamaProcess;
import org.aigrid.live.gguf.TinyModel;
import org.aigrid.live.http.EventLoops;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The site protocol, as a gateway meets it.
@Timeout(60)
class SiteAgentTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final String TOKEN = "secret-of-the-grid";
  private static final String CHAT = "/v1/chat/completions";

  /// Control that may forget its sites.
  private static final class Control implements HeartbeatSink {
    final AtomicInteger registrations = new AtomicInteger();
    final List<Heartbeat> heartbeats = new CopyOnWriteArrayList<>();
    volatile boolean known;

    @Override
    public void register(SiteSpec site, SiteAddress address) {
      registrations.incrementAndGet();
      known = true;
    }

    @Override
    public boolean accept(Heartbeat heartbeat) {
      heartbeats.add(heartbeat);
      return known;
    }
  }

  @TempDir Path folder;

  private final EventLoops loops = new EventLoops("test", 1);
  private final HttpClient client = HttpClient.newHttpClient();
  private final Control control = new Control();
  private final SiteAgent agent = start();

  private SiteAgent start() {
    var endpoint =
        new EndpointSpec(
            requireNonNull(Models.byName(MODEL)),
            EngineKind.EMULATED,
            requireNonNull(Accelerators.byName("RTX PRO 6000")),
            1,
            16);
    var site =
        new SiteSpec(
            "cell-a",
            "Cell A",
            Tier.CELL,
            "east",
            new GeoPoint(35, 139),
            "JP",
            "operator",
            List.of(endpoint));
    return SiteAgent.start(
        SiteAgentSettings.of(site, TOKEN).beating(20, 60),
        Map.of(MODEL, new Backend.Local(new EmulatedEngine(endpoint, 16), true)),
        loops,
        control);
  }

  @AfterEach
  void stop() {
    client.shutdownNow();
    agent.close();
    loops.close();
  }

  private HttpRequest.Builder request(String path, String body, String jurisdictions) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + agent.port() + path))
        .header(
            "x-grid-order", SignedOrder.of(TOKEN, agent.spec().id(), jurisdictions, modelOf(body)))
        .POST(HttpRequest.BodyPublishers.ofString(body));
  }

  private static String modelOf(String body) {
    Matcher named = Pattern.compile("\"model\"\\s*:\\s*\"([^\"]*)\"").matcher(body);
    return named.find() ? named.group(1) : "";
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String ask(int tokens, boolean stream) {
    return "{\"model\":\""
        + MODEL
        + "\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":"
        + tokens
        + ",\"ignore_eos\":true,\"stream\":"
        + stream
        + "}";
  }

  @Test
  void whoIsNoGatewayIsRefused() throws Exception {
    for (String wrong :
        List.of(
            "guess",
            SignedOrder.of("another secret", agent.spec().id(), "JP", MODEL),
            SignedOrder.of(TOKEN, "another-site", "JP", MODEL))) {
      var stranger = request(CHAT, ask(1, false), "JP").setHeader("x-grid-order", wrong);
      assertThat(send(stranger).statusCode()).as(wrong).isEqualTo(401);
    }
    assertThat(agent.refusedOrders()).isEqualTo(3);
    var nameless =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + agent.port() + CHAT))
            .POST(HttpRequest.BodyPublishers.ofString(ask(1, false)));
    assertThat(send(nameless).statusCode()).isEqualTo(401);
  }

  @Test
  void theSiteChecksAgainThatItMaySeeTheRequest() throws Exception {
    for (String permitted : List.of("JP", "DE,JP", "*")) {
      assertThat(send(request(CHAT, ask(1, false), permitted)).statusCode())
          .as(permitted)
          .isEqualTo(200);
    }
    for (String forbidden : List.of("DE", "")) {
      var refused = send(request(CHAT, ask(1, false), forbidden));
      assertThat(refused.statusCode()).as(forbidden).isEqualTo(403);
      assertThat(refused.body()).contains("data_residency_mismatch");
    }
  }

  @Test
  void whatIsNotHereIsSaidToBeElsewhereAndWhatIsWrongIsNot() throws Exception {
    var unknown = send(request(CHAT, ask(1, false).replace(MODEL, "other"), "JP"));
    assertThat(unknown.statusCode()).isEqualTo(503);
    assertThat(unknown.headers().firstValue("x-grid-retry")).hasValue("elsewhere");
    var malformed = send(request(CHAT, "{", "JP"));
    assertThat(malformed.statusCode()).isEqualTo(400);
    assertThat(malformed.headers().firstValue("x-grid-retry")).isEmpty();
    assertThat(send(request("/v1/other", ask(1, false), "JP")).statusCode()).isEqualTo(404);
  }

  @Test
  void aStreamAlwaysEndsWithItsUsage() throws Exception {
    var answer = send(request(CHAT, ask(3, true), "JP"));
    assertThat(answer.statusCode()).isEqualTo(200);
    String[] frames = answer.body().split("\n\n");
    assertThat(frames[frames.length - 1]).isEqualTo("data: [DONE]");
    assertThat(frames[frames.length - 2])
        .contains("\"choices\":[]")
        .contains("\"completion_tokens\":3");
  }

  @Test
  void whoeverLeavesEndsTheWork() throws Exception {
    var response =
        client.send(
            request(CHAT, ask(4_000, true), "JP").build(),
            HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = response.body()) {
      assertThat(body.read()).isEqualTo('d');
      until(() -> agent.loads().getFirst().running() == 1);
    }
    until(() -> agent.loads().getFirst().running() == 0);
  }

  @Test
  void aDrainingSiteTakesNothingNewSaysSoAndFinishesWhatRuns() throws Exception {
    var running =
        client.sendAsync(
            request(CHAT, ask(30, false), "JP").build(), HttpResponse.BodyHandlers.ofString());
    until(() -> agent.loads().getFirst().running() == 1);
    var drained = new java.util.concurrent.CompletableFuture<Boolean>();
    Thread.ofVirtual().start(() -> drained.complete(agent.drain(Duration.ofSeconds(30))));
    until(() -> agent.admission() == AdmissionState.EXISTING_ONLY);
    var late = send(request(CHAT, ask(1, false), "JP"));
    assertThat(late.statusCode()).isEqualTo(503);
    assertThat(late.headers().firstValue("x-grid-retry")).hasValue("elsewhere");
    assertThat(running.get().statusCode()).isEqualTo(200);
    assertThat(drained.get()).isTrue();
    assertThat(control.heartbeats.getLast().admission()).isEqualTo(AdmissionState.EXISTING_ONLY);
  }

  @Test
  void heartbeatsGrowInSequenceAndAForgottenSiteRegistersAgain() {
    until(() -> control.heartbeats.size() > 5);
    control.known = false;
    until(() -> control.registrations.get() == 2);
    long last = 0;
    for (Heartbeat heartbeat : control.heartbeats) {
      assertThat(heartbeat.sequence()).isGreaterThan(last);
      last = heartbeat.sequence();
    }
    agent.kill();
    int beats = control.heartbeats.size();
    LockSupport.parkNanos(100_000_000);
    assertThat(control.heartbeats.size()).as("the dead say nothing").isLessThanOrEqualTo(beats + 1);
  }

  @Test
  void anEngineThatHasDiedIsMissingInTheHeartbeatsUntilItIsBack() throws Exception {
    Path file = folder.resolve("tiny.gguf");
    TinyModel.write(file, 1);
    var engine = new LlamaProcess(MODEL, file, 1, 256, 4, 1);
    var heard = new Control();
    int never = 3_600_000;
    var other =
        SiteAgent.start(
            SiteAgentSettings.of(agent.spec(), TOKEN).beating(never, never),
            Map.of(MODEL, new Backend.Local(engine, false)),
            loops,
            heard);
    try (other) {
      assertThat(heard.heartbeats.getLast().endpointLoads()).hasSize(1);
      ProcessHandle.of(engine.processId()).orElseThrow().destroyForcibly();
      until(() -> heard.heartbeats.stream().anyMatch(beat -> beat.endpointLoads().isEmpty()));
      until(() -> heard.heartbeats.getLast().endpointLoads().size() == 1);
    }
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("did not come true within 20 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
