package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.site.PretendServer;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `--upstream URL`: servers of somebody else in the whole grid.
@Timeout(120)
class UpstreamTest {
  private static final String KEY = "sk-test";
  private static final LiveGridSettings SETTINGS = LiveGridSettings.DEFAULT.beating(100, 400);
  private static final String USAGE =
      "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}";

  private final HttpClient client = HttpClient.newHttpClient();

  private static LiveGrid grid(PretendServer... servers) throws InterruptedException {
    Topology topology = TopologyFile.bundled();
    for (PretendServer server : servers) {
      topology = RequestedEngines.withServer(topology, server.url(), null, new ArrayList<String>());
    }
    return LiveGrid.start(topology, Keys.single(KEY, "tester"), SETTINGS);
  }

  private static void streams(PretendServer.Call call, String text, int thinkMs)
      throws IOException {
    LockSupport.parkNanos(thinkMs * 1_000_000L);
    try (OutputStream out = call.stream()) {
      PretendServer.Call.frame(
          out, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + text + "\"}}]}");
      if (call.body().contains("\"include_usage\":true")) {
        PretendServer.Call.frame(out, USAGE);
      }
      PretendServer.Call.frame(out, "[DONE]");
    }
  }

  private static HttpRequest ask(LiveGrid grid, String fields) {
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
        .header("authorization", "Bearer " + KEY)
        .POST(
            HttpRequest.BodyPublishers.ofString(
                "{\"model\":\"shared\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
                    + "\"stream\":true"
                    + fields
                    + "}"))
        .build();
  }

  @Test
  void itsModelsAreOfferedAndItsUsageChunkShownOnlyToWhoAsked() throws Exception {
    try (var server = new PretendServer(call -> streams(call, "yes", 0));
        var grid = grid(server)) {
      HttpResponse<String> silent =
          client.send(ask(grid, ""), HttpResponse.BodyHandlers.ofString());
      assertThat(silent.statusCode()).as(silent.body()).isEqualTo(200);
      assertThat(silent.headers().firstValue("x-grid-tier")).hasValue("hub");
      assertThat(silent.body()).contains("yes").doesNotContain("usage").endsWith("[DONE]\n\n");
      HttpResponse<String> curious =
          client.send(
              ask(grid, ",\"stream_options\":{\"include_usage\":true}"),
              HttpResponse.BodyHandlers.ofString());
      assertThat(curious.body()).containsOnlyOnce(USAGE);

      // What the server said it used is accounted for, asked for or not.
      until(
          () ->
              metrics(grid)
                  .lines()
                  .anyMatch(
                      line ->
                          line.contains("kind=\"prompt\",model=\"shared\"")
                              && line.endsWith(" 6.0")));
    }
  }

  private String metrics(LiveGrid grid) {
    URI address = URI.create("http://127.0.0.1:" + grid.port() + "/metrics");
    return client
        .sendAsync(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString())
        .join()
        .body();
  }

  @Test
  void whenAServerIsKilledRequestsWithoutAByteGoToTheOther() throws Exception {
    int requests = 100;
    try (var first = new PretendServer(call -> streams(call, "from the first", 400));
        var second = new PretendServer(call -> streams(call, "from the second", 400));
        var grid = grid(first, second)) {
      var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (int i = 0; i < requests; i++) {
        answers.add(client.sendAsync(ask(grid, ""), HttpResponse.BodyHandlers.ofString()));
      }
      until(() -> first.calls.size() + second.calls.size() >= requests / 2);
      assertThat(first.calls).as("calls at the first").isNotEmpty();
      first.close();
      int moved = 0;
      for (var answer : answers) {
        HttpResponse<String> response = answer.get(60, TimeUnit.SECONDS);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(response.body()).endsWith("[DONE]\n\n").doesNotContain("error");
        moved += "1".equals(response.headers().firstValue("x-grid-attempts").orElse("")) ? 0 : 1;
      }
      assertThat(moved).as("requests that went on elsewhere").isPositive();
    }
  }

  @Test
  void aServerThatIsNoneIsToldInASentence() throws Exception {
    int nobody;
    try (var socket = new ServerSocket(0)) {
      nobody = socket.getLocalPort();
    }
    assertThatThrownBy(
            () ->
                RequestedEngines.withServer(
                    TopologyFile.bundled(),
                    URI.create("http://127.0.0.1:" + nobody),
                    null,
                    new ArrayList<>()))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("does not list its models")
        .hasMessageContaining("expected: a server that speaks the OpenAI API");
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
