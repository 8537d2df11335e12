package org.aigrid.live.site;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.HeartbeatSink;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.http.EventLoops;
import org.aigrid.live.wire.Replay;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.ObjectMapper;

/// A server by URL behind a site agent, asked as a gateway asks.
@Timeout(60)
class OpenAiEngineTest {
  private static final String TOKEN = "secret-of-the-grid";
  private static final String CHAT = "/v1/chat/completions";

  private final PretendServer server = pretend();
  private final EventLoops loops = new EventLoops("test", 1);
  private final HttpClient client = HttpClient.newHttpClient();
  private OpenAiEngine engine = new OpenAiEngine(settings(server.url()));
  private SiteAgent agent = start();

  private static PretendServer pretend() {
    try {
      return new PretendServer(call -> call.whole(200, "application/json", "{}"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static OpenAiSettings settings(URI url) {
    return new OpenAiSettings("shared", url, "sk-server", "org/Shared", 1_000, 4, false);
  }

  private void restart(OpenAiSettings settings) {
    agent.close();
    engine = new OpenAiEngine(settings);
    agent = start();
  }

  private SiteAgent start() {
    var endpoint =
        new EndpointSpec(
            new ModelSpec("shared", 8, 16_000_000_000L, 131_072, 131_072),
            EngineKind.OPENAI,
            requireNonNull(Accelerators.byName("H200")),
            1,
            128);
    var site =
        new SiteSpec(
            "hub",
            "Hub",
            Tier.HUB,
            "east",
            new GeoPoint(35, 139),
            "JP",
            "operator",
            List.of(endpoint));
    return SiteAgent.start(
        SiteAgentSettings.of(site, TOKEN),
        Map.of("shared", new Backend.Remote(engine)),
        loops,
        new HeartbeatSink() {
          @Override
          public void register(SiteSpec joining, SiteAddress address) {}

          @Override
          public boolean accept(Heartbeat heartbeat) {
            return true;
          }
        });
  }

  @AfterEach
  void stop() {
    client.shutdownNow();
    agent.close();
    server.close();
    loops.close();
  }

  private HttpRequest request(String path, String body) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + agent.port() + path))
        .header("x-grid-order", SignedOrder.of(TOKEN, agent.spec().id(), "JP,DE", "shared"))
        .header("x-request-id", "req_1")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private HttpResponse<String> ask(String path, String body) throws Exception {
    return client.send(request(path, body), HttpResponse.BodyHandlers.ofString());
  }

  private static final String ASK =
      "{ \"model\":\"shared\", \"messages\":[{\"role\":\"user\",\"content\":\"さくら\"}], "
          + "\"a_field_of_tomorrow\" : {\"x\":[1, 2.50]} }";

  @Test
  void bodiesPassThroughButForTheModelsNameThere() throws Exception {
    String answer =
        "{\"choices\":[],  \"of_tomorrow\":{\"y\":1.0},\"usage\":{\"prompt_tokens\":1}}";
    server.does(call -> call.whole(200, "application/json; x=y", answer));
    HttpResponse<String> response = ask(CHAT, ASK);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(answer);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json; x=y");

    PretendServer.Call call = server.calls.getFirst();
    assertThat(call.path()).isEqualTo(CHAT);
    assertThat(call.body()).isEqualTo(ASK.replace("\"shared\"", "\"org/Shared\""));
    assertThat(call.exchange().getRequestHeaders().getFirst("authorization"))
        .isEqualTo("Bearer sk-server");
    assertThat(call.exchange().getRequestHeaders().getFirst("x-request-id")).isEqualTo("req_1");
    assertThat(call.exchange().getRequestHeaders()).doesNotContainKey("X-grid-token");
  }

  @Test
  void aStreamComesFrameByFrameAndItsUsageIsAskedFor() throws Exception {
    var secondFrame = new CountDownLatch(1);
    server.does(
        call -> {
          try (OutputStream out = call.stream()) {
            PretendServer.Call.frame(out, "{\"n\":1}");
            await(secondFrame);
            PretendServer.Call.frame(out, "{\"n\":2}");
            PretendServer.Call.frame(out, "[DONE]");
          }
        });
    String asked = ASK.replaceFirst("\\{", "{\"stream\":true,");
    HttpResponse<InputStream> response =
        client.send(request(CHAT, asked), HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = response.body()) {
      String first = "data: {\"n\":1}\n\n";
      assertThat(new String(body.readNBytes(first.length()), UTF_8)).isEqualTo(first);
      secondFrame.countDown();
      assertThat(new String(body.readAllBytes(), UTF_8))
          .isEqualTo("data: {\"n\":2}\n\ndata: [DONE]\n\n");
    }
    assertThat(
            new ObjectMapper()
                .readTree(server.calls.getFirst().body())
                .path("stream_options")
                .path("include_usage")
                .booleanValue())
        .isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whoeverLeavesCancelsTheServersWork() throws Exception {
    server.does(
        call -> {
          try (OutputStream out = call.stream()) {
            while (true) {
              PretendServer.Call.frame(out, "{}");
              LockSupport.parkNanos(5_000_000);
            }
          }
        });
    HttpResponse<InputStream> response =
        client.send(request(CHAT, ASK), HttpResponse.BodyHandlers.ofInputStream());
    assertThat(response.body().read()).isEqualTo('d');
    assertThat(engine.load().running()).isOne();
    response.body().close();
    until(() -> server.gone.get() == 1);
    until(() -> engine.load().running() == 0);
    assertThat(engine.load().queuedTokens()).isZero();
  }

  @Test
  void anAnswerThatCannotGoOnHereIsRefusedBeforeTheServerIsAsked() throws Exception {
    restart(new OpenAiSettings("shared", server.url(), null, "org/Shared", 1_000, 4, true));
    byte[] replay = new Replay("c1", 5, "m", 0, true, false, "Once", 1, null, null).json();
    for (String prompt : List.of("\"Say: \"", "[5,6]")) {
      String body = "{\"model\":\"shared\",\"stream\":true,\"prompt\":" + prompt + "}";
      HttpRequest moved =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + agent.port() + "/v1/completions"))
              .header("x-grid-order", SignedOrder.of(TOKEN, agent.spec().id(), "JP,DE", "shared"))
              .header("x-grid-replay-bytes", "" + replay.length)
              .POST(HttpRequest.BodyPublishers.ofString(body + new String(replay, UTF_8)))
              .build();
      HttpResponse<String> response = client.send(moved, HttpResponse.BodyHandlers.ofString());
      if (prompt.startsWith("[")) {
        assertElsewhere(response, prompt);
      } else {
        assertThat(response.statusCode()).isEqualTo(200);
      }
    }
    assertThat(server.calls).hasSize(1);
    assertThat(server.calls.getFirst().body()).contains("Say: Once");
  }

  @Test
  void aStreamIsMovedOnceHoweverOftenItIsAskedTo() throws Exception {
    server.does(
        call -> {
          PretendServer.Call.frame(call.stream(), "{\"n\":1}");
          LockSupport.parkNanos(60_000_000_000L); // until it is killed
        });
    HttpResponse<InputStream> response =
        client.send(request(CHAT, ASK), HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = response.body()) {
      assertThat(body.read()).isEqualTo('d');
      RunningCall call = agent.running().iterator().next();
      assertThat(call.confirms()).as("a server does not say when its device is free").isFalse();
      var gone = new AtomicInteger();
      assertThat(call.move("radio", 100, gone::incrementAndGet)).isTrue();
      assertThat(call.move("radio", 100, gone::incrementAndGet)).isFalse();
      until(() -> gone.get() == 1);
      assertThat(new String(body.readAllBytes(), UTF_8)).endsWith("\n\n");
      until(() -> engine.load().running() == 0);
      assertThat(gone.get()).isOne();
    }
  }

  @Test
  void whatAnotherServerMayNotShareIsSaidToBeTriedElsewhere() throws Exception {
    for (int status : new int[] {401, 403, 404, 429, 500, 502, 503}) {
      server.does(
          call -> {
            call.exchange().getResponseHeaders().set("retry-after", "7");
            call.whole(status, "application/json", "{\"error\":\"the server's own words\"}");
          });
      assertElsewhere(ask(CHAT, ASK), "" + status);
    }
    server.does(call -> call.exchange().close());
    assertElsewhere(ask(CHAT, ASK), "closed");
    int nobody;
    try (var socket = new ServerSocket(0)) {
      nobody = socket.getLocalPort();
    }
    restart(settings(URI.create("http://127.0.0.1:" + nobody)));
    assertElsewhere(ask(CHAT, ASK), "nobody listens");
  }

  private static void assertElsewhere(HttpResponse<String> response, String why) {
    assertThat(response.statusCode()).as(why).isEqualTo(503);
    assertThat(response.headers().firstValue("x-grid-retry")).as(why).hasValue("elsewhere");
    assertThat(response.headers().firstValue("retry-after")).as(why).isPresent();
    assertThat(response.body()).as(why).doesNotContain("own words").contains("\"error\"");
  }

  @Test
  void whatIsTheClientsFaultReachesTheClient() throws Exception {
    String error = "{\"error\":{\"message\":\"max_tokens is too large\",\"code\":400}}";
    server.does(call -> call.whole(400, "application/json", error));
    HttpResponse<String> response = ask(CHAT, ASK);
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.body()).isEqualTo(error);
    assertThat(response.headers().firstValue("x-grid-retry")).isEmpty();

    server.does(call -> call.whole(404, "text/plain", "no such thing"));
    HttpResponse<String> missing = ask("/v1/responses", "{\"model\":\"shared\",\"input\":\"a\"}");
    assertThat(missing.statusCode()).isEqualTo(400);
    assertThat(missing.body()).contains("unsupported_model", "/v1/responses");
    assertThat(missing.headers().firstValue("x-grid-retry")).isEmpty();
  }

  @Test
  void aServerThatDiesInMidStreamBreaksTheStream() throws Exception {
    server.does(
        call -> {
          PretendServer.Call.frame(call.stream(), "{\"n\":1}");
          LockSupport.parkNanos(60_000_000_000L); // until it is killed
        });
    HttpResponse<InputStream> response =
        client.send(request(CHAT, ASK), HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = response.body()) {
      assertThat(body.read()).isEqualTo('d');
      server.close();
      assertThatThrownBy(body::readAllBytes).isInstanceOf(IOException.class);
    }
    until(() -> engine.load().running() == 0);
  }

  @Test
  void moreThanTheBoundIsRefusedAndTheServerNotAsked() throws Exception {
    var release = new CountDownLatch(1);
    server.does(
        call -> {
          await(release);
          call.whole(200, "application/json", "{}");
        });
    var open =
        java.util.stream.IntStream.range(0, 4)
            .mapToObj(
                _ -> client.sendAsync(request(CHAT, ASK), HttpResponse.BodyHandlers.ofString()))
            .toList();
    until(() -> server.calls.size() == 4);
    assertThat(engine.load().waiting()).isEqualTo(4);
    assertThat(engine.load().queuedTokens()).isPositive();
    assertElsewhere(ask(CHAT, ASK), "the fifth");
    assertThat(server.calls).hasSize(4);
    release.countDown();
    for (var one : open) {
      assertThat(one.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    until(() -> engine.load().waiting() == 0 && engine.load().running() == 0);
  }

  @Test
  void theGaugesOfVllmAreReported() {
    server.metrics(
        """
        # HELP vllm:num_requests_running Number of requests in model execution batches.
        # TYPE vllm:num_requests_running gauge
        vllm:num_requests_running{engine="0",model_name="org/Shared"} 17.0
        vllm:num_requests_running{engine="1",model_name="org/Shared"} 3.0
        vllm:num_requests_waiting{engine="0",model_name="org/Shared"} 5.0
        vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 5.0
        """);
    restart(settings(server.url()));
    until(
        () -> {
          EndpointLoad load = engine.load();
          return load.running() == 20 && load.waiting() == 5;
        });
  }

  @Test
  void aPageOfGaugesThatBreaksOffOrHangsIsForgottenAndAskedForAgain() throws Exception {
    String gauge = "vllm:num_requests_running 17.0\n";
    PretendServer.Script breaksOff =
        call -> {
          call.exchange().sendResponseHeaders(200, 1_000);
          call.exchange().getResponseBody().write(gauge.getBytes(UTF_8));
          call.exchange().close();
        };
    var hanging = new CountDownLatch(1);
    PretendServer.Script hangs =
        call -> {
          call.exchange().sendResponseHeaders(200, 1_000);
          call.exchange().getResponseBody().write(gauge.getBytes(UTF_8));
          call.exchange().getResponseBody().flush();
          await(hanging);
        };
    server.metrics(gauge);
    restart(settings(server.url()));
    for (PretendServer.Script script : List.of(breaksOff, hangs)) {
      until(() -> engine.load().running() == 17);
      server.metricsDo(script);
      until(() -> engine.load().running() == 0);
      server.metricsDo(null);
    }
    until(() -> engine.load().running() == 17);
    hanging.countDown();
  }

  @Test
  void anAddressThatIsNoneIsRefusedInASentence() {
    assertThatThrownBy(() -> settings(URI.create("ftp://host/v1")))
        .hasMessageContaining("expected: a URL, http://host:port/...");
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("did not come true within 20 s");
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
