package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
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
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.live.drill.StreamedAnswer;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.gguf.TinyModel;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Streams of a whole grid whose sites die under them: their readers see one answer, the same as
/// without a death.
@Timeout(120)
class ContinuityTest {
  private static final String KEY = "sk-test";
  private static final LiveGridSettings SETTINGS = LiveGridSettings.DEFAULT.beating(100, 400);

  @TempDir Path folder;

  private final HttpClient http = HttpClient.newHttpClient();

  @Test
  void emulatedStreamsSurviveTheDeathOfTheirSites() throws Exception {
    try (var grid = start(TopologyFile.bundled().withoutRadio())) {
      survive(grid, "llama-3.1-8b", 24, 120, "");
    }
  }

  @Test
  void llamaStreamsSurviveTheDeathOfTheirSites() throws Exception {
    TinyModel.write(folder.resolve("tiny.gguf"), 7);
    try (var grid = start(llamaAtThreeSites())) {
      survive(grid, "tiny", 6, 2_000, "");
    }
  }

  @Test
  void toolCallsSurviveTheDeathOfTheirSites() throws Exception {
    String required = "[\"a1\"" + ",\"a2\",\"a3\",\"a4\",\"a5\",\"a6\",\"a7\",\"a8\"]";
    String tools =
        ",\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
            + "\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{},\"required\":"
            + required
            + "}}}]";
    try (var grid = start(TopologyFile.bundled().withoutRadio())) {
      survive(grid, "llama-3.1-8b", 6, 120, tools);
    }
  }

  private final AtomicInteger begun = new AtomicInteger(); // streams that have had their head

  /// Each stream is asked for twice: left alone, and with its site killed in its middle.
  private void survive(LiveGrid grid, String model, int streams, int tokens, String more)
      throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var asked = new ArrayList<Future<StreamedAnswer>>();
      for (int i = 0; i < streams; i++) {
        int number = i;
        asked.add(threads.submit(() -> read(grid, model, number, tokens, more)));
      }
      var left = new ArrayList<StreamedAnswer>();
      for (Future<StreamedAnswer> one : asked) {
        left.add(one.get());
      }
      var disturbed = new ArrayList<Future<StreamedAnswer>>();
      for (int i = 0; i < streams; i++) {
        int number = i;
        disturbed.add(threads.submit(() -> read(grid, model, number, tokens, more)));
      }
      int killed = 0;
      var dead = new ArrayList<String>();
      while (killed < 2) {
        // What has no byte yet is tried elsewhere a few times only: another promise than this one.
        until(
            () ->
                begun.get() == 2 * streams && busiest(grid) != null
                    || disturbed.stream().allMatch(Future::isDone));
        SiteState victim = busiest(grid);
        if (victim == null) {
          break;
        }
        grid.kill(victim.id());
        dead.add(victim.id());
        killed++;
      }
      assertThat(dead).as("sites killed under streams").isNotEmpty();
      for (int i = 0; i < streams; i++) {
        StreamedAnswer undisturbed = left.get(i);
        StreamedAnswer answer = disturbed.get(i).get();
        assertThat(undisturbed.fault(true)).isNull();
        assertThat(answer.fault(true)).as("stream %d of %s", i, model).isNull();
        assertThat(answer.text()).isEqualTo(undisturbed.text());
        assertThat(answer.promptTokens()).isEqualTo(undisturbed.promptTokens());
        assertThat(answer.completionTokens()).isEqualTo(undisturbed.completionTokens());
      }
      String moves = metrics(grid);
      assertThat(moves).contains("grid_moves_total{why=\"lost\"}");
      assertThat(moves).doesNotContain("grid_broken_streams_total");
    }
  }

  private static @Nullable SiteState busiest(LiveGrid grid) {
    @Nullable SiteState found = null;
    for (SiteState site : grid.sites()) {
      boolean runs =
          site.state() == SiteState.Condition.UP
              && site.leaseMs() > 0
              && site.endpoints().stream().anyMatch(e -> e.running() > 0);
      if (runs && (found == null || running(site) > running(found))) {
        found = site;
      }
    }
    return found;
  }

  private static int running(SiteState site) {
    return site.endpoints().stream().mapToInt(SiteState.EndpointState::running).sum();
  }

  private static LiveGrid start(Topology topology) {
    return LiveGrid.start(topology, Keys.single(KEY, "tester"), SETTINGS);
  }

  private Topology llamaAtThreeSites() throws Exception {
    var text =
        new StringBuilder(
            "name = \"three\"\n[defaults]\njurisdiction = \"JP\"\noperator = \"o\"\n"
                + "accelerator = \"RTX 4090\"\nregion = \"r\"\n[callers]\nhome = \"cell-0\"\n"
                + "trusted-networks = [\"127.0.0.1/32\"]\n");
    for (int i = 0; i < 3; i++) {
      text.append("[[site]]\nid = \"cell-")
          .append(i)
          .append("\"\nname = \"c\"\ntier = \"cell\"\nlatitude = 35.")
          .append(i)
          .append("\nlongitude = 139.0\nendpoints = [{ model = \"tiny\", sequences = 2, gguf = \"")
          .append(folder.resolve("tiny.gguf"))
          .append("\" }]\n");
    }
    text.append(
        "[model.tiny]\nactive-parameters-billions = 0.001\nweight-bytes = 600_000\n"
            + "kv-bytes-per-token = 256\ncontext-tokens = 4_096\n");
    return TopologyFile.parse("three.toml", text.toString());
  }

  private StreamedAnswer read(LiveGrid grid, String model, int number, int tokens, String more)
      throws Exception {
    String body =
        "{\"model\":\""
            + model
            + "\",\"temperature\":0,\"stream\":true,\"stream_options\":{\"include_usage\":true},"
            + "\"messages\":[{\"role\":\"user\",\"content\":\"tell me of "
            + number
            + "\"}],\"ignore_eos\":"
            + more.isEmpty()
            + ",\"max_tokens\":"
            + tokens
            + more
            + "}";
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
            .version(HttpClient.Version.HTTP_1_1)
            .timeout(Duration.ofSeconds(100))
            .header("Authorization", "Bearer " + KEY)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<InputStream> answer =
        http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    begun.incrementAndGet();
    try (var lines =
        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
      if (answer.statusCode() != 200) {
        throw new AssertionError(
            "stream " + number + ": " + answer.statusCode() + " " + lines.readLine());
      }
      return StreamedAnswer.read(lines, "");
    }
  }

  private String metrics(LiveGrid grid) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + grid.port() + "/metrics"))
            .header("Authorization", "Bearer " + KEY)
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
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
