package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aigrid.live.drill.StreamedAnswer;
import org.aigrid.live.gateway.CallerNotice;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// Callers who move through a whole grid: their sessions go with them, where that is cheaper.
@Timeout(120)
class MobilityTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final String STORY = "A train went along the bay and its readers with it. ";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private LiveGrid grid;

  @BeforeEach
  void start() throws Exception {
    grid =
        LiveGrid.start(
            country(),
            Keys.single("sk-test", "tester"),
            LiveGridSettings.DEFAULT.beating(100, 2_000));
  }

  @AfterEach
  void stop() {
    grid.close();
    threads.close();
    http.close();
  }

  /// Two cells 3 km from one another, and one at the other end of the world.
  private static Topology country() throws Exception {
    var text =
        new StringBuilder(
            "name = \"c\"\n[defaults]\njurisdiction = \"JP\"\noperator = \"o\"\nregion = \"r\"\n"
                + "accelerator = \"RTX PRO 6000\"\n[callers]\nhome = \"cell-a\"\n"
                + "trusted-networks = [\"127.0.0.1/32\"]\n");
    String[] sites = {"a 35.60 139.70", "b 35.62 139.72", "far -33.0 151.0"};
    for (String site : sites) {
      String[] parts = site.split(" ");
      text.append("[[site]]\nid = \"cell-" + parts[0] + "\"\nname = \"c\"\ntier = \"cell\"\n")
          .append("latitude = " + parts[1] + "\nlongitude = " + parts[2] + "\n")
          .append("endpoints = [{ model = \"" + MODEL + "\" }]\n");
    }
    return TopologyFile.parse("country.toml", text.toString());
  }

  // ---- between turns

  @Test
  void aNextTurnRunsWhereItsCallerWentAndFindsItsPromptThere() throws Exception {
    Turn first = turn("chat", STORY.repeat(40), null);
    assertThat(first.site()).isEqualTo("cell-a");
    assertThat(first.cachedTokens()).isZero();
    notice("chat", "cell-b", 0);
    untilCounted("grid_prewarms_total{outcome=\"done\"}", 1);

    Turn next = turn("chat", STORY.repeat(40) + "And then?", null);
    assertThat(next.site()).isEqualTo("cell-b");
    assertThat(next.cachedTokens()).isGreaterThan(first.promptTokens() * 8 / 10);
    untilCounted("grid_prewarm_turns_total{hit=\"true\"}", 1);
    assertThat(counted("grid_prewarm_tokens_total"))
        .as("computed once, and paid by nobody")
        .isEqualTo(first.promptTokens());
    assertThat(counted("grid_tokens_total{kind=\"prompt\""))
        .isEqualTo(first.promptTokens() + next.promptTokens());
  }

  @Test
  void withoutANoticeThePromptAtTheOldCellCountsAgainstTheNewOne() throws Exception {
    Turn first = turn("chat", STORY.repeat(40), "cell-a");
    assertThat(first.site()).isEqualTo("cell-a");
    Turn next = turn("chat", STORY.repeat(40) + "And then?", "cell-b");
    assertThat(next.site()).as("2 ms of way are less than the prefill").isEqualTo("cell-a");
    assertThat(next.cachedTokens()).isPositive();
    assertThat(counted("grid_handovers_total{by=\"request\"}")).isEqualTo(1);
    assertThat(counted("grid_prewarms_total")).isZero();

    Turn other = turn("chat", "Something else, and short.", "cell-b");
    assertThat(other.site()).as("nothing is cached of this one").isEqualTo("cell-b");
  }

  @Test
  void aPredictionPreparesTheCellAndMovesNobody() throws Exception {
    turn("chat", STORY.repeat(40), null);
    notice("chat", "cell-b", 20_000);
    untilCounted("grid_prewarms_total{outcome=\"done\"}", 1);
    Turn still = turn("chat", STORY.repeat(40) + "And?", null);
    assertThat(still.site()).isEqualTo("cell-a");
    notice("chat", "cell-b", 0);
    Turn moved = turn("chat", STORY.repeat(40) + "And then?", null);
    assertThat(moved.site()).isEqualTo("cell-b");
    assertThat(moved.cachedTokens()).isPositive();
  }

  // ---- streams under way

  @Test
  void aStreamStaysWhenItsCallerIsNextDoor() throws Exception {
    StreamedAnswer alone = stream("alone", "tell me", 250).get();
    Future<StreamedAnswer> asked = stream("chat", "tell me", 250);
    untilCounted("grid_requests_in_flight", 1);
    notice("chat", "cell-b", 0);
    untilCounted("grid_kept_streams_total{why=\"cost\"}", 1);
    StreamedAnswer answer = asked.get();
    assertSame(answer, alone);
    assertThat(answer.moves()).isZero();
    assertThat(counted("grid_moves_total")).isZero();
    untilCounted("grid_prewarms_total", 1); // for the turn that follows
  }

  @Test
  void streamsGoAfterCallersWhoAreFarAwayAndComeBackWithThem() throws Exception {
    int streams = 12;
    var alone = new ArrayList<Future<StreamedAnswer>>();
    for (int i = 0; i < streams; i++) {
      alone.add(stream("alone-" + i, "tell me of " + i, 500));
    }
    double prompts = 0;
    for (Future<StreamedAnswer> one : alone) {
      prompts += one.get().promptTokens();
    }
    var asked = new ArrayList<Future<StreamedAnswer>>();
    for (int i = 0; i < streams; i++) {
      asked.add(stream("chat-" + i, "tell me of " + i, 500));
    }
    untilCounted("grid_requests_in_flight", streams);
    for (int i = 0; i < streams; i++) {
      notice("chat-" + i, "cell-far", 0);
    }
    untilCounted("grid_moves_total{why=\"handover\"}", streams);
    for (int i = 0; i < streams; i++) {
      notice("chat-" + i, "cell-a", 0);
    }
    for (int i = 0; i < streams; i++) {
      StreamedAnswer answer = asked.get(i).get();
      assertSame(answer, alone.get(i).get());
      assertThat(answer.moves()).as("stream %d", i).isBetween(1, 2);
      prompts += answer.promptTokens();
    }
    assertThat(counted("grid_tokens_total{kind=\"prompt\""))
        .as("a prompt is charged once, however often its stream moves")
        .isEqualTo(prompts);
    assertThat(counted("grid_broken_streams_total")).isZero();
    long giveUp = System.nanoTime() + 60_000_000_000L;
    while (counted("grid_requests_in_flight") > 0) {
      pause(giveUp);
    }
  }

  @Test
  void aLongPromptIsComputedThereBeforeItsStreamIsHeld() throws Exception {
    String prompt = STORY.repeat(3_000);
    StreamedAnswer alone = stream("alone", prompt, 400).get();
    Future<StreamedAnswer> asked = stream("chat", prompt, 400);
    untilCounted("grid_requests_in_flight", 1);
    notice("chat", "cell-far", 0);
    StreamedAnswer answer = asked.get();
    assertSame(answer, alone);
    assertThat(answer.moves()).isEqualTo(1);
    assertThat(counted("grid_prewarms_total{outcome=\"done\"}")).isEqualTo(1);
    assertThat(counted("grid_prewarm_tokens_total")).isEqualTo(answer.promptTokens());
  }

  private static void assertSame(StreamedAnswer answer, StreamedAnswer alone) {
    assertThat(alone.fault(true)).isNull();
    assertThat(answer.fault(true)).isNull();
    assertThat(answer.text()).isEqualTo(alone.text());
    assertThat(answer.promptTokens()).isEqualTo(alone.promptTokens());
    assertThat(answer.completionTokens()).isEqualTo(alone.completionTokens());
  }

  // ---- the caller, and the network

  private void notice(String session, String cell, long inMs) {
    assertThat(grid.callerNoticed(null, session, cell, inMs)).isEqualTo(CallerNotice.TAKEN);
  }

  private record Turn(String site, int promptTokens, int cachedTokens) {}

  /// @param cell that the network says with the request; null when it says nothing
  private Turn turn(String session, String prompt, @Nullable String cell) throws Exception {
    HttpRequest.Builder request = request(body(session, prompt, 4, false));
    if (cell != null) {
      request.header("x-grid-cell", cell);
    }
    HttpResponse<String> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    JsonNode usage = JSON.readTree(response.body()).path("usage");
    return new Turn(
        response.headers().firstValue("x-grid-site").orElse(""),
        usage.path("prompt_tokens").asInt(-1),
        usage.path("prompt_tokens_details").path("cached_tokens").asInt(0));
  }

  private Future<StreamedAnswer> stream(String session, String prompt, int tokens) {
    return threads.submit(
        () -> {
          HttpRequest request = request(body(session, prompt, tokens, true)).build();
          try (var lines =
              new BufferedReader(
                  new InputStreamReader(
                      http.send(request, HttpResponse.BodyHandlers.ofInputStream()).body(),
                      StandardCharsets.UTF_8))) {
            return StreamedAnswer.read(lines, "");
          }
        });
  }

  private static String body(String session, String prompt, int tokens, boolean stream) {
    return "{\"model\":\""
        + MODEL
        + "\",\"prompt_cache_key\":\""
        + session
        + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
        + prompt
        + "\"}],\"ignore_eos\":true,\"temperature\":0,\"max_tokens\":"
        + tokens
        + (stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "")
        + "}";
  }

  private HttpRequest.Builder request(String body) {
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
        .version(HttpClient.Version.HTTP_1_1)
        .timeout(Duration.ofSeconds(100))
        .header("Authorization", "Bearer sk-test")
        .POST(HttpRequest.BodyPublishers.ofString(body));
  }

  private void untilCounted(String metric, double least) throws Exception {
    long giveUp = System.nanoTime() + 60_000_000_000L;
    while (counted(metric) < least) {
      pause(giveUp);
    }
  }

  private static void pause(long giveUpNanos) throws InterruptedException {
    if (System.nanoTime() > giveUpNanos) {
      throw new AssertionError("did not happen within 60 s");
    }
    LockSupport.parkNanos(2_000_000);
  }

  /// Sum over the series that begin so.
  private double counted(String metric) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + grid.port() + "/metrics")).build();
    String scraped = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    Matcher lines =
        Pattern.compile("(?m)^" + Pattern.quote(metric) + "[^ ]* ([0-9.eE+]+)$").matcher(scraped);
    double sum = 0;
    while (lines.find()) {
      sum += Double.parseDouble(lines.group(1));
    }
    return sum;
  }
}
