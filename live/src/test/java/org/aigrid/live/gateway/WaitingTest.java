package org.aigrid.live.gateway;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.admit.WaitingRoom;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What becomes of requests that find no place, at a gateway before a site that answers when it is
/// told to: it has two sequences, and one that a class below the highest may not have.
@Timeout(60)
class WaitingTest {
  private static final String ANSWER =
      "{\"id\":\"c1\",\"object\":\"chat.completion\",\"choices\":[],"
          + "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}";

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final LinkedBlockingQueue<Arrived> arrived = new LinkedBlockingQueue<>();
  private final FakeSite site =
      new FakeSite((context, seen) -> arrived.add(new Arrived(context, seen)));
  private Gateway gateway;
  private GridViewBuilder sites = new GridViewBuilder(GridViewSettings.DEFAULT);
  private volatile GridView view = sites.snapshot(0);
  private long sequence;

  private record Arrived(ChannelHandlerContext context, FakeSite.Seen seen) {
    /// What its prompt says.
    String name() {
      String body = seen.body();
      int at = body.indexOf("\"content\":\"") + 11;
      return body.substring(at, body.indexOf('"', at));
    }

    /// The order's service tier and the tier whose places it may have.
    String ranks() {
      String[] fields = String.valueOf(seen.headers().get("x-grid-order")).split("\\|", -1);
      return fields[9] + "/" + fields[10];
    }

    void answer() {
      FakeSite.json(context, 200, ANSWER);
    }
  }

  @BeforeEach
  void start() {
    gateway = gateway(WaitingRoom.Settings.USUAL.withPlaceWaitMsMax(1).withWaitMsMax(30_000));
  }

  @AfterEach
  void stop() {
    gateway.close();
    site.close();
    client.shutdownNow();
  }

  private Gateway gateway(WaitingRoom.Settings waiting) {
    var entries = new ArrayList<KeyEntry>();
    for (String tenant : List.of("a", "b")) {
      entries.add(
          new KeyEntry(
              "key-" + tenant,
              tenant,
              Keys.hash("sk-" + tenant),
              RateLimiter.UNLIMITED,
              RateLimiter.UNLIMITED,
              List.of()));
    }
    return Gateway.start(
        GatewaySettings.of(HttpSettings.DEFAULT.withThreads(1), "site-secret", "hub")
            .withRouter(org.aigrid.core.route.RouterSettings.DEFAULT.withExplorationShare(0))
            .withWaiting(waiting),
        grid(),
        Keys.of(entries));
  }

  private GridSource grid() {
    var builder = new GridViewBuilder(GridViewSettings.DEFAULT);
    var endpoint =
        new EndpointSpec(
            Objects.requireNonNull(Models.byName("llama-3.1-8b")),
            EngineKind.EMULATED,
            Objects.requireNonNull(Accelerators.byName("RTX PRO 6000")),
            1,
            2);
    builder.register(
        new SiteSpec(
            "hub",
            "hub",
            Tier.HUB,
            "here",
            new GeoPoint(35, 139),
            "JP",
            "operator",
            List.of(endpoint)));
    sites = builder;
    heartbeat(AdmissionState.NEW_AND_EXISTING);
    return new GridSource() {
      @Override
      public GridView view() {
        return view;
      }

      @Override
      public SiteAddress address(int index) {
        return site.address();
      }
    };
  }

  private void heartbeat(AdmissionState admission) {
    long nowMs = System.nanoTime() / 1_000_000;
    sites.apply(
        new Heartbeat(
            "hub", ++sequence, 600_000, admission, List.of(EndpointLoad.idle("llama-3.1-8b"))),
        nowMs);
    view = sites.snapshot(nowMs);
  }

  private CompletableFuture<HttpResponse<String>> ask(String tenant, String tier, String name) {
    String body =
        "{\"model\":\"llama-3.1-8b\",\"service_tier\":\""
            + tier
            + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
            + name
            + "\"}]}";
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port() + "/v1/chat/completions"))
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .header("authorization", "Bearer sk-" + tenant);
    return client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /// As above, and sees it wait.
  private CompletableFuture<HttpResponse<String>> waits(String tenant, String tier, String name)
      throws Exception {
    double before = waiting();
    var answer = ask(tenant, tier, name);
    await(() -> waiting() == before + 1);
    return answer;
  }

  private double waiting() {
    double sum = 0;
    for (String line : gateway.metrics().scrape().split("\n")) {
      if (line.startsWith("grid_requests_waiting{")) {
        sum += Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
      }
    }
    return sum;
  }

  private Arrived next() throws InterruptedException {
    return Objects.requireNonNull(arrived.poll(10, TimeUnit.SECONDS), "nothing came to the site");
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("the condition came true in time").isLessThan(end);
      Thread.sleep(2);
    }
  }

  @Test
  void whoFindsNoPlaceWaitsForOneAndIsAnsweredFromIt() throws Exception {
    ask("a", "default", "1");
    ask("a", "default", "2");
    Arrived first = next();
    next();
    var third = waits("a", "default", "3");
    assertThat(arrived).isEmpty();
    first.answer();
    Arrived late = next();
    assertThat(late.name()).isEqualTo("3");
    assertThat(late.ranks()).isEqualTo("standard/standard");
    late.answer();
    HttpResponse<String> answer = third.get();
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-grid-waited-ms").map(Integer::parseInt).orElse(-1))
        .isNotNegative();
    assertThat(gateway.metrics().scrape())
        .contains("grid_wait_seconds_count{outcome=\"placed\",tier=\"standard\"} 1");
  }

  @Test
  void aTenantThatFloodsWaitsBehindItselfOnly() throws Exception {
    ask("a", "default", "running");
    ask("a", "default", "running");
    Arrived one = next();
    next();
    for (int i = 0; i < 6; i++) {
      waits("a", "default", "a" + i);
    }
    waits("b", "default", "b0");
    waits("b", "default", "b1");
    var order = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      one.answer();
      one = next();
      order.add(one.name());
    }
    assertThat(order.subList(0, 4)).as("in turn").contains("b0", "b1");
    assertThat(order.stream().filter(name -> name.startsWith("a")))
        .containsExactly("a0", "a1", "a2", "a3", "a4", "a5");
  }

  @Test
  void moreUrgentClassesAreNextWheneverTheyCame() throws Exception {
    ask("a", "priority", "running");
    ask("a", "priority", "running");
    Arrived one = next();
    next();
    waits("a", "default", "standard");
    waits("b", "priority", "interactive");
    one.answer();
    one = next();
    assertThat(one.name()).isEqualTo("interactive");
    one.answer();
    assertThat(next().name()).isEqualTo("standard");
  }

  /// Harvest may take a fifth of the sequences, which those above always fill here: only its floor
  /// gets it on, with the rank of those above.
  @Test
  void theLowestClassNeverStandsStill() throws Exception {
    ask("a", "priority", "running");
    ask("a", "priority", "running");
    Arrived one = next();
    next();
    waits("b", "harvest", "harvest");
    for (int i = 0; i < 8; i++) {
      waits("a", "priority", "above " + i);
    }
    String ranks = "";
    for (int turns = 0; ranks.isEmpty(); turns++) {
      assertThat(turns).as("turns until harvest's").isLessThan(200);
      one.answer();
      one = next();
      if (one.name().equals("harvest")) {
        ranks = one.ranks();
      } else {
        waits("a", "priority", "above");
      }
    }
    assertThat(ranks).isEqualTo("harvest/interactive");
  }

  @Test
  void nobodyWaitsLongerThanItsClassMay() throws Exception {
    gateway.close();
    gateway = gateway(WaitingRoom.Settings.USUAL.withPlaceWaitMsMax(1).withWaitMsMax(100));
    ask("a", "default", "1");
    ask("a", "default", "2");
    next();
    next();
    HttpResponse<String> refused = ask("b", "default", "3").get();
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("retry-after")).isPresent();
    assertThat(refused.body()).contains("rate_limit_exceeded");
    assertThat(gateway.metrics().scrape())
        .contains("grid_wait_seconds_count{outcome=\"too_long\",tier=\"standard\"} 1");
    assertThat(waiting()).isZero();
  }

  /// A site that takes nothing for a moment, since it drains or its radio wants all of it, costs
  /// nobody its turn.
  @Test
  void whoWaitsKeepsItsTurnWhileNothingIsReady() throws Exception {
    ask("a", "default", "1");
    ask("a", "default", "2");
    Arrived first = next();
    Arrived second = next();
    var third = waits("b", "default", "3");
    heartbeat(AdmissionState.EXISTING_ONLY);
    first.answer();
    second.answer();
    HttpResponse<String> newcomer =
        ask("a", "default", "4")
            .orTimeout(200, MILLISECONDS)
            .handle((answer, timeout) -> answer)
            .get();
    assertThat(newcomer).as("who comes now waits behind them").isNull();
    assertThat(third).isNotDone();
    assertThat(arrived).isEmpty();
    heartbeat(AdmissionState.NEW_AND_EXISTING);
    Arrived placed = next();
    assertThat(placed.name()).isEqualTo("3");
    placed.answer();
    assertThat(third.get().statusCode()).isEqualTo(200);
  }

  /// What no wait would change is told at once, whoever waits.
  @Test
  void whatCanNeverBeServedDoesNotWait() throws Exception {
    ask("a", "default", "1");
    ask("a", "default", "2");
    next();
    next();
    waits("b", "default", "3");
    HttpResponse<String> refused = ask("a", "default", "word ".repeat(300_000)).get();
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("context_length_exceeded");
  }

  @Test
  void whoseClientHasGoneTakesNoPlace() throws Exception {
    ask("a", "default", "1");
    ask("a", "default", "2");
    Arrived first = next();
    next();
    try (var socket = new java.net.Socket("127.0.0.1", gateway.port())) {
      String body =
          "{\"model\":\"llama-3.1-8b\",\"messages\":[{\"role\":\"user\",\"content\":\"gone\"}]}";
      socket
          .getOutputStream()
          .write(
              ("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-a\r\n"
                      + "Content-Type: application/json\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      await(() -> waiting() == 1);
    }
    await(() -> waiting() == 0);
    waits("b", "default", "stays");
    first.answer();
    assertThat(next().name()).isEqualTo("stays");
    assertThat(gateway.metrics().scrape())
        .contains("grid_wait_seconds_count{outcome=\"client_gone\",tier=\"standard\"} 1");
  }
}
