package org.aigrid.live.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelOption;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.GridSource;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.wire.WorkOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The gateway against sites that behave and misbehave on command.
class GatewayTest {
  private static final String KEY = "sk-test";
  private static final String ANSWER =
      "{\"id\":\"c1\",\"object\":\"chat.completion\",\"x_new\":{\"k\":[1,2]},\"choices\":[],"
          + "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}";
  private static final String BODY =
      "{\"model\":\"llama-3.1-8b\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
  private static final String STREAM_BODY =
      BODY.replace("{\"model\"", "{\"stream\":true,\"model\"");

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final FakeSite near =
      new FakeSite((context, seen) -> FakeSite.json(context, 200, ANSWER));
  private final FakeSite far = new FakeSite((context, seen) -> FakeSite.json(context, 200, ANSWER));
  private Gateway gateway;

  @BeforeEach
  void start() {
    gateway = gateway(Keys.single(KEY, "tester"));
  }

  @AfterEach
  void stop() {
    gateway.close();
    near.close();
    far.close();
    client.close();
  }

  private Gateway gateway(Keys keys) {
    var settings =
        GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "near")
            .withRouter(org.aigrid.core.route.RouterSettings.DEFAULT.withExplorationShare(0));
    return Gateway.start(settings, grid(), keys);
  }

  private GridSource grid() {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    var endpoint =
        new EndpointSpec(
            Objects.requireNonNull(Models.byName("llama-3.1-8b")),
            EngineKind.EMULATED,
            Objects.requireNonNull(Accelerators.byName("RTX PRO 6000")),
            1,
            64);
    builder.register(site("near", Tier.CELL, 35.0, endpoint));
    builder.register(site("far", Tier.HUB, 43.0, endpoint));
    long nowMs = System.nanoTime() / 1_000_000;
    for (String id : List.of("near", "far")) {
      builder.apply(
          new Heartbeat(
              id,
              1,
              15_000,
              AdmissionState.NEW_AND_EXISTING,
              List.of(EndpointLoad.idle("llama-3.1-8b"))),
          nowMs);
    }
    GridView view = builder.snapshot(nowMs);
    return new GridSource() {
      @Override
      public GridView view() {
        return view;
      }

      @Override
      public SiteAddress address(int site) {
        return site == 0 ? near.address() : far.address();
      }
    };
  }

  private static SiteSpec site(String id, Tier tier, double latitude, EndpointSpec endpoint) {
    return new SiteSpec(
        id, id, tier, "here", new GeoPoint(latitude, 139), "JP", "operator", List.of(endpoint));
  }

  private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + path))
            .timeout(Duration.ofSeconds(20))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .header("authorization", "Bearer " + KEY);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("the condition came true in time").isLessThan(end);
      Thread.sleep(2);
    }
  }

  @Test
  void passesTheBodyOnByteForByteAndTheAnswerBack() throws Exception {
    String body =
        "{ \"model\" : \"llama-3.1-8b\", \"brand_new\":{\"a\":[1.50,null]}, \"tools\":[{\"x\":1}],"
            + "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
            + "{\"url\":\"data:image/png;base64,AAAA\"}}]}],\"logprobs\":true}";
    var answer = post("/v1/chat/completions", body);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(ANSWER);
    assertThat(near.seenList).hasSize(1);
    assertThat(near.seenList.getFirst().body()).isEqualTo(body);
    byte[] key = WorkOrder.siteKey("site-secret".getBytes(StandardCharsets.UTF_8), "near");
    assertThat(
            WorkOrder.check(
                near.seenList.getFirst().headers().get("x-grid-order"),
                "near",
                _ -> key,
                System.currentTimeMillis()))
        .isInstanceOf(WorkOrder.Checked.Good.class);
    assertThat(answer.headers().firstValue("x-grid-site")).hasValue("near");
    assertThat(answer.headers().firstValue("x-grid-tier")).hasValue("cell");
    assertThat(answer.headers().firstValue("x-request-id")).isPresent();
    assertThat(answer.headers().firstValue("openai-version")).hasValue("2020-10-01");
  }

  @Test
  void explainsItsChoiceWhenAsked() throws Exception {
    var answer = post("/v1/chat/completions", BODY, "X-Grid-Explain", "1");
    assertThat(answer.headers().firstValue("x-grid-explain").orElseThrow())
        .contains("\"site\":\"near\",\"standing\":\"chosen\"")
        .contains("\"reason\":\"lowest_cost\"")
        .contains("\"site\":\"far\",\"standing\":\"too_far\"");
  }

  @Test
  void removesTheUsageChunkForAClientThatDidNotAskForIt() throws Exception {
    near.script = (context, seen) -> stream(context);
    var without = post("/v1/chat/completions", STREAM_BODY);
    assertThat(without.body()).isEqualTo("data: {\"choices\":[{\"i\":1}]}\n\ndata: [DONE]\n\n");
    var with =
        post(
            "/v1/chat/completions",
            STREAM_BODY.replace(
                "{\"stream\"", "{\"stream_options\":{\"include_usage\":true},\"stream\""));
    assertThat(with.body())
        .isEqualTo(
            "data: {\"choices\":[{\"i\":1}]}\n\n"
                + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n"
                + "data: [DONE]\n\n");
  }

  private static void stream(io.netty.channel.ChannelHandlerContext context) {
    FakeSite.beginStream(context);
    FakeSite.frame(context, "data: {\"choices\":[{\"i\":1}]}\n\n");
    FakeSite.frame(
        context,
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n");
    FakeSite.frame(context, "data: [DONE]\n\n");
    FakeSite.endStream(context);
  }

  @Test
  void passesOnALastFrameWithoutItsEmptyLine() throws Exception {
    near.script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(context, "data: {\"n\":1}\n\ndata: [DO");
          FakeSite.frame(context, "NE]\n");
          FakeSite.endStream(context);
        };
    assertThat(post("/v1/chat/completions", STREAM_BODY).body())
        .isEqualTo("data: {\"n\":1}\n\ndata: [DONE]\n");
  }

  @Test
  void triesAnotherSiteUnseenWhenTheFirstRefuses() throws Exception {
    near.script =
        (context, seen) ->
            FakeSite.json(context, 503, "{\"error\":{}}", "x-grid-retry", "elsewhere");
    var answer = post("/v1/chat/completions", BODY);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-grid-site")).hasValue("far");
    assertThat(answer.headers().firstValue("x-grid-attempts")).hasValue("2");
  }

  @Test
  void triesAnotherSiteUnseenWhenTheFirstDiesBeforeAByte() throws Exception {
    near.script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          context.channel().config().setOption(ChannelOption.SO_LINGER, 0);
          context.close();
        };
    far.script = (context, seen) -> stream(context);
    var answer = post("/v1/chat/completions", STREAM_BODY);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    assertThat(answer.headers().firstValue("x-grid-site")).hasValue("far");
  }

  @Test
  void triesAnotherSiteWhenTheFirstDoesNotListen() throws Exception {
    near.close();
    var answer = post("/v1/chat/completions", BODY);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-grid-site")).hasValue("far");
  }

  @Test
  void saysSoInTheStreamWhenASiteDiesInTheMiddle() throws Exception {
    near.script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(context, "data: {\"choices\":[{\"i\":1}]}\n\n");
          context.executor().schedule(() -> context.close(), 50, TimeUnit.MILLISECONDS);
        };
    String raw = raw(STREAM_BODY);
    assertThat(raw)
        .contains("data: {\"choices\":[{\"i\":1}]}\n\n")
        .contains("event: error\ndata: {\"error\":{\"message\":")
        .doesNotContain("[DONE]");
  }

  private String raw(String body) throws Exception {
    try (var socket = new Socket("127.0.0.1", gateway.port())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(head(body).getBytes(StandardCharsets.US_ASCII));
      var read = new java.io.ByteArrayOutputStream();
      try {
        socket.getInputStream().transferTo(read);
      } catch (java.net.SocketException e) {
        // a reset ends the answer as well as a close does
      }
      return read.toString(StandardCharsets.UTF_8);
    }
  }

  private String head(String body) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + KEY
        + "\r\nContent-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  @Test
  void cancelsTheSiteWhenTheClientGoes() throws Exception {
    near.script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(context, "data: {\"choices\":[{\"i\":1}]}\n\n");
        };
    try (var socket = new Socket("127.0.0.1", gateway.port())) {
      socket.getOutputStream().write(head(STREAM_BODY).getBytes(StandardCharsets.US_ASCII));
      assertThat(socket.getInputStream().read()).isEqualTo('H');
    }
    await(() -> near.gone.get() == 1);
  }

  @Test
  void mapsMistakesToTheApisErrors() throws Exception {
    assertThat(post("/v1/chat/completions", "{").statusCode()).isEqualTo(400);
    var unknown = post("/v1/chat/completions", BODY.replace("llama-3.1-8b", "nope"));
    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(unknown.body()).contains("\"code\":\"model_not_found\"");
    assertThat(unknown.headers().firstValue("x-should-retry")).hasValue("false");
    var abroad = post("/v1/chat/completions", BODY, "X-Grid-Residency", "FR");
    assertThat(abroad.statusCode()).isEqualTo(403);
    assertThat(abroad.body()).contains("data_residency_mismatch");
    assertThat(near.seenList).isEmpty();
    assertThat(far.seenList).isEmpty();
  }

  @Test
  void limitsAKeysRateAndSaysWhenToComeBack() throws Exception {
    gateway.close();
    gateway =
        gateway(
            Keys.of(
                List.of(
                    new KeyEntry(
                        "k", "t", Keys.hash(KEY), 2, RateLimiter.UNLIMITED, List.of("JP")))));
    var statusList = new ArrayList<Integer>();
    for (int i = 0; i < 2; i++) {
      statusList.add(post("/v1/chat/completions", BODY).statusCode());
    }
    var last = post("/v1/chat/completions", BODY);
    statusList.add(last.statusCode());
    assertThat(statusList).containsExactly(200, 200, 429);
    assertThat(last.headers().firstValue("retry-after").map(Integer::parseInt).orElseThrow())
        .isBetween(1, 60);
    assertThat(last.body()).contains("rate_limit_exceeded");
  }

  @Test
  void givesBackTheTokensOfARequestThatNobodyAnswered() throws Exception {
    gateway.close();
    gateway =
        gateway(
            Keys.of(
                List.of(
                    new KeyEntry(
                        "k", "t", Keys.hash(KEY), RateLimiter.UNLIMITED, 10_000, List.of()))));
    String large = BODY.replace("hello", "hello ".repeat(1_000));
    near.script = (context, seen) -> FakeSite.json(context, 503, "{}", "x-grid-retry", "elsewhere");
    far.script = near.script;
    assertThat(post("/v1/chat/completions", large).statusCode()).isEqualTo(503);
    near.script = (context, seen) -> FakeSite.json(context, 200, ANSWER);
    var next = post("/v1/chat/completions", BODY);
    assertThat(next.statusCode()).isEqualTo(200);
    assertThat(next.headers().firstValueAsLong("x-ratelimit-remaining-tokens").orElseThrow())
        .as("of 10,000, with 1,500 of the failed one given back")
        .isGreaterThan(9_500);
  }

  @Test
  void listsModelsAndTellsItsHealth() throws Exception {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + "/v1/models"))
            .header("authorization", "Bearer " + KEY)
            .build();
    assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).body())
        .contains("\"id\":\"llama-3.1-8b\"");
    for (String escaped : List.of("llama-3.1-8b", "llama%2D3%2e1-8b")) {
      var one =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + gateway.port() + "/v1/models/" + escaped))
              .header("authorization", "Bearer " + KEY)
              .build();
      assertThat(client.send(one, HttpResponse.BodyHandlers.discarding()).statusCode())
          .as(escaped)
          .isEqualTo(200);
    }
    for (String path : List.of("/healthz", "/readyz", "/metrics")) {
      var probe =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + path)).build();
      assertThat(client.send(probe, HttpResponse.BodyHandlers.discarding()).statusCode())
          .isEqualTo(200);
    }
  }
}
