package org.aigrid.live.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.HandoverSettings;
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

/// Callers who move, against sites that answer on command.
@Timeout(60)
class HandoverTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final String STORY =
      "Long ago there was a base station that read stories. ".repeat(40);
  private static final List<String> WORDS = List.of("Once", " upon", " a", " time", " there");
  private static final int BEGUN = 0;
  private static final int NEAR = 1;
  private static final int FAR = 2;

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<FakeSite> sites = new ArrayList<>();

  /// Where the first site writes its stream, so that a test can go on with it.
  private final AtomicReference<ChannelHandlerContext> source = new AtomicReference<>();

  private final AtomicInteger framesRead = new AtomicInteger();
  private Gateway gateway;

  @BeforeEach
  void start() {
    for (int i = 0; i < 3; i++) {
      sites.add(new FakeSite((context, seen) -> answer(context, seen, WORDS.size())));
    }
    gateway = gateway(settings -> settings.withDwellMsLeast(1), List.of());
  }

  @AfterEach
  void stop() {
    gateway.close();
    sites.forEach(FakeSite::close);
    client.close();
    threads.close();
  }

  private Gateway gateway(UnaryOperator<HandoverSettings> handover, List<String> jurisdictions) {
    return Gateway.start(
        GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "site-0")
            .withRouter(RouterSettings.DEFAULT.withExplorationShare(0))
            .withHandover(handover.apply(HandoverSettings.DEFAULT)),
        grid(),
        Keys.of(
            List.of(
                new KeyEntry(
                    "k",
                    "tester",
                    Keys.hash("sk-test"),
                    RateLimiter.UNLIMITED,
                    RateLimiter.UNLIMITED,
                    jurisdictions))));
  }

  /// A cell, its neighbour 2 km away, and one at the other end of the world.
  private GridSource grid() {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    var endpoint =
        new EndpointSpec(
            Objects.requireNonNull(Models.byName(MODEL)),
            EngineKind.EMULATED,
            Objects.requireNonNull(Accelerators.byName("RTX PRO 6000")),
            1,
            64);
    var points =
        List.of(new GeoPoint(35.60, 139.70), new GeoPoint(35.62, 139.70), new GeoPoint(-33, 151));
    long nowMs = System.nanoTime() / 1_000_000;
    for (int i = 0; i < 3; i++) {
      String id = "site-" + i;
      builder.register(
          new SiteSpec(
              id,
              id,
              Tier.CELL,
              "here",
              points.get(i),
              i == FAR ? "AU" : "JP",
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

  // ---- what sites say

  /// Answers as a site agent does, from where the replay ends, up to the given word.
  private static void answer(ChannelHandlerContext context, FakeSite.Seen seen, int upTo) {
    if (!seen.body().contains("\"stream\":true")) {
      FakeSite.json(
          context,
          200,
          "{\"choices\":[],\"usage\":{\"prompt_tokens\":540,\"completion_tokens\":1}}");
      return;
    }
    Replay replay = replayOf(seen);
    FakeSite.beginStream(context);
    if (replay == null) {
      FakeSite.frame(context, chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
    }
    words(context, replay == null ? 0 : replay.tokens(), upTo);
  }

  private static void words(ChannelHandlerContext context, int from, int upTo) {
    for (int i = from; i < upTo; i++) {
      FakeSite.frame(
          context,
          ": tokens emulated "
              + i
              + "\n"
              + chunk("{\"content\":\"" + WORDS.get(i) + "\"}", "null"));
    }
    if (upTo == WORDS.size()) {
      FakeSite.frame(
          context,
          chunk("{}", "\"stop\"")
              + "data: {\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[],\"usage\":"
              + "{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\n"
              + "data: [DONE]\n\n");
      FakeSite.endStream(context);
    }
  }

  private static String chunk(String delta, String finish) {
    return "data: {\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
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

  /// The first site says two words and waits.
  private void beginAtTheFirst() {
    sites.get(BEGUN).script =
        (context, seen) -> {
          answer(context, seen, 2);
          source.set(context);
        };
  }

  /// The role and both words have come to the client.
  private void untilTwoWordsAreRead() {
    until(() -> source.get() != null && framesRead.get() == 3);
  }

  private void sayTheRest() {
    ChannelHandlerContext context = source.get();
    context.executor().execute(() -> words(context, 2, WORDS.size()));
  }

  // ---- what clients do

  private Future<StreamedAnswer> stream(int tokensMax) {
    return stream(tokensMax, "hello");
  }

  private Future<StreamedAnswer> stream(int tokensMax, String content) {
    return threads.submit(
        () -> {
          HttpRequest request =
              request(
                  "{\"model\":\"llama-3.1-8b\",\"stream\":true,\"prompt_cache_key\":\"chat-1\","
                      + "\"max_tokens\":"
                      + tokensMax
                      + ",\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":"
                      + "\"user\",\"content\":\""
                      + content
                      + "\"}]}");
          var body = client.send(request, HttpResponse.BodyHandlers.ofInputStream()).body();
          try (var lines =
              new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8)) {
                @Override
                public @Nullable String readLine() throws IOException {
                  String line = super.readLine();
                  framesRead.addAndGet(line != null && line.startsWith("data:") ? 1 : 0);
                  return line;
                }
              }) {
            return StreamedAnswer.read(lines, "");
          }
        });
  }

  /// A turn whose answer comes whole; the site that answered it.
  private String turn(String session, String more) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(
                request(
                    "{\"model\":\"llama-3.1-8b\",\"max_tokens\":50,\"messages\":[{\"role\":"
                        + "\"user\",\"content\":\""
                        + STORY
                        + more
                        + "\"}]}"),
                (name, value) -> true)
            .header("x-grid-session", session)
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.headers().firstValue("x-grid-site").orElse("");
  }

  private HttpRequest request(String body) {
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + gateway.port() + "/v1/chat/completions"))
        .timeout(Duration.ofSeconds(30))
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .header("authorization", "Bearer sk-test")
        .build();
  }

  private void notice(String session, int site) {
    assertThat(gateway.callerNoticed(null, session, "site-" + site, 0))
        .isEqualTo(CallerNotice.TAKEN);
  }

  private static void until(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 30 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void untilMetric(String line) {
    until(() -> gateway.metrics().scrape().contains(line));
  }

  private static void assertWhole(StreamedAnswer answer) {
    assertThat(answer.fault(true)).isNull();
    assertThat(answer.text()).isEqualTo("Once upon a time there");
    assertThat(answer.promptTokens()).isEqualTo(7);
    assertThat(answer.completionTokens()).isEqualTo(5);
  }

  // ---- streams under way

  @Test
  void aStreamGoesAfterItsCallerAndIsCutOnlyWhenTheNewSiteHasBegun() throws Exception {
    beginAtTheFirst();
    var goneBefore = new AtomicReference<Integer>();
    sites.get(FAR).script =
        (context, seen) -> {
          goneBefore.set(sites.get(BEGUN).gone.get());
          answer(context, seen, WORDS.size());
        };
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    StreamedAnswer answer = asked.get();
    assertWhole(answer);
    assertThat(answer.moves()).isEqualTo(1);
    assertThat(goneBefore.get()).as("make before break").isZero();
    until(() -> sites.get(BEGUN).gone.get() == 1);
    FakeSite.Seen moved = sites.get(FAR).seenList.getFirst();
    assertThat(Objects.requireNonNull(replayOf(moved)).ids()).containsExactly(0, 1);
    untilMetric("grid_moves_total{why=\"handover\"} 1");
    untilMetric("grid_handovers_total{by=\"notice\"} 1");
    String metrics = gateway.metrics().scrape();
    assertThat(metrics)
        .as("the prompt is charged once, where it ended")
        .contains(
            "grid_tokens_total{kind=\"prompt\",model=\"llama-3.1-8b\",site=\"site-2\","
                + "tenant=\"tester\"} 7");
    assertThat(metrics).doesNotContain("site=\"site-0\"").doesNotContain("grid_hedges_total");
  }

  @Test
  void aStreamWhoseCallerMovesBeforeItsFirstByteIsWeighedWhenItHasBegun() throws Exception {
    sites.get(BEGUN).script = (context, seen) -> source.set(context);
    Future<StreamedAnswer> asked = stream(500);
    until(() -> source.get() != null);
    notice("chat-1", FAR);
    untilMetric("grid_handovers_total{by=\"notice\"} 1");
    ChannelHandlerContext context = source.get();
    context
        .executor()
        .schedule(
            () -> {
              FakeSite.beginStream(context);
              FakeSite.frame(context, chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
              words(context, 0, 2);
            },
            50,
            TimeUnit.MILLISECONDS);
    StreamedAnswer answer = asked.get();
    assertWhole(answer);
    assertThat(answer.moves()).isEqualTo(1);
    untilMetric("grid_moves_total{why=\"handover\"} 1");
  }

  @Test
  void predictionsKeepNoStreamFromGoingAlong() throws Exception {
    beginAtTheFirst();
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    for (int i = 0; i < 20; i++) {
      assertThat(gateway.callerNoticed(null, "chat-1", "site-1", 300_000 + i))
          .isEqualTo(CallerNotice.TAKEN);
    }
    notice("chat-1", FAR);
    assertWhole(asked.get());
    untilMetric("grid_moves_total{why=\"handover\"} 1");
  }

  @Test
  void aStreamWhosePromptWouldHaveToBeComputedFirstStaysWhileAnotherIs() throws Exception {
    gateway.close();
    gateway = gateway(settings -> settings.withDwellMsLeast(1).withHoldMsMax(300), List.of());
    beginAtTheFirst();
    sites.get(NEAR).script = (context, seen) -> {}; // goes on computing
    Future<StreamedAnswer> asked = stream(500, STORY.repeat(10));
    untilTwoWordsAreRead();
    assertThat(gateway.callerNoticed(null, "chat-1", "site-1", 1_000))
        .isEqualTo(CallerNotice.TAKEN);
    until(() -> sites.get(NEAR).seenList.size() == 1);
    notice("chat-1", FAR);
    untilMetric("grid_kept_streams_total{why=\"not_prewarmed\"} 1");
    sayTheRest();
    assertWhole(asked.get());
    assertThat(sites.get(FAR).seenList).isEmpty();
  }

  @Test
  void aStreamWhoseCallerWentNextDoorStays() throws Exception {
    beginAtTheFirst();
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", NEAR);
    untilMetric("grid_kept_streams_total{why=\"cost\"} 1");
    sayTheRest();
    StreamedAnswer answer = asked.get();
    assertWhole(answer);
    assertThat(answer.moves()).isZero();
  }

  @Test
  void aStreamNearItsEndStays() throws Exception {
    beginAtTheFirst();
    Future<StreamedAnswer> asked = stream(5);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    untilMetric("grid_kept_streams_total{why=\"cost\"} 1");
    sayTheRest();
    assertWhole(asked.get());
  }

  @Test
  void aStreamWhoseNewSiteRefusesGoesOnWhereItWas() throws Exception {
    beginAtTheFirst();
    sites.get(FAR).script =
        (context, seen) -> {
          sayTheRest(); // while it is held: none of it may be lost, none said twice
          context
              .executor()
              .schedule(
                  () -> FakeSite.json(context, 503, "{}", "x-grid-retry", "elsewhere"),
                  30,
                  TimeUnit.MILLISECONDS);
        };
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    StreamedAnswer answer = asked.get();
    assertWhole(answer);
    assertThat(answer.moves()).isZero();
    untilMetric("grid_kept_streams_total{why=\"target_failed\"} 1");
  }

  @Test
  void aStreamWhoseNewSiteSaysNothingGoesOnWhereItWas() throws Exception {
    gateway.close();
    gateway = gateway(settings -> settings.withDwellMsLeast(1).withHoldMsMax(50), List.of());
    beginAtTheFirst();
    sites.get(FAR).script = (context, seen) -> sayTheRest();
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    assertWhole(asked.get());
    untilMetric("grid_kept_streams_total{why=\"target_failed\"} 1");
    until(() -> sites.get(FAR).gone.get() == 1);
  }

  @Test
  void aHeldStreamWhoseOldSiteDiesGoesOnAtTheNewOne() throws Exception {
    beginAtTheFirst();
    sites.get(FAR).script =
        (context, seen) -> {
          source.get().executor().execute(() -> source.get().close());
          context
              .executor()
              .schedule(() -> answer(context, seen, WORDS.size()), 50, TimeUnit.MILLISECONDS);
        };
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    StreamedAnswer answer = asked.get();
    assertWhole(answer);
    assertThat(answer.moves()).isEqualTo(1);
  }

  @Test
  void aClientThatLeavesAHeldStreamFreesBothSites() throws Exception {
    beginAtTheFirst();
    sites.get(FAR).script = (context, seen) -> {}; // never a byte
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    until(() -> !sites.get(FAR).seenList.isEmpty());
    client.shutdownNow();
    until(() -> sites.get(BEGUN).gone.get() == 1 && sites.get(FAR).gone.get() == 1);
    untilMetric("grid_requests_in_flight 0");
    assertThat(asked.get().fault(true)).isNotNull();
  }

  @Test
  void aStreamMovesNowhereThatItsRequestMayNotGo() throws Exception {
    gateway.close();
    gateway = gateway(settings -> settings.withDwellMsLeast(1), List.of("JP"));
    beginAtTheFirst();
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    notice("chat-1", FAR);
    untilMetric("grid_kept_streams_total{why=\"cost\"} 1");
    sayTheRest();
    assertWhole(asked.get());
    assertThat(sites.get(FAR).seenList).isEmpty();
  }

  private static List<String> orderOf(FakeSite.Seen seen) {
    String order = seen.headers().get("x-grid-order");
    return order == null ? List.of() : List.of(order.split("\\|", -1));
  }

  // ---- between turns

  @Test
  void aPromptIsComputedWhereTheCallerIsAndItsNextTurnRunsThere() throws Exception {
    assertThat(turn("chat-2", "")).isEqualTo("site-0");
    notice("chat-2", FAR);
    untilMetric("grid_prewarms_total{outcome=\"done\"} 1");
    FakeSite.Seen ahead = sites.get(FAR).seenList.getFirst();
    assertThat(ahead.body()).contains(STORY).contains("\"max_tokens\":1}").doesNotContain("50");
    List<String> order = orderOf(ahead);
    assertThat(order.get(8)).isEqualTo("prewarm");
    assertThat(order.get(9)).isEqualTo("background");
    assertThat(order.get(5))
        .as("the cache's salt")
        .isEqualTo(orderOf(sites.get(BEGUN).seenList.getFirst()).get(5));
    assertThat(turn("chat-2", "And then?")).isEqualTo("site-2");
    assertThat(gateway.metrics().scrape())
        .contains("grid_prewarm_tokens_total{model=\"llama-3.1-8b\",site=\"site-2\"} 540")
        .as("the tenant pays for its two turns alone")
        .contains(
            "grid_tokens_total{kind=\"prompt\",model=\"llama-3.1-8b\",site=\"site-2\","
                + "tenant=\"tester\"} 540");
  }

  @Test
  void withoutANoticeWhatTheOldSiteHoldsCountsAgainstTheNewOne() throws Exception {
    gateway.close();
    gateway =
        Gateway.start(
            GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "site-1")
                .withRouter(RouterSettings.DEFAULT.withExplorationShare(0))
                .withCallers(
                    List.of(org.aigrid.live.topology.AddressPrefix.parse("127.0.0.0/8")),
                    List.of()),
            grid(),
            Keys.single("sk-test", "tester"));
    assertThat(turnAt("site-0")).isEqualTo("site-0");
    assertThat(turnAt("site-1")).as("the next turn, next door").isEqualTo("site-0");
    assertThat(gateway.metrics().scrape()).contains("grid_handovers_total{by=\"request\"} 1");
  }

  private String turnAt(String cell) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(
                request(
                    "{\"model\":\"llama-3.1-8b\",\"max_tokens\":50,\"prompt_cache_key\":\"chat-3\","
                        + "\"messages\":[{\"role\":\"user\",\"content\":\""
                        + STORY
                        + "\"}]}"),
                (name, value) -> true)
            .header("x-grid-cell", cell)
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    return answer.headers().firstValue("x-grid-site").orElse("");
  }

  @Test
  void aPrewarmThatIsRefusedIsDropped() throws Exception {
    turn("chat-2", "");
    sites.get(FAR).script =
        (context, seen) -> FakeSite.json(context, 503, "{}", "x-grid-retry", "elsewhere");
    notice("chat-2", FAR);
    untilMetric("grid_prewarms_total{outcome=\"refused\"} 1");
    assertThat(sites.get(NEAR).seenList).as("nobody else is asked").isEmpty();
    untilMetric("grid_requests_in_flight 0");
  }

  @Test
  void aPrewarmThatIsRefusedGivesItsTokensBack() throws Exception {
    gateway.close();
    gateway = gateway(settings -> settings.withPrewarms(4, 0, 800), List.of());
    sites.get(FAR).script =
        (context, seen) -> FakeSite.json(context, 503, "{}", "x-grid-retry", "elsewhere");
    for (int i = 1; i <= 3; i++) {
      turn("chat-" + i, "");
      notice("chat-" + i, FAR);
      untilMetric("grid_prewarms_total{outcome=\"refused\"} " + i);
    }
  }

  @Test
  void aPrewarmStaysWithinItsBudget() throws Exception {
    gateway.close();
    gateway = gateway(settings -> settings.withPrewarms(4, 0.01, 100), List.of());
    turn("chat-2", "");
    notice("chat-2", FAR);
    untilMetric("grid_prewarms_total{outcome=\"no_budget\"} 1");
    assertThat(sites.get(FAR).seenList).isEmpty();
  }

  @Test
  void aPrewarmGoesNowhereThatItsRequestMayNotGo() throws Exception {
    gateway.close();
    gateway = gateway(settings -> settings, List.of("JP"));
    turn("chat-2", "");
    notice("chat-2", FAR);
    until(() -> gateway.metrics().scrape().contains("grid_prewarms_total"));
    assertThat(sites.get(FAR).seenList).isEmpty();
  }

  @Test
  void aNoticeThatSaysNothingUsefulIsRefused() throws Exception {
    turn("chat-2", "");
    assertThat(
            Map.of(
                "nobody", gateway.callerNoticed(null, "nobody", "site-1", 0),
                "nowhere", gateway.callerNoticed(null, "chat-2", "site-9", 0),
                "tenant", gateway.callerNoticed("other", "chat-2", "site-1", 0),
                "chat-2", gateway.callerNoticed("tester", "chat-2", "site-1", 0)))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "nobody", CallerNotice.NO_SESSION,
                "nowhere", CallerNotice.NO_SITE,
                "tenant", CallerNotice.NO_SESSION,
                "chat-2", CallerNotice.TAKEN));
  }

  @Test
  void noMoreIsRememberedThanMayBe() throws Exception {
    gateway.close();
    gateway =
        Gateway.start(
            GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "site-0")
                .withSessions(new SessionLimits(3, 3_000, 5_000, 60_000)),
            grid(),
            Keys.single("sk-test", "tester"));
    for (int i = 0; i < 10; i++) {
      turn("chat-" + i, "");
      assertThat(gateway.sessions().kept()[0]).isLessThanOrEqualTo(3);
      assertThat(gateway.sessions().kept()[1]).isLessThanOrEqualTo(5_000);
    }
    turn("long", STORY);
    assertThat(gateway.callerNoticed(null, "chat-0", "site-1", 0))
        .isEqualTo(CallerNotice.NO_SESSION);
    notice("long", FAR);
    untilMetric("grid_prewarms_total{outcome=\"not_remembered\"} 1");
  }

  @Test
  void whatIdleSessionsHoldGoesInTimeBesideAStreamThatGoesOn() throws Exception {
    gateway.close();
    gateway =
        Gateway.start(
            GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "site-0")
                .withSessions(new SessionLimits(16, 10_000, 100_000, 200)),
            grid(),
            Keys.single("sk-test", "tester"));
    beginAtTheFirst();
    Future<StreamedAnswer> asked = stream(500);
    untilTwoWordsAreRead();
    sites.get(BEGUN).script = (context, seen) -> answer(context, seen, WORDS.size());
    turn("chat-2", "");
    until(() -> gateway.sessions().kept()[0] == 1);
    assertThat(gateway.sessions().kept()[1]).as("the stream's own").isBetween(1L, 500L);
    sayTheRest();
    assertWhole(asked.get());
    until(() -> gateway.sessions().kept()[0] == 0);
    assertThat(gateway.sessions().kept()[1]).isZero();
  }
}
