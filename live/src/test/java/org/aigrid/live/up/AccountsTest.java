package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.aigrid.live.wire.WorkOrder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Tenants with accounts on a whole grid of two countries, with its real PostgreSQL.
@Timeout(180)
class AccountsTest {
  private static final String CANARY = "canary-7f3a91-do-not-keep";
  private static final String MODEL = "llama-3.1-8b";
  private static final String TOPOLOGY =
      """
      name = "Two countries"

      [callers]
      home = "tokyo"

      [[site]]
      id = "tokyo"
      name = "Tokyo"
      tier = "hub"
      region = "kanto"
      latitude = 35.6
      longitude = 139.7
      jurisdiction = "JP"
      operator = "Telecom of Japan"
      accelerator = "H100"
      endpoints = [{ model = "llama-3.1-8b" }]

      [[site]]
      id = "berlin"
      name = "Berlin"
      tier = "hub"
      region = "berlin"
      latitude = 52.5
      longitude = 13.4
      jurisdiction = "DE"
      operator = "Betreiber Süd"
      accelerator = "H100"
      endpoints = [{ model = "llama-3.1-8b" }]
      """;

  private static final Map<String, Queue<WorkOrder>> TAKEN = new ConcurrentHashMap<>();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir static Path data;
  private static Accounts accounts;
  private static LiveGrid grid;

  @BeforeAll
  static void start() throws Exception {
    Path file = data.resolve("topology.toml");
    Files.writeString(file, TOPOLOGY);
    Topology topology = TopologyFile.read(file);
    accounts = Accounts.open(data, Accounts.Source.EMBEDDED, "JP", null);
    grid =
        LiveGrid.start(
            topology,
            Keys.single("file-secret", "from-a-file"),
            LiveGridSettings.DEFAULT.withHttp(HttpSettings.DEFAULT),
            accounts,
            (order, site) ->
                TAKEN.computeIfAbsent(site.id(), _ -> new ConcurrentLinkedQueue<>()).add(order));
    order("prices.set", "{\"model\":\"*\",\"prompt\":\"1000\",\"output\":\"4000\"}");
  }

  @AfterAll
  static void stop() {
    grid.close();
    accounts.close();
    CLIENT.shutdownNow();
  }

  private static String order(String order, String body) {
    return accounts.api().order(order, body, "tester");
  }

  private static void tenant(String id, String credit) {
    order("tenants.create", "{\"tenant\":\"" + id + "\"}");
    if (!credit.isEmpty()) {
      order(
          "tenants.credit",
          "{\"tenant\":\"" + id + "\",\"amount\":\"" + credit + "\",\"reference\":\"" + id + "\"}");
    }
    String hash = HexFormat.of().formatHex(Keys.hash("secret-of-" + id));
    order(
        "keys.new",
        "{\"id\":\"" + id + "-1\",\"tenant\":\"" + id + "\",\"sha256\":\"" + hash + "\"}");
    until(() -> accounts.knows("secret-of-" + id));
  }

  private static HttpResponse<String> ask(
      String secret, int tokens, boolean stream, String... headers) throws Exception {
    String body =
        "{\"model\":\""
            + MODEL
            + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
            + CANARY
            + "\"}],\"max_tokens\":"
            + tokens
            + ",\"ignore_eos\":true,\"stream\":"
            + stream
            + ",\"stream_options\":{\"include_usage\":true}}";
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
            .header("Authorization", "Bearer " + secret)
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 30 s");
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  private static String usage(String tenant) {
    return order("usage", "{\"tenant\":\"" + tenant + "\",\"format\":\"json\"}");
  }

  @Test
  void aRequestIsPaidWrittenDownAndProved() throws Exception {
    tenant("payer", "10");
    HttpResponse<String> answer = ask("secret-of-payer", 20, true);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("\"completion_tokens\":20").endsWith("[DONE]\n\n");
    assertThat(answer.headers().firstValue("x-grid-jurisdiction")).hasValue("JP");
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    until(() -> usage("payer").contains("\\\"requests\\\":1") || usage("payer").contains("20"));
    assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
    TransparencyLog.Logged receipt = Objects.requireNonNull(accounts.proof().receipt(id));
    assertThat(new String(receipt.bytes(), StandardCharsets.UTF_8))
        .contains("\"completion\":20", "\"jurisdiction\":\"JP\"", "\"outcome\":\"complete\"")
        .doesNotContain("payer", CANARY);
    assertThat(order("tenants.show", "{\"tenant\":\"payer\"}")).contains("free");
  }

  @Test
  void aStreamIsCutWithinAChunkOfItsBudgetAndTheNextRequestRefused() throws Exception {
    // A token of output costs 0.004, the prompt some 0.02: 0.1 is some twenty tokens.
    tenant("poor", "0.1");
    HttpResponse<String> answer = ask("secret-of-poor", 500, true);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body())
        .contains("\"finish_reason\":\"length\"", ": cut budget")
        .endsWith("[DONE]\n\n");
    int tokens = answer.body().split("\"content\":\"", -1).length - 1;
    assertThat(tokens).isBetween(5, 25);
    HttpResponse<String> next = ask("secret-of-poor", 500, true);
    assertThat(next.statusCode()).isEqualTo(429);
    assertThat(next.body()).contains("insufficient_quota");
    assertThat(next.headers().firstValue("x-should-retry")).hasValue("false");
    until(() -> usage("poor").contains("cut") || usage("poor").length() > 20);
  }

  @Test
  void whatASiteRefusesCostsNothing() throws Exception {
    tenant("erring", "1");
    HttpResponse<String> refused = ask("secret-of-erring", 10_000_000, false);
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(ask("secret-of-erring", 100, false).statusCode()).isEqualTo(200);
    assertThat(ask("secret-of-erring", 100, true).body()).contains("\"completion_tokens\":100");
  }

  @Test
  void workStaysWhereItsTenantsPolicySaysAndARequestOnlyNarrowsIt() throws Exception {
    tenant("german", "10");
    order(
        "tenants.policy",
        "{\"tenant\":\"german\",\"policy\":\"permit (principal, action, resource) when"
            + " { resource.jurisdiction == \\\"DE\\\" };\"}");
    until(() -> jurisdictionOf("secret-of-german").equals("DE"));
    TAKEN.clear();
    for (int i = 0; i < 20; i++) {
      assertThat(ask("secret-of-german", 5, i % 2 == 0).statusCode()).isEqualTo(200);
    }
    assertThat(TAKEN.keySet()).as("the sites' own records").containsExactly("berlin");
    HttpResponse<String> nowhere = ask("secret-of-german", 5, false, "x-grid-residency", "JP");
    assertThat(nowhere.statusCode()).isEqualTo(403);
    assertThat(nowhere.body()).contains("data_residency_mismatch");
    assertThat(nowhere.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(ask("secret-of-german", 5, false, "x-grid-residency", "JP,DE").statusCode())
        .isEqualTo(200);

    grid.kill("berlin");
    try {
      HttpResponse<String> away = ask("secret-of-german", 5, false);
      assertThat(away.statusCode()).as("rather nowhere than elsewhere").isIn(502, 503);
    } finally {
      grid.revive("berlin");
      until(() -> jurisdictionOf("secret-of-german").equals("DE"));
    }
    assertThat(TAKEN.keySet()).containsExactly("berlin");
  }

  private static String jurisdictionOf(String secret) {
    try {
      return ask(secret, 1, false).headers().firstValue("x-grid-jurisdiction").orElse("");
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void withoutAPolicyATenantStaysAtHome() throws Exception {
    tenant("homely", "10");
    for (int i = 0; i < 10; i++) {
      assertThat(jurisdictionOf("secret-of-homely")).isEqualTo("JP");
    }
    HttpResponse<String> abroad = ask("secret-of-homely", 1, false, "x-grid-residency", "DE");
    assertThat(abroad.statusCode()).isEqualTo(403);
  }

  @Test
  void aSiteRefusesWhatItsOwnCopyOfThePolicyForbidsWhoeverSigned() {
    tenant("guarded", "10");
    var policy = accounts.sitePolicy(Set.of("from-a-file"));
    var sites = new ArrayList<org.aigrid.core.model.SiteSpec>();
    grid.sites()
        .forEach(
            site ->
                sites.add(
                    new org.aigrid.core.model.SiteSpec(
                        site.id(),
                        site.name(),
                        site.tier(),
                        site.region(),
                        new org.aigrid.core.unit.GeoPoint(0, 0),
                        site.id().equals("tokyo") ? "JP" : "DE",
                        "operator",
                        List.of())));
    for (var site : sites) {
      String refused = policy.refusal(orderOf("guarded"), site);
      assertThat(refused == null).isEqualTo(site.jurisdiction().equals("JP"));
      assertThat(policy.refusal(orderOf("nobody"), site)).contains("knows no tenant");
      assertThat(policy.refusal(orderOf("from-a-file"), site)).isNull();
    }
  }

  private static WorkOrder orderOf(String tenant) {
    String project = tenant.equals("guarded") ? "default" : "-";
    return new WorkOrder(
        "gw", "site", "r", 0, tenant, project, "*", "infer", "standard", "standard", MODEL, 0, 1);
  }

  @Test
  void aPolicyThatIsWrongIsRefusedWithItsPlaceAndNothingOfItApplied() throws Exception {
    tenant("careless", "10");
    try {
      order(
          "tenants.policy", "{\"tenant\":\"careless\",\"policy\":\"permit (principal, acton);\"}");
      throw new AssertionError("accepted");
    } catch (IllegalArgumentException e) {
      assertThat(e).hasMessageContaining("1:");
    }
    assertThat(jurisdictionOf("secret-of-careless")).isEqualTo("JP");
  }

  @Test
  void promptsAreKeptNowhere() throws Exception {
    tenant("secretive", "0.2");
    for (int i = 0; i < 4; i++) {
      ask("secret-of-secretive", 30, true);
    }
    ask("wrong-secret", 5, false);
    assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
    List<Path> files;
    try (Stream<Path> all = Files.walk(data)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    assertThat(files).hasSizeGreaterThan(20);
    byte[] canary = CANARY.getBytes(StandardCharsets.UTF_8);
    for (Path file : files) {
      byte[] bytes;
      try {
        bytes = Files.readAllBytes(file);
      } catch (java.io.IOException gone) {
        continue; // PostgreSQL's files come and go
      }
      assertThat(indexOf(bytes, canary)).as("%s", file).isNegative();
    }
  }

  private static int indexOf(byte[] in, byte[] wanted) {
    for (int i = 0; i + wanted.length <= in.length; i++) {
      int same = 0;
      while (same < wanted.length && in[i + same] == wanted[same]) {
        same++;
      }
      if (same == wanted.length) {
        return i;
      }
    }
    return -1;
  }
}
