package org.aigrid.live.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import java.io.BufferedReader;
import java.io.InputStreamReader;
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
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.AttemptSettings;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.GridSource;
import org.aigrid.live.control.SiteAddress;
import org.aigrid.live.drill.StreamedAnswer;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.wire.Replay;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Streams whose site goes away in the middle, against sites that do so on command.
@Timeout(60)
class FailoverTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final String BODY =
      "{\"model\":\"llama-3.1-8b\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
          + "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]";
  private static final List<String> WORDS = List.of("Once", " upon", " a", " time", " there");

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final List<FakeSite> sites = new ArrayList<>();
  private Gateway gateway;

  @BeforeEach
  void start() {
    for (int i = 0; i < 3; i++) {
      sites.add(new FakeSite((context, seen) -> answer(context, seen, WORDS.size())));
    }
    gateway = gateway(AttemptSettings.DEFAULT);
  }

  @AfterEach
  void stop() {
    gateway.close();
    sites.forEach(FakeSite::close);
    client.close();
  }

  private Gateway gateway(AttemptSettings attempts) {
    return Gateway.start(
        GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "site-0")
            .withRouter(RouterSettings.DEFAULT.withExplorationShare(0))
            .withAttempts(attempts),
        grid(),
        Keys.single("sk-test", "tester"));
  }

  /// Three sites, each farther from the caller than the one before.
  private GridSource grid() {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    var endpoint =
        new EndpointSpec(
            Objects.requireNonNull(Models.byName(MODEL)),
            EngineKind.EMULATED,
            Objects.requireNonNull(Accelerators.byName("RTX PRO 6000")),
            1,
            64);
    long nowMs = System.nanoTime() / 1_000_000;
    for (int i = 0; i < 3; i++) {
      String id = "site-" + i;
      builder.register(
          new SiteSpec(
              id,
              id,
              i < 2 ? Tier.CELL : Tier.HUB,
              "here",
              new GeoPoint(35 + i, 139),
              "JP",
              "operator",
              List.of(endpoint)));
      builder.apply(
          new Heartbeat(
              id, 1, 15_000, AdmissionState.NEW_AND_EXISTING, List.of(EndpointLoad.idle(MODEL))),
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
        return sites.get(site).address();
      }
    };
  }

  /// Answers as a site agent does, from where the replay ends, up to the given word.
  private static void answer(ChannelHandlerContext context, FakeSite.Seen seen, int upTo) {
    Replay replay = replayOf(seen);
    int from = replay == null ? 0 : replay.tokens();
    FakeSite.beginStream(context);
    if (replay == null) {
      FakeSite.frame(context, chunk("c1", "{\"role\":\"assistant\",\"content\":\"\"}", "null"));
    }
    for (int i = from; i < upTo; i++) {
      FakeSite.frame(
          context,
          ": tokens emulated "
              + i
              + "\n"
              + chunk("c1", "{\"content\":\"" + WORDS.get(i) + "\"}", "null"));
    }
    if (upTo == WORDS.size()) {
      end(context);
    }
  }

  private static void end(ChannelHandlerContext context) {
    FakeSite.frame(
        context,
        chunk("c1", "{}", "\"stop\"")
            + "data: {\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[],\"usage\":"
            + "{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\n"
            + "data: [DONE]\n\n");
    FakeSite.endStream(context);
  }

  private static String chunk(String id, String delta, String finish) {
    return "data: {\"id\":\""
        + id
        + "\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + ",\"finish_reason\":"
        + finish
        + "}]}\n\n";
  }

  private static @Nullable Replay replayOf(FakeSite.Seen seen) {
    String bytes = seen.headers().get("x-grid-replay-bytes");
    if (bytes == null) {
      return null;
    }
    byte[] body = seen.body().getBytes(StandardCharsets.UTF_8);
    int length = Integer.parseInt(bytes);
    return Replay.parse(body, body.length - length, length);
  }

  private StreamedAnswer ask(String more) throws Exception {
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port() + "/v1/chat/completions"))
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.ofString(BODY + more + "}"))
            .header("authorization", "Bearer sk-test")
            .build();
    try (var lines =
        new BufferedReader(
            new InputStreamReader(
                client.send(request, HttpResponse.BodyHandlers.ofInputStream()).body(),
                StandardCharsets.UTF_8))) {
      return StreamedAnswer.read(lines, "");
    }
  }

  private static void assertWhole(StreamedAnswer answer) {
    assertThat(answer.fault(true)).isNull();
    assertThat(answer.text()).isEqualTo("Once upon a time there");
    assertThat(answer.promptTokens()).isEqualTo(7);
    assertThat(answer.completionTokens()).isEqualTo(5);
  }

  @Test
  void aStreamWhoseSiteDiesGoesOnAtTheNextAndOnce() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          answer(context, seen, 2);
          FakeSite.frame(context, "data: {\"id\":\"c1\",\"half a fr");
          context.executor().schedule(() -> context.close(), 30, TimeUnit.MILLISECONDS);
        };
    FakeSite.Script second =
        (context, seen) -> {
          boolean dies = attemptOf(seen) == 1;
          answer(context, seen, dies ? 4 : WORDS.size());
          if (dies) {
            context.executor().schedule(() -> context.close(), 30, TimeUnit.MILLISECONDS);
          }
        };
    sites.get(1).script = sites.get(2).script = second;
    assertWhole(ask(""));
    FakeSite.Seen first = attempt(0);
    assertThat(replayOf(first)).isNull();
    FakeSite.Seen moved = attempt(1);
    assertThat(moved.body()).as("the client's body, unchanged").startsWith(first.body());
    Replay replay = movedTo(moved);
    assertThat(replay.text()).isEqualTo("Once upon");
    assertThat(replay.ids()).containsExactly(0, 1);
    assertThat(replay.id()).isEqualTo("c1");
    assertThat(replay.opened()).isTrue();
    assertThat(movedTo(attempt(2)).tokens()).isEqualTo(4);
  }

  private static Replay movedTo(FakeSite.Seen seen) {
    return Objects.requireNonNull(replayOf(seen));
  }

  /// As the order says it.
  private static int attemptOf(FakeSite.Seen seen) {
    String order = Objects.requireNonNull(seen.headers().get("x-grid-order"));
    return Integer.parseInt(order.split("\\|", -1)[4]);
  }

  private FakeSite.Seen attempt(int number) {
    return sites.stream()
        .flatMap(site -> site.seenList.stream())
        .filter(seen -> attemptOf(seen) == number)
        .findFirst()
        .orElseThrow();
  }

  private String metrics() throws Exception {
    return client
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + "/metrics"))
                .header("authorization", "Bearer sk-test")
                .build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  @Test
  void aSiteMayAskForTheMoveInATrailer() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          answer(context, seen, 3);
          var last = new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER);
          last.trailingHeaders().set("x-grid-move", "radio");
          context.writeAndFlush(last);
        };
    StreamedAnswer answer = ask("");
    assertWhole(answer);
    assertThat(metrics()).contains("grid_moves_total{why=\"radio\"} 1");
  }

  @Test
  void aSiteThatFallsSilentIsLeft() throws Exception {
    gateway.close();
    AttemptSettings usual = AttemptSettings.DEFAULT;
    gateway =
        gateway(
            new AttemptSettings(
                usual.attemptsMax(),
                usual.firstByteMsLeast(),
                usual.firstByteFactor(),
                usual.firstByteMsMost(),
                100,
                2,
                200,
                usual.movesMax(),
                usual.moveTriesMax(),
                usual.moveMsMax(),
                usual.moveAgainMs(),
                usual.hedgeFactor()));
    sites.get(0).script = (context, seen) -> answer(context, seen, 2); // and then nothing
    assertWhole(ask(""));
  }

  @Test
  void aStreamThatEndsWithoutSayingSoIsNotTakenForAnAnswer() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          answer(context, seen, 2);
          FakeSite.endStream(context);
        };
    assertWhole(ask(""));
  }

  @Test
  void aLastFrameWithoutItsEmptyLineIsPassedOnWhenItIsWholeAndForgottenWhenNot() throws Exception {
    for (String cut : List.of("", "ent\":\" time\"},\"finish_reason\":null}]}")) {
      sites.get(0).script =
          (context, seen) -> {
            answer(context, seen, 3);
            FakeSite.frame(
                context,
                ": tokens emulated 3\n"
                    + "data: {\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,"
                    + "\"delta\":{\"cont"
                    + cut);
            FakeSite.endStream(context);
          };
      assertWhole(ask(""));
      Replay replay = movedTo(attempt(1));
      assertThat(replay.text()).isEqualTo(cut.isEmpty() ? "Once upon a" : "Once upon a time");
      assertThat(replay.tokens()).isEqualTo(cut.isEmpty() ? 3 : 4);
      sites.forEach(site -> site.seenList.clear());
      gateway.close();
      gateway = gateway(AttemptSettings.DEFAULT);
    }
  }

  private static final String DEATH =
      "data: {\"error\":{\"message\":\"EngineDeadError\",\"type\":\"InternalServerError\",\"code\":500}}"
          + "\n\ndata: [DONE]\n\n";

  @Test
  void anEngineThatReportsItsDeathInAFrameIsLeftAsIfItHadSaidNothing() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          answer(context, seen, 2);
          FakeSite.frame(context, DEATH);
          FakeSite.endStream(context);
        };
    assertWhole(ask(""));
    assertThat(movedTo(attempt(1)).text()).isEqualTo("Once upon");
  }

  @Test
  void anEngineThatDiesAtItsFirstFrameIsLeftBeforeTheAnswerOpens() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(context, DEATH);
          FakeSite.endStream(context);
        };
    FakeSite.Script next =
        (context, seen) -> {
          assertThat(movedTo(seen).opened()).isFalse();
          answer(context, seen, WORDS.size());
        };
    sites.get(1).script = sites.get(2).script = next;
    assertWhole(ask(""));
  }

  @Test
  void whatFailsTwiceAtTheSamePlaceIsTheRequestsFaultAndItsClientsToKnow() throws Exception {
    FakeSite.Script dying =
        (context, seen) -> {
          answer(context, seen, 2);
          FakeSite.frame(context, DEATH);
          FakeSite.endStream(context);
        };
    sites.forEach(site -> site.script = dying);
    assertThat(ask("").fault(true)).isEqualTo("EngineDeadError");
    assertThat(sites.stream().mapToInt(site -> site.seenList.size()).sum()).isEqualTo(2);
  }

  @Test
  void aReportOfDeathIsPassedOnWhereTheStreamCannotGoOn() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          answer(context, seen, 2);
          FakeSite.frame(context, DEATH);
          FakeSite.endStream(context);
        };
    assertThat(ask(",\"n\":2").fault(true)).isEqualTo("EngineDeadError");
    assertThat(sites.get(1).seenList).isEmpty();
  }

  @Test
  void whatIsMissingOfAnAnswerThatHasSaidItsEndIsNotGeneratedAgain() throws Exception {
    sites.get(0).script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(
              context, chunk("c1", "{\"role\":\"assistant\",\"content\":\"x\"}", "null"));
          FakeSite.frame(context, chunk("c1", "{}", "\"stop\""));
          context.executor().schedule(() -> context.close(), 30, TimeUnit.MILLISECONDS);
        };
    StreamedAnswer answer = ask("");
    assertThat(answer.text()).isEqualTo("x");
    assertThat(answer.fault(true)).as("with the usage that it asked for").isNull();
    assertThat(answer.completionTokens()).isEqualTo(1);
    assertThat(answer.promptTokens()).isPositive();
    assertThat(sites.get(1).seenList).isEmpty();
    assertThat(metrics()).contains(completionTokens("site-0", 1));
  }

  /// A line of the metrics.
  private static String completionTokens(String site, int tokens) {
    return "grid_tokens_total{kind=\"completion\",model=\"llama-3.1-8b\",site=\""
        + site
        + "\",tenant=\"tester\"} "
        + tokens;
  }

  @Test
  void whoeverLeavesBeforeTheEndPaysForWhatWentBy() throws Exception {
    sites.get(0).script = (context, seen) -> answer(context, seen, 3); // and no more
    String body = BODY + "}";
    try (var socket = new Socket("127.0.0.1", gateway.port())) {
      socket
          .getOutputStream()
          .write(
              ("POST /v1/chat/completions HTTP/1.1\r\nHost: grid\r\nAuthorization: Bearer sk-test\r\n"
                      + "Content-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(StandardCharsets.US_ASCII));
      var read = new StringBuilder();
      while (read.indexOf(WORDS.get(2)) < 0) {
        int next = socket.getInputStream().read();
        assertThat(next).isNotNegative();
        read.append((char) next);
      }
    }
    long end = System.nanoTime() + 20_000_000_000L;
    while (!metrics().contains("outcome=\"client_gone\"")) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
    assertThat(metrics()).contains(completionTokens("site-0", 3));
  }

  @Test
  void aToolCallIsMovedOnlyWhereItsTokensAreKnown() throws Exception {
    String opening =
        chunk(
            "c1",
            "{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
                + "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}",
            "null");
    String half =
        chunk(
            "c1",
            "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}}]}",
            "null");
    sites.get(0).script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(context, opening + half);
          context.executor().schedule(() -> context.close(), 30, TimeUnit.MILLISECONDS);
        };
    assertThat(ask("").fault(true)).contains("went away");
    assertThat(sites.get(1).seenList).isEmpty();
    gateway.close();
    gateway = gateway(AttemptSettings.DEFAULT);

    sites.get(0).script =
        (context, seen) -> {
          FakeSite.beginStream(context);
          FakeSite.frame(context, opening + ": tokens emulated 0\n" + half);
          context.executor().schedule(() -> context.close(), 30, TimeUnit.MILLISECONDS);
        };
    sites.get(1).script =
        sites.get(2).script =
            (context, seen) -> {
              assertThat(movedTo(seen).toolCall()).isTrue();
              FakeSite.beginStream(context);
              FakeSite.frame(
                  context,
                  ": tokens emulated 1\n"
                      + chunk(
                          "c1",
                          "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}",
                          "null"));
              end(context);
            };
    StreamedAnswer answer = ask(",\"response_format\":{\"type\":\"json_object\"}");
    assertThat(answer.fault(true)).isNull();
    assertThat(answer.text()).isEqualTo("{\"a\":1}");
  }

  @Test
  void anAnswerThatComesWholeIsAskedForAgainWhenItsSiteDiesInTheMiddle() throws Exception {
    String whole = "{\"id\":\"c1\",\"choices\":[],\"padding\":\"" + "x".repeat(50_000) + "\"}";
    sites.get(0).script =
        (context, seen) -> {
          var head =
              new io.netty.handler.codec.http.DefaultHttpResponse(
                  io.netty.handler.codec.http.HttpVersion.HTTP_1_1,
                  io.netty.handler.codec.http.HttpResponseStatus.OK);
          head.headers()
              .set("content-type", "application/json")
              .setInt("content-length", whole.length());
          context.write(head);
          FakeSite.frame(context, whole.substring(0, 30_000));
          context.executor().schedule(() -> context.close(), 30, TimeUnit.MILLISECONDS);
        };
    sites.get(1).script =
        sites.get(2).script = (context, seen) -> FakeSite.json(context, 200, whole);
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port() + "/v1/chat/completions"))
            .POST(HttpRequest.BodyPublishers.ofString(BODY.replace("\"stream\":true,", "") + "}"))
            .header("authorization", "Bearer sk-test")
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(whole);
    assertThat(answer.headers().firstValue("x-grid-attempts")).hasValue("2");
  }

  @Test
  void anAnswerIsBookedToTheSiteThatGaveItThoughAHedgeWasOut() throws Exception {
    // The first site answers as soon as the second has been asked, which never does.
    FakeSite.Script never = (context, seen) -> {};
    sites.get(1).script = sites.get(2).script = never;
    sites.get(0).script =
        (context, seen) ->
            context
                .executor()
                .scheduleWithFixedDelay(
                    new Runnable() {
                      private boolean answered;

                      @Override
                      public void run() {
                        boolean hedged =
                            sites.get(1).seenList.size() + sites.get(2).seenList.size() > 0;
                        if (hedged && !answered) {
                          answered = true;
                          answer(context, seen, WORDS.size());
                        }
                      }
                    },
                    1,
                    1,
                    TimeUnit.MILLISECONDS);
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port() + "/v1/chat/completions"))
            .POST(HttpRequest.BodyPublishers.ofString(BODY + "}"))
            .header("authorization", "Bearer sk-test")
            .header("x-grid-explain", "1")
            .header("x-stainless-timeout", "1")
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    assertThat(answer.headers().firstValue("x-grid-site")).hasValue("site-0");
    assertThat(answer.headers().firstValue("x-grid-explain").orElseThrow())
        .as("the explanation of that choice")
        .contains("\"site\":\"site-0\",\"standing\":\"chosen\"");
    assertThat(metrics()).contains("site=\"site-0\"").doesNotContain("site=\"site-1\"");
    assertThat(metrics()).doesNotContain("site=\"site-2\"");
  }

  @Test
  void nearItsDeadlineARequestIsSentTwiceAndTheSlowerOneIsGivenUp() throws Exception {
    sites.get(0).script = (context, seen) -> {}; // never a byte
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port() + "/v1/chat/completions"))
            .POST(HttpRequest.BodyPublishers.ofString(BODY + "}"))
            .header("authorization", "Bearer sk-test")
            .header("x-stainless-timeout", "1")
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    assertThat(answer.headers().firstValue("x-grid-site"))
        .hasValueSatisfying(site -> assertThat(site).isNotEqualTo("site-0"));
    long end = System.nanoTime() + 5_000_000_000L;
    while (sites.get(0).gone.get() == 0 && System.nanoTime() < end) {
      Thread.sleep(2);
    }
    assertThat(sites.get(0).gone.get()).as("the loser is cancelled").isEqualTo(1);
  }
}
