package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.site.SitePolicy;
import org.aigrid.live.topology.TopologyFile;
import org.aigrid.live.wire.WorkOrder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A whole grid of three countries under load while sites die, drain and fall silent, callers move
/// and a policy changes: real gateway, real site agents, real PostgreSQL. What site agents recorded
/// is judged by Java functions that say the same as the policies' texts.
@Timeout(180)
class ResidencyStormTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final String STORY = "A train went along the bay and its readers with it. ";
  private static final int CLIENTS = 24;
  private static final long STORM_NANOS = 6_000_000_000L;

  /// By when every path must have been taken.
  private static final long STORM_NANOS_MAX = 60_000_000_000L;

  /// What the gateway counts of each path but the first try.
  private static final List<String> PATHS =
      List.of(
          "grid_retries_total",
          "grid_hedges_total",
          "grid_moves_total{why=\"lost\"",
          "grid_moves_total{why=\"handover\"",
          "grid_prewarms_total{outcome=\"done\"");

  /// A check and the record of what it let through are not one moment.
  private static final long GRACE_NANOS = 100_000_000;

  private static final String[] SITES = {
    "jp-hub hub 35.6 139.7 JP telco",
    "jp-a cell 35.60 139.72 JP telco",
    "jp-b cell 35.62 139.74 JP partner",
    "de-hub hub 50.1 8.7 DE telco",
    "de-a cell 52.5 13.4 DE partner",
    "us-hub hub 37.4 -122.1 US telco",
    "us-a cell 40.7 -74.0 US partner"
  };

  /// What a tenant says, as a text and as a function.
  private record Rule(String text, Says says) {}

  private interface Says {
    boolean permits(String action, SiteSpec site);
  }

  /// What a tenant said, from when until when the grid learnt it.
  private record Said(Rule rule, long orderedNanos, long knownNanos) {}

  /// A line of a site's own record.
  private record Took(WorkOrder order, SiteSpec site, long atNanos) {}

  private static final List<Rule> CHANGING =
      List.of(
          new Rule(
              "permit (principal, action, resource in Jurisdiction::\"JP\");",
              (_, site) -> site.jurisdiction().equals("JP")),
          new Rule(
              "permit (principal, action, resource) when { resource.operator == \"partner\" };",
              (_, site) -> site.operator().equals("partner")),
          new Rule(
              "permit (principal, action, resource);\n"
                  + "forbid (principal, action, resource) when { resource.tier == \"hub\" };\n"
                  + "forbid (principal, action, resource == Site::\"us-a\");",
              (_, site) -> site.tier() != Tier.HUB && !site.id().equals("us-a")),
          new Rule(
              "permit (principal, action, resource) unless { resource.jurisdiction == \"JP\" };",
              (_, site) -> !site.jurisdiction().equals("JP")));
  private static final Rule AT_HOME = new Rule("", (_, site) -> site.jurisdiction().equals("JP"));
  private static final Rule NARROWED =
      new Rule(
          "permit (principal, action, resource) when\n"
              + "{ [\"JP\", \"DE\"].contains(resource.jurisdiction) };",
          (_, site) -> site.jurisdiction().equals("DE")); // its requests name DE and US
  private static final Rule CAREFUL =
      new Rule(
          "permit (principal, action, resource);\n"
              + "forbid (principal, action == Action::\"prewarm\", resource)\n"
              + "unless { resource.jurisdiction == \"JP\" };\n"
              + "forbid (principal, action, resource in Jurisdiction::\"US\");",
          (action, site) ->
              site.jurisdiction().equals("JP")
                  || (site.jurisdiction().equals("DE") && action.equals("infer")));
  private static final List<String> TENANTS = List.of("changing", "at-home", "narrowed", "careful");

  private static final Queue<Took> TAKEN = new ConcurrentLinkedQueue<>();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir static Path data;
  private static Accounts accounts;
  private static LiveGrid grid;

  @BeforeAll
  static void start() throws Exception {
    accounts = Accounts.open(data, Accounts.Source.EMBEDDED, "JP", null);
    grid =
        LiveGrid.start(
            TopologyFile.parse("countries.toml", topology()),
            Keys.single("file-secret", "from-a-file"),
            LiveGridSettings.DEFAULT.beating(100, 1_000),
            accounts,
            (order, site) -> TAKEN.add(new Took(order, site, System.nanoTime())));
    order("prices.set", "{\"model\":\"*\",\"prompt\":\"1\",\"output\":\"1\"}");
    tenant("changing", CHANGING.getFirst());
    tenant("at-home", AT_HOME);
    tenant("narrowed", NARROWED);
    tenant("careful", CAREFUL);
  }

  @AfterAll
  static void stop() {
    grid.close();
    accounts.close();
    CLIENT.shutdownNow();
  }

  private static String topology() {
    var text =
        new StringBuilder(
            "name = \"c\"\n[callers]\nhome = \"jp-hub\"\n"
                + "trusted-networks = [\"127.0.0.1/32\"]\n");
    for (String site : SITES) {
      String[] part = site.split(" ");
      text.append("[[site]]\nid = \"" + part[0] + "\"\nname = \"" + part[0] + "\"\n")
          .append("tier = \"" + part[1] + "\"\nregion = \"" + part[4] + "\"\n")
          .append("latitude = " + part[2] + "\nlongitude = " + part[3] + "\n")
          .append("jurisdiction = \"" + part[4] + "\"\noperator = \"" + part[5] + "\"\n")
          .append("accelerator = \"RTX PRO 6000\"\n")
          .append("endpoints = [{ model = \"" + MODEL + "\" }]\n");
    }
    return text.toString();
  }

  private static String order(String order, String body) {
    return accounts.api().order(order, body, "tester");
  }

  private static void tenant(String id, Rule rule) {
    order("tenants.create", "{\"tenant\":\"" + id + "\"}");
    order(
        "tenants.credit",
        "{\"tenant\":\"" + id + "\",\"amount\":\"1000\",\"reference\":\"" + id + "\"}");
    String hash = HexFormat.of().formatHex(Keys.hash("secret-of-" + id));
    order(
        "keys.new",
        "{\"id\":\"" + id + "-1\",\"tenant\":\"" + id + "\",\"sha256\":\"" + hash + "\"}");
    until(() -> accounts.knows("secret-of-" + id));
    if (!rule.text().isEmpty()) {
      policy(id, rule, "first");
    }
  }

  /// Sets a policy and waits until the grid has it. A permit of an action that nothing else
  /// permits, at a site that is not there, tells when.
  private static Said policy(String tenant, Rule rule, String mark) {
    long orderedNanos = System.nanoTime();
    String probe = "probe-" + mark;
    String text =
        rule.text()
                .replace(
                    "permit (principal, action,",
                    "permit (principal, action in [Action::\"infer\", Action::\"prewarm\"],")
            + "\npermit (principal, action == Action::\"log\", resource == Site::\""
            + probe
            + "\");";
    String escaped = text.replace("\"", "\\\"").replace("\n", "\\n");
    order("tenants.policy", "{\"tenant\":\"" + tenant + "\",\"policy\":\"" + escaped + "\"}");
    SitePolicy sites = accounts.sitePolicy(Set.of());
    var order =
        new WorkOrder(
            "gw",
            probe,
            "r",
            0,
            tenant,
            "default",
            "*",
            "log",
            "standard",
            "standard",
            MODEL,
            0,
            1);
    var site =
        new SiteSpec(
            probe, probe, Tier.CELL, "r", new GeoPoint(0, 0), "DE", "partner-of-none", List.of());
    assertThat(sites.refusal(order, site)).as("before %s", mark).isNotNull();
    until(() -> sites.refusal(order, site) == null);
    return new Said(rule, orderedNanos, System.nanoTime());
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 30 s");
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  // ---- the storm

  @Test
  void siteAgentsRecordNoWorkThatItsTenantsPolicyDoesNotPermit() throws Exception {
    TAKEN.clear();
    long begunNanos = System.nanoTime();
    var over = new AtomicBoolean();
    var answered = new AtomicInteger();
    var refused = new AtomicInteger();
    var said = new ArrayList<Said>();
    said.add(new Said(CHANGING.getFirst(), 0, 0));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var working = new ArrayList<Future<?>>();
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        working.add(threads.submit(() -> client(number, over, answered, refused)));
      }
      working.add(threads.submit(() -> faults(over)));
      working.add(threads.submit(() -> movers(over)));
      long sinceNanos = 0;
      for (int i = 1;
          sinceNanos < STORM_NANOS || (sinceNanos < STORM_NANOS_MAX && !everyPathWasTaken());
          i++) {
        said.add(policy("changing", CHANGING.get(i % CHANGING.size()), "change-" + i));
        LockSupport.parkNanos(300_000_000);
        sinceNanos = System.nanoTime() - begunNanos;
      }
      over.set(true);
      for (Future<?> one : working) {
        one.get();
      }
    }
    String metrics = metrics();
    String counts =
        ("answered %d, refused %d, records %d, policies %d, retries %.0f, hedges %.0f, moves %.0f,"
                + " of these handovers %.0f, prewarms %.0f")
            .formatted(
                answered.get(),
                refused.get(),
                TAKEN.size(),
                said.size(),
                counted(metrics, "grid_retries_total"),
                counted(metrics, "grid_hedges_total"),
                counted(metrics, "grid_moves_total"),
                counted(metrics, "grid_moves_total{why=\"handover\""),
                counted(metrics, "grid_prewarms_total{outcome=\"done\""));
    System.out.println("storm: " + counts);
    assertThat(violations(said)).as(counts).isEmpty();
    // A storm in which nothing happens would prove nothing.
    assertThat(answered.get()).as(counts).isGreaterThan(20);
    assertThat(said.size()).as(counts).isGreaterThan(4);
    for (String happened : PATHS) {
      assertThat(counted(metrics, happened)).as("%s; %s", happened, counts).isPositive();
    }
    for (String tenant : TENANTS) {
      assertThat(TAKEN).as(counts).anyMatch(took -> took.order().tenant().equals(tenant));
    }
    assertThat(TAKEN).as(counts).anyMatch(took -> took.order().action().equals("prewarm"));
  }

  private static boolean everyPathWasTaken() throws Exception {
    String metrics = metrics();
    return PATHS.stream().allMatch(path -> counted(metrics, path) > 0);
  }

  private static List<String> violations(List<Said> said) {
    var found = new ArrayList<String>();
    for (Took took : TAKEN) {
      boolean permitted =
          switch (took.order().tenant()) {
            case "changing" ->
                inForce(said, took.atNanos()).stream().anyMatch(rule -> says(rule, took));
            case "at-home" -> says(AT_HOME, took);
            case "narrowed" -> says(NARROWED, took);
            case "careful" -> says(CAREFUL, took);
            default -> false;
          };
      if (!permitted) {
        found.add(took.order() + " at " + took.site().id() + since(said, took.atNanos()));
      }
    }
    return found;
  }

  private static String since(List<Said> said, long atNanos) {
    var text = new StringBuilder("; ms since changes were ordered and known:");
    for (Said one : said) {
      long orderedMs = (atNanos - one.orderedNanos()) / 1_000_000;
      long knownMs = (atNanos - one.knownNanos()) / 1_000_000;
      if (Math.abs(knownMs) < 3_000) {
        text.append(" %d (%d, %d)".formatted(said.indexOf(one), orderedMs, knownMs));
      }
    }
    return text.toString();
  }

  private static boolean says(Rule rule, Took took) {
    return rule.says().permits(took.order().action(), took.site());
  }

  /// The rule of that moment; two while the grid learns of a change.
  private static List<Rule> inForce(List<Said> said, long atNanos) {
    var rules = new ArrayList<Rule>();
    for (int i = 0; i < said.size(); i++) {
      boolean begun = i == 0 || said.get(i).orderedNanos() - atNanos <= 0;
      boolean over =
          i + 1 < said.size() && said.get(i + 1).knownNanos() + GRACE_NANOS - atNanos < 0;
      if (begun && !over) {
        rules.add(said.get(i).rule());
      }
    }
    return rules;
  }

  // ---- who disturbs

  private static Void client(
      int number, AtomicBoolean over, AtomicInteger answered, AtomicInteger refused)
      throws Exception {
    var random = new SplittableRandom(number);
    String tenant = TENANTS.get(number % TENANTS.size());
    for (int turn = 0; !over.get(); turn++) {
      boolean stream = random.nextInt(3) > 0;
      HttpRequest.Builder request =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
              .timeout(Duration.ofSeconds(30))
              .header("Authorization", "Bearer secret-of-" + tenant)
              .header("x-grid-cell", SITES[random.nextInt(SITES.length)].split(" ")[0])
              .header("x-stainless-timeout", stream ? "20" : "1")
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      body("chat-" + number, turn, stream, random)));
      if (tenant.equals("narrowed")) {
        request.header("x-grid-residency", "DE, US");
      }
      HttpResponse<String> answer =
          CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
      (answer.statusCode() == 200 ? answered : refused).incrementAndGet();
      if (answer.statusCode() != 200) {
        LockSupport.parkNanos(20_000_000);
      }
    }
    return null;
  }

  private static String body(String session, int turn, boolean stream, SplittableRandom random) {
    return "{\"model\":\""
        + MODEL
        + "\",\"prompt_cache_key\":\""
        + session
        + "\",\"ignore_eos\":true,\"messages\":[{\"role\":\"user\",\"content\":\""
        + STORY.repeat(30 + 10 * (turn % 20))
        + "\"}],\"max_tokens\":"
        + (stream ? 100 + random.nextInt(300) : 20 + random.nextInt(60))
        + ",\"stream\":"
        + stream
        + "}";
  }

  private static Void faults(AtomicBoolean over) {
    var random = new SplittableRandom(7);
    while (!over.get()) {
      String site = SITES[random.nextInt(SITES.length)].split(" ")[0];
      switch (random.nextInt(4)) {
        case 0, 1 -> grid.kill(site);
        case 2 -> grid.drain(site);
        default -> grid.mute(site, true);
      }
      LockSupport.parkNanos(random.nextLong(100_000_000, 600_000_000));
      grid.mute(site, false);
      grid.revive(site);
    }
    for (String site : SITES) {
      grid.revive(site.split(" ")[0]);
    }
    return null;
  }

  private static Void movers(AtomicBoolean over) {
    var random = new SplittableRandom(11);
    while (!over.get()) {
      int number = random.nextInt(CLIENTS);
      String cell = SITES[random.nextInt(SITES.length)].split(" ")[0];
      grid.callerNoticed(
          TENANTS.get(number % TENANTS.size()),
          "chat-" + number,
          cell,
          random.nextInt(3) == 0 ? 5_000 : 0);
      LockSupport.parkNanos(15_000_000);
    }
    return null;
  }

  // ---- what the gateway counted

  private static String metrics() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + grid.port() + "/metrics")).build();
    return CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  /// Sum over the series that begin so.
  private static double counted(String metrics, String name) {
    Matcher lines =
        Pattern.compile("(?m)^" + Pattern.quote(name) + "[^ ]* ([0-9.eE+]+)$").matcher(metrics);
    double sum = 0;
    while (lines.find()) {
      sum += Double.parseDouble(lines.group(1));
    }
    return sum;
  }
}
