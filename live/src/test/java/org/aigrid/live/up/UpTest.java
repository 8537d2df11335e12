package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.gguf.TinyModel;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// The whole grid in this process, asked over real sockets.
@Timeout(120)
class UpTest {
  private static final String KEY = "sk-test";
  private static final LiveGridSettings SETTINGS = LiveGridSettings.DEFAULT.beating(100, 400);

  @TempDir Path folder;

  private static LiveGrid start(Topology topology) {
    return LiveGrid.start(topology, Keys.single(KEY, "tester"), SETTINGS);
  }

  @Test
  void theBundledGridAnswersWholeAndStreamed() throws Exception {
    try (var grid = start(TopologyFile.bundled().withoutRadio());
        var http = HttpClient.newHttpClient()) {
      assertThat(grid.sites()).hasSize(13).allMatch(site -> site.leaseMs() > 0);

      HttpResponse<String> whole =
          http.send(
              ask(grid, "llama-3.1-8b", "Good morning", 8, false),
              HttpResponse.BodyHandlers.ofString());
      assertThat(whole.statusCode()).as(whole.body()).isEqualTo(200);
      JsonNode answer = new ObjectMapper().readTree(whole.body());
      assertThat(answer.path("choices").path(0).path("message").path("content").asString(""))
          .contains("emulated");
      assertThat(answer.path("usage").path("completion_tokens").intValue()).isEqualTo(8);
      assertThat(whole.headers().firstValue("x-grid-site")).isPresent();

      HttpResponse<String> streamed =
          http.send(
              ask(grid, "llama-3.1-8b", "Good morning", 8, true),
              HttpResponse.BodyHandlers.ofString());
      assertThat(streamed.body()).startsWith("data: {").endsWith("data: [DONE]\n\n");
      assertThat(streamed.body()).doesNotContain("\"usage\":{");
    }
  }

  @Test
  void aRealModelAtTheHubAnswersThroughLlamaCpp() throws Exception {
    Path file = folder.resolve("tiny.gguf");
    TinyModel.write(file, 7);
    var notes = new ArrayList<String>();
    Topology topology =
        RequestedEngines.withHubModel(TopologyFile.bundled().withoutRadio(), file, notes);
    assertThat(notes).singleElement().asString().contains("llama.cpp");
    try (var grid = start(topology);
        var http = HttpClient.newHttpClient()) {
      HttpResponse<String> whole =
          http.send(
              ask(grid, "tiny", "Good morning", 8, false), HttpResponse.BodyHandlers.ofString());
      assertThat(whole.statusCode()).as(whole.body()).isEqualTo(200);
      assertThat(whole.headers().firstValue("x-grid-tier")).hasValue("hub");
      assertThat(whole.body()).doesNotContain("emulated");
      assertThat(
              new ObjectMapper()
                  .readTree(whole.body())
                  .path("usage")
                  .path("completion_tokens")
                  .intValue())
          .isBetween(1, 8);
      assertThat(grid.sites().getFirst().endpoints().getFirst().engine()).isEqualTo("llama");
    }
  }

  /// One request of the drill, and what its client saw.
  private record Seen(int status, String site, int attempts, boolean anyText, boolean whole) {}

  @Test
  void aSiteKilledUnderLoadCostsNobodyWhoHadNoByteYetAndGetsNothingAfterItsLease()
      throws Exception {
    int requests = 200;
    try (var grid = start(TopologyFile.bundled().withoutRadio());
        var http = HttpClient.newHttpClient();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var sent = new CountDownLatch(requests);
      var ended = new AtomicInteger();
      var seen = new ArrayList<Future<Seen>>();
      for (int i = 0; i < requests; i++) {
        String prompt = i + " " + "long ago ".repeat(2_000);
        seen.add(
            threads.submit(
                () -> {
                  sent.countDown();
                  try {
                    return stream(http, ask(grid, "llama-3.1-8b", prompt, 40, true));
                  } finally {
                    ended.incrementAndGet();
                  }
                }));
      }
      assertThat(sent.await(60, TimeUnit.SECONDS)).isTrue();
      until(
          () ->
              busiestCell(grid).endpoints().stream().anyMatch(e -> e.running() + e.waiting() >= 4));
      String victim = busiestCell(grid).id();
      assertThat(ended.get()).as("under way").isLessThan(requests);
      assertThat(grid.kill(victim)).isTrue();

      int retried = 0;
      for (Future<Seen> one : seen) {
        Seen request = one.get();
        if (!request.whole()) {
          assertThat(request.anyText())
              .as("only a stream that had begun may break: " + request)
              .isTrue();
          assertThat(request.site()).isEqualTo(victim);
        }
        retried += request.attempts() > 1 ? 1 : 0;
      }
      assertThat(retried).as("requests that went on elsewhere").isPositive();

      until(() -> state(grid, victim).leaseMs() == 0);
      for (int i = 0; i < 60; i++) {
        Seen after = stream(http, ask(grid, "llama-3.1-8b", "after " + i, 1, true, victim));
        assertThat(after.whole()).isTrue();
        assertThat(after.site()).isNotEqualTo(victim);
        assertThat(after.attempts()).as("it is not even tried").isEqualTo(1);
      }

      assertThat(grid.revive(victim)).isTrue();
      until(() -> state(grid, victim).leaseMs() > 0);
      until(
          () ->
              stream(http, ask(grid, "llama-3.1-8b", "again", 1, true, victim))
                  .site()
                  .equals(victim));
    }
  }

  @Test
  void aDrainedSiteFinishesWhatRunsAndTakesNothingNew() throws Exception {
    try (var grid = start(TopologyFile.bundled().withoutRadio());
        var http = HttpClient.newHttpClient();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Seen> running =
          threads.submit(
              () -> stream(http, ask(grid, "llama-3.1-8b", "tell", 150, true, "cell-ota")));
      until(() -> grid.sites().stream().anyMatch(s -> s.endpoints().getFirst().running() > 0));
      String busy =
          grid.sites().stream()
              .filter(s -> s.endpoints().getFirst().running() > 0)
              .findFirst()
              .orElseThrow()
              .id();
      assertThat(grid.drain(busy)).isTrue();
      assertThat(running.get().whole()).isTrue();
      assertThat(state(grid, busy).state()).isEqualTo(SiteState.Condition.DRAINING);
      Seen next = stream(http, ask(grid, "llama-3.1-8b", "next", 1, true, "cell-ota"));
      assertThat(next.whole()).isTrue();
      assertThat(next.site()).isNotEqualTo(busy);
      assertThat(grid.kill("nobody")).isFalse();
    }
  }

  @Test
  void aPortThatIsTakenStopsWhatWasStarted() {
    try (var first = start(TopologyFile.bundled().withoutRadio())) {
      LiveGridSettings same = SETTINGS.withHttp(SETTINGS.http().at("127.0.0.1", first.port()));
      assertThatThrownBy(
              () ->
                  LiveGrid.start(
                      TopologyFile.bundled().withoutRadio(), Keys.single(KEY, "tester"), same))
          .hasMessageContaining("cannot listen on 127.0.0.1:" + first.port());
    }
  }

  private static SiteState busiestCell(LiveGrid grid) {
    return grid.sites().stream()
        .filter(site -> site.id().startsWith("cell-"))
        .max(
            Comparator.comparingInt(
                site -> site.endpoints().stream().mapToInt(e -> e.running() + e.waiting()).sum()))
        .orElseThrow();
  }

  private static SiteState state(LiveGrid grid, String id) {
    return grid.sites().stream().filter(site -> site.id().equals(id)).findFirst().orElseThrow();
  }

  private static Seen stream(HttpClient http, HttpRequest request) {
    boolean anyText = false;
    boolean whole = false;
    int status = 0;
    String site = "";
    int attempts = 0;
    try {
      HttpResponse<InputStream> response =
          http.send(request, HttpResponse.BodyHandlers.ofInputStream());
      status = response.statusCode();
      site = response.headers().firstValue("x-grid-site").orElse("");
      attempts = Integer.parseInt(response.headers().firstValue("x-grid-attempts").orElse("0"));
      try (var lines =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          anyText |= line.startsWith("data: {\"id\"");
          whole |= line.equals("data: [DONE]");
        }
      }
    } catch (IOException e) {
      // What was seen until then says enough.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new Seen(status, site, attempts, anyText, whole && status == 200);
  }

  private static HttpRequest ask(
      LiveGrid grid, String model, String prompt, int tokensMax, boolean stream) {
    return ask(grid, model, prompt, tokensMax, stream, "cell-minato");
  }

  private static HttpRequest ask(
      LiveGrid grid, String model, String prompt, int tokensMax, boolean stream, String cell) {
    String body =
        "{\"model\":\""
            + model
            + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
            + prompt
            + "\"}],\"max_tokens\":"
            + tokensMax
            + ",\"stream\":"
            + stream
            + "}";
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
        .version(HttpClient.Version.HTTP_1_1)
        .timeout(Duration.ofSeconds(100))
        .header("Authorization", "Bearer " + KEY)
        .header("Content-Type", "application/json")
        .header("x-grid-cell", cell)
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private static void until(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 60 s");
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
