package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.aigrid.core.model.LocationClaim;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.live.books.BearerTokens;
import org.aigrid.live.books.Ledger;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.proof.LogAudit;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.aigrid.live.wire.WorkOrder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.ObjectMapper;

/// Tenants with accounts on a whole grid of two countries, with its real PostgreSQL.
@Timeout(180)
class AccountsTest {
  private static final String CANARY = "canary-7f3a91-do-not-keep";
  private static final String MODEL = "llama-3.1-8b";
  private static final String ISSUER = "https://id.example";
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
      location-level = 2
      location-evidence = "sha256:7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"
      accelerator = "H100"
      endpoints = [{ model = "llama-3.1-8b" }]
      """;

  private static final Map<String, Queue<WorkOrder>> TAKEN = new ConcurrentHashMap<>();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir static Path data;
  private static RSAKey rsa;
  private static Accounts accounts;
  private static LiveGrid grid;

  @BeforeAll
  static void start() throws Exception {
    Path file = data.resolve("topology.toml");
    Files.writeString(file, TOPOLOGY);
    Topology topology = TopologyFile.read(file);
    rsa = new RSAKeyGenerator(2_048).keyID("rsa").generate();
    Path provider = data.resolve("provider.json");
    Files.writeString(provider, new JWKSet(rsa.toPublicJWK()).toString());
    accounts =
        Accounts.open(
            data,
            Accounts.Source.EMBEDDED,
            "JP",
            new BearerTokens.Settings(
                ISSUER, "grid", provider.toUri(), "tenant", "", Duration.ofSeconds(60)));
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
    key(id, "default", "secret-of-" + id, "inference");
  }

  private static void key(String tenant, String project, String secret, String scope) {
    String hash = HexFormat.of().formatHex(Keys.hash(secret));
    order(
        "keys.new",
        """
        {"id":"%s","tenant":"%s","project":"%s","sha256":"%s","scopes":["%s"]}
        """
            .formatted(secret + "-1", tenant, project, hash, scope));
    until(() -> accounts.knows(secret));
  }

  /// A token of the identity provider.
  private static String token(String tenant, String subject) throws Exception {
    var jwt =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("rsa").build(),
            new JWTClaimsSet.Builder()
                .issuer(ISSUER)
                .audience("grid")
                .subject(subject)
                .claim("tenant", tenant)
                .expirationTime(new Date(System.currentTimeMillis() + 600_000))
                .build());
    jwt.sign(new RSASSASigner(rsa));
    return jwt.serialize();
  }

  private static HttpResponse<String> usageOf(String secret, String query, String... headers)
      throws Exception {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + grid.port() + "/v1/usage" + query))
            .header("Authorization", "Bearer " + secret);
    if (headers.length > 0) {
      request.headers(headers);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<String> ask(
      String secret, int tokens, boolean stream, String... headers) throws Exception {
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
            .header("Authorization", "Bearer " + secret)
            .POST(HttpRequest.BodyPublishers.ofString(body(tokens, stream)));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String body(int tokens, boolean stream) {
    return "{\"model\":\""
        + MODEL
        + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
        + CANARY
        + "\"}],\"max_tokens\":"
        + tokens
        + ",\"ignore_eos\":true,\"stream\":"
        + stream
        + ",\"stream_options\":{\"include_usage\":true}}";
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
  void aBurstOfATenantWithMoneyIsNotToldThatThereIsNone() throws Exception {
    tenant("bursting", "1000");
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
            .header("Authorization", "Bearer secret-of-bursting")
            .POST(HttpRequest.BodyPublishers.ofString(body(500, true))) // 2 are reserved
            .build();
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 20; i++) {
      answers.add(CLIENT.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
    }
    for (CompletableFuture<HttpResponse<String>> answer : answers) {
      assertThat(answer.get(60, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void anotherGridOnTheDatabaseLeavesWhatThisOneHolds(@TempDir Path other) throws Exception {
    tenant("shared", "10");
    assertThat(ask("secret-of-shared", 20, false).statusCode()).isEqualTo(200);
    var ledger = new Ledger(accounts.database());
    assertThat(ledger.balance("shared").heldMicros()).isPositive();
    var source =
        new Accounts.Source(
            "jdbc:postgresql://localhost:" + accounts.database().port() + "/postgres",
            "postgres",
            Files.readString(BooksApi.folder(data).resolve("postgres.password")).strip());
    Accounts.open(other, source, "JP", null).close();
    assertThat(ledger.balance("shared").heldMicros()).isPositive();
    assertThat(ledger.check()).isEmpty();
  }

  @Test
  void aProjectThatHasUsedItsBudgetIsCutWhileAnotherOfItsTenantGoesOn() throws Exception {
    tenant("parent", "100");
    order("tenants.project", "{\"tenant\":\"parent\",\"project\":\"child\"}");
    order(
        "tenants.budget",
        "{\"tenant\":\"parent\",\"project\":\"child\",\"amount\":\"0.1\",\"per\":\"month\"}");
    key("parent", "child", "secret-of-child", "inference");
    HttpResponse<String> answer = ask("secret-of-child", 500, true);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body())
        .contains("\"finish_reason\":\"length\"", ": cut budget")
        .endsWith("[DONE]\n\n");
    assertThat(answer.body().split("\"content\":\"", -1).length - 1).isBetween(5, 25);
    HttpResponse<String> next = ask("secret-of-child", 500, true);
    assertThat(next.statusCode()).isEqualTo(429);
    assertThat(next.body()).contains("insufficient_quota", "project");
    assertThat(next.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(ask("secret-of-parent", 50, true).body()).contains("\"completion_tokens\":50");
    // what it has cost is known to the books, and nothing beyond the budget
    until(() -> !spentBy("child").equals("0"));
    assertThat(Double.parseDouble(spentBy("child"))).isBetween(0.05, 0.1);
    assertThat(digest(answer, "responseDigest"))
        .as("of a stream that was cut, too")
        .isEqualTo(hmac(digestKey("parent"), answer.body()));
    order(
        "tenants.budget",
        "{\"tenant\":\"parent\",\"project\":\"child\",\"amount\":\"5\",\"per\":\"month\"}");
    until(() -> !jurisdictionOf("secret-of-child").isEmpty());
  }

  private static String spentBy(String project) {
    return new ObjectMapper()
        .readTree(order("tenants.projects", "{\"tenant\":\"parent\"}"))
        .path("rows")
        .valueStream()
        .filter(row -> row.path(0).asString("").equals(project))
        .map(row -> row.path(3).asString(""))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aTenantReadsItsOwnUsageAndNobodyElses() throws Exception {
    tenant("reader", "10");
    tenant("neighbour", "10");
    key("reader", "default", "books-of-reader", "usage");
    assertThat(ask("secret-of-reader", 20, false).statusCode()).isEqualTo(200);
    assertThat(ask("secret-of-neighbour", 33, false).statusCode()).isEqualTo(200);
    until(() -> usage("reader").contains("20") && usage("neighbour").contains("33"));

    HttpResponse<String> json = usageOf("books-of-reader", "");
    assertThat(json.statusCode()).isEqualTo(200);
    assertThat(json.body())
        .startsWith("{\"object\":\"list\"")
        .contains("\"model\":\"llama-3.1-8b\"", "\"site\":\"tokyo\"", "\"output_tokens\":20")
        .contains("\"num_model_requests\":1")
        .doesNotContain("33", "neighbour");
    HttpResponse<String> focus = usageOf("books-of-reader", "", "Accept", "text/csv");
    assertThat(focus.headers().firstValue("content-type").orElse("")).startsWith("text/csv");
    assertThat(focus.body().lines().toList()).hasSize(2);
    assertThat(focus.body()).startsWith("AvailabilityZone,").doesNotContain("neighbour");
    assertThat(usageOf("books-of-reader", "?month=2020-01&by=model").body())
        .contains("\"data\":[]", "\"month\":\"2020-01\"");
    assertThat(usageOf("books-of-reader", "?project=nothing").body()).contains("\"data\":[]");

    for (String query :
        List.of(
            "?tenant=neighbour",
            "?by=tenant",
            "?format=xml",
            "?month=now",
            "?month=%2B300000-01",
            "?month=%2B999999999-12",
            "?project=%00")) {
      HttpResponse<String> wrong = usageOf("books-of-reader", query);
      assertThat(wrong.statusCode()).as(query).isEqualTo(400);
      assertThat(wrong.body()).as(query).contains("expected").doesNotContain("\"data\"");
    }
    for (String query : List.of("?month=0000-01", "?month=9999-12")) {
      assertThat(usageOf("books-of-reader", query).statusCode()).as(query).isEqualTo(200);
    }
    HttpResponse<String> noScope = usageOf("secret-of-reader", "");
    assertThat(noScope.statusCode()).isEqualTo(403);
    assertThat(noScope.body()).contains("scope 'usage'", "permission_error");
    assertThat(usageOf("nobodys", "").statusCode()).isEqualTo(401);
    assertThat(usageOf("file-secret", "").statusCode()).isEqualTo(404);
    HttpResponse<String> asking = ask("books-of-reader", 5, false);
    assertThat(asking.statusCode()).as("reading is not asking").isEqualTo(403);
    assertThat(asking.body()).contains("scope 'inference'");
  }

  @Test
  void aTokenOpensWhatItsPersonIsInTheTenantNow() throws Exception {
    tenant("roles", "10");
    String ann = token("roles", "ann");
    String bob = token("roles", "bob");
    assertThat(ask(ann, 5, false).statusCode()).as("nothing was said of her").isEqualTo(200);
    assertThat(usageOf(ann, "").statusCode()).isEqualTo(403);
    order("tenants.role", "{\"tenant\":\"roles\",\"subject\":\"ann\",\"role\":\"auditor\"}");
    order("tenants.role", "{\"tenant\":\"roles\",\"subject\":\"bob\",\"role\":\"owner\"}");
    until(() -> status(ann) == 200 && status(bob) == 200);
    assertThat(ask(ann, 5, false).statusCode()).as("an auditor does not ask").isEqualTo(403);
    assertThat(ask(bob, 5, false).statusCode()).isEqualTo(200);
    // Within a second, as is promised: of ten times the fastest, since a busy machine may hold its
    // breath at any of them, and one that needs longer always does so each time.
    Duration fastest = Duration.ofDays(1);
    for (int i = 0; i < 10 && fastest.compareTo(Duration.ofSeconds(1)) >= 0; i++) {
      order("tenants.role", "{\"tenant\":\"roles\",\"subject\":\"ann\",\"role\":\"auditor\"}");
      until(() -> status(ann) == 200);
      order("tenants.role", "{\"tenant\":\"roles\",\"subject\":\"ann\",\"role\":\"none\"}");
      long taken = System.nanoTime();
      until(() -> status(ann) == 401);
      Duration took = Duration.ofNanos(System.nanoTime() - taken);
      fastest = took.compareTo(fastest) < 0 ? took : fastest;
    }
    assertThat(fastest).isLessThan(Duration.ofSeconds(1));
    assertThat(ask(ann, 5, false).statusCode()).isEqualTo(401);
    assertThat(status(token("nobody-knows", "ann"))).isEqualTo(401);
  }

  private static int status(String token) {
    try {
      return usageOf(token, "").statusCode();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest(name = "streamed {0}")
  @ValueSource(booleans = {false, true})
  void aTenantChecksTheDigestsOfItsReceiptsWithItsOwnKey(boolean stream) throws Exception {
    String tenant = stream ? "digests-of-streams" : "digests";
    tenant(tenant, "10");
    HttpResponse<String> answer = ask("secret-of-" + tenant, 12, stream);
    assertThat(answer.statusCode()).isEqualTo(200);
    until(() -> usage(tenant).contains("12"));
    String key = digestKey(tenant);
    assertThat(digest(answer, "requestDigest")).isEqualTo(hmac(key, body(12, stream)));
    assertThat(digest(answer, "responseDigest")).isEqualTo(hmac(key, answer.body()));
    order("tenants.create", "{\"tenant\":\"other-" + tenant + "\"}");
    assertThat(order("tenants.digest-key", "{\"tenant\":\"other-" + tenant + "\"}"))
        .doesNotContain(key);
  }

  private static String digestKey(String tenant) {
    return new ObjectMapper()
        .readTree(order("tenants.digest-key", "{\"tenant\":\"" + tenant + "\"}"))
        .path("text")
        .asString("");
  }

  private static String digest(HttpResponse<String> answer, String which) throws Exception {
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
    return new ObjectMapper()
        .readTree(Objects.requireNonNull(accounts.proof().receipt(id)).bytes())
        .path(which)
        .asString("");
  }

  /// As anybody would write it who has only read docs/proof.md.
  private static String hmac(String hexKey, String text) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(HexFormat.of().parseHex(hexKey), "HmacSHA256"));
    return "hmac-sha256:"
        + HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
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

  @Test
  void aPolicyThatAsksForAMeasuredPlaceRunsWhereOneIsClaimed() throws Exception {
    tenant("careful", "10");
    order(
        "tenants.policy",
        "{\"tenant\":\"careful\",\"policy\":\"permit (principal, action, resource) when"
            + " { resource.level >= 2 };\"}");
    until(() -> jurisdictionOf("secret-of-careful").equals("DE"));
    HttpResponse<String> answer = ask("secret-of-careful", 3, false);
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
    TransparencyLog.Logged receipt = Objects.requireNonNull(accounts.proof().receipt(id));
    assertThat(new String(receipt.bytes(), StandardCharsets.UTF_8))
        .contains("\"locationLevel\":\"L2\"", "\"site\":\"berlin\"");
    // And the site itself refuses where nothing is claimed, whatever a gateway may sign.
    var policy = accounts.sitePolicy(Set.of());
    for (LocationClaim claim :
        List.of(
            LocationClaim.DECLARED,
            new LocationClaim(LocationLevel.L2, "sha256:" + "00".repeat(32)))) {
      assertThat(policy.refusal(orderOf("careful"), site("berlin", claim)) == null)
          .isEqualTo(claim.level() == LocationLevel.L2);
    }
  }

  @Test
  void theLogHasWhatASiteSaysOfItselfEachTimeThatItSaysSomethingElse() throws Exception {
    var measured = new LocationClaim(LocationLevel.L2, "sha256:" + "ab".repeat(32));
    for (LocationClaim claim :
        List.of(
            LocationClaim.DECLARED,
            LocationClaim.DECLARED,
            measured,
            measured,
            LocationClaim.DECLARED)) {
      accounts.registered(List.of(site("osaka", claim)));
      assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
    }
    for (String[] expected :
        new String[][] {
          {"site/osaka/1", "\"level\":\"L1\""},
          {"site/osaka/2", "\"evidence\":\"sha256:abab"},
          {"site/osaka/3", "\"level\":\"L1\""}
        }) {
      TransparencyLog.Logged entry = Objects.requireNonNull(accounts.proof().change(expected[0]));
      assertThat(new String(entry.bytes(), StandardCharsets.UTF_8)).contains(expected[1]);
    }
    assertThat(accounts.proof().change("site/osaka/4")).isNull();
  }

  private static SiteSpec site(String id, LocationClaim claim) {
    return new SiteSpec(
        id, id, Tier.HUB, "r", new GeoPoint(0, 0), "DE", "operator", claim, List.of());
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
    String project = !tenant.startsWith("from-") && !tenant.equals("nobody") ? "default" : "-";
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
  void thePublicLogNamesNoTenantItsMoneyNorItsPeopleAndEachPolicyByItsWholeText() throws Exception {
    var before = entries();
    order("tenants.create", "{\"tenant\":\"canary-id\",\"name\":\"Canary Name\"}");
    order(
        "tenants.credit",
        "{\"tenant\":\"canary-id\",\"amount\":\"47.110815\",\"reference\":\"canary-ref\","
            + "\"note\":\"canary note\"}");
    order("tenants.project", "{\"tenant\":\"canary-id\",\"project\":\"canary-part\"}");
    order(
        "tenants.budget",
        "{\"tenant\":\"canary-id\",\"project\":\"canary-part\",\"amount\":\"47.110815\"}");
    order(
        "tenants.role",
        "{\"tenant\":\"canary-id\",\"subject\":\"canary-ann\",\"role\":\"auditor\"}");
    order("tenants.limit", "{\"tenant\":\"canary-id\",\"tokensPerMinute\":9001}");
    key("canary-id", "canary-part", "canary-secret", "inference");
    order("keys.revoke", "{\"id\":\"canary-secret-1\"}");
    order("tenants.digest-key", "{\"tenant\":\"canary-id\"}");
    accounts.api().order("tenants.close", "{\"tenant\":\"canary-id\"}", "session/canary-login");
    accounts.api().did("session/canary-login", "site.drain", "tokyo", "");
    String head = "// " + "canary ".repeat(142) + "\n"; // 1,000 characters
    String tail = "\npermit (principal, action, resource);" + " ".repeat(960);
    var policies = List.of(head + "// 1" + tail, head + "// 2" + tail);
    for (String policy : policies) {
      assertThat(policy.length()).isBetween(1_990, 2_010);
      order(
          "tenants.policy",
          new ObjectMapper()
              .createObjectNode()
              .put("tenant", "canary-id")
              .put("policy", policy)
              .set("jurisdictions", new ObjectMapper().createArrayNode().add("JP").add("DE"))
              .toString());
    }
    var fresh = new ArrayList<>(entries());
    fresh.removeAll(before);
    String pseudonym = accounts.proof().digestsOf("canary-id").pseudonym();
    assertThat(fresh.stream().filter(one -> one.contains(pseudonym))).hasSize(12);
    assertThat(fresh).anyMatch(one -> one.contains("\"tokensPerMinute\":\"9001\""));
    assertThat(fresh).anyMatch(one -> one.contains("\"order\":\"keys.revoke\""));
    assertThat(fresh)
        .anyMatch(one -> one.contains("site.drain") && one.contains("\"actor\":\"session\""));
    for (String policy : policies) {
      assertThat(fresh)
          .filteredOn(one -> one.contains("\"policySha256\":\"" + sha256(policy) + "\""))
          .hasSize(1)
          .allMatch(one -> one.contains("\"jurisdictions\":\"DE JP\""))
          .allMatch(one -> one.contains("\"policyBytes\":\"" + policy.length() + "\""));
    }
    try (Stream<Path> files = Files.walk(data.resolve("proof/log"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertThat(text.toLowerCase(java.util.Locale.ROOT)).as("%s", file).doesNotContain("canary");
        assertThat(text).as("%s", file).doesNotContain("47.11", "47110815");
      }
    }
    assertThat(order("audit", "")).contains("canary-id", "canary-ann");
  }

  @Test
  void theVersionInAPolicysEntryIsTheOneThatReceiptsName() throws Exception {
    tenant("versioned", "10");
    order("tenants.project", "{\"tenant\":\"versioned\",\"project\":\"strict\"}");
    key("versioned", "strict", "secret-of-strict", "inference");
    order(
        "tenants.policy",
        "{\"tenant\":\"versioned\",\"project\":\"strict\",\"jurisdictions\":[\"DE\"]}");
    var before = entries();
    order("tenants.policy", "{\"tenant\":\"versioned\",\"jurisdictions\":[\"DE\",\"JP\"]}");
    var fresh = new ArrayList<>(entries());
    fresh.removeAll(before);
    String entry = fresh.getFirst();
    assertThat(fresh).hasSize(1);
    assertThat(entry).contains("\"type\":\"policy\"");
    var details = new ObjectMapper().readTree(entry).path("details");
    for (String[] one :
        new String[][] {
          {"secret-of-versioned", "policyVersion"}, {"secret-of-strict", "policyVersion-2"}
        }) {
      String version = details.path(one[1]).asString("");
      assertThat(version).startsWith("sha256:");
      until(() -> receiptPolicy(one[0]).equals(version));
    }
  }

  /// Which policy the receipt of a request names.
  private static String receiptPolicy(String secret) {
    try {
      HttpResponse<String> answer = ask(secret, 1, false);
      String id = answer.headers().firstValue("x-request-id").orElseThrow();
      if (answer.statusCode() != 200) {
        return "";
      }
      assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
      TransparencyLog.Logged receipt = accounts.proof().receipt(id);
      return receipt == null
          ? ""
          : new ObjectMapper().readTree(receipt.bytes()).path("policyHash").asString("");
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static String sha256(String text) {
    return HexFormat.of()
        .formatHex(org.aigrid.live.tlog.Hash.sha256(text.getBytes(StandardCharsets.UTF_8)));
  }

  /// All entries of the log that are no receipts.
  private static List<String> entries() throws Exception {
    assertThat(accounts.proof().flush(Duration.ofSeconds(20))).isTrue();
    var all = new ArrayList<String>();
    LogAudit.check(
        accounts.logSource(),
        TrustPolicy.of(accounts.proof().publicKeys()),
        null,
        (_, bytes) -> {
          String entry = new String(bytes, StandardCharsets.UTF_8);
          if (!entry.contains("\"type\":\"receipt\"")) {
            all.add(entry);
          }
        });
    return all;
  }

  @Test
  void whatWasOpenedBeforeAPartThatCannotBeOpenedIsClosed(@TempDir Path other) throws Exception {
    var away =
        new BearerTokens.Settings(
            ISSUER,
            "grid",
            other.resolve("missing.json").toUri(),
            "tenant",
            "",
            Duration.ofSeconds(60));
    assertThatThrownBy(() -> Accounts.open(other, Accounts.Source.EMBEDDED, "JP", away))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining("identity provider");
    // Its folder, locks of the log and the database's included, is free again.
    Accounts.open(other, Accounts.Source.EMBEDDED, "JP", null).close();
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
