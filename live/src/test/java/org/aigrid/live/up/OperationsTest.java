package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.proof.GridChange;
import org.aigrid.live.proof.LogSettings;
import org.aigrid.live.proof.ProofAnswers;
import org.aigrid.live.proof.ProofServer;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.proof.Witness;
import org.aigrid.live.proof.WitnessClient;
import org.aigrid.live.site.WorkLog;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A whole grid with accounts and a witness, as who operates it sees it: its metrics, and what they
/// say when its PostgreSQL is killed.
@Timeout(180)
class OperationsTest {
  private static final String ORIGIN = "grid.example/log/operations";
  private static final Pattern SAMPLE =
      Pattern.compile(
          "(grid_(?:journal|books|database|directory|log|witness)_[a-z_]+)(\\S*) (\\S+)");
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir static Path data;
  private static String option;
  private static Witness witness;
  private static ProofServer witnessServer;
  private static Accounts accounts;
  private static LiveGrid grid;

  @BeforeAll
  static void start() throws Exception {
    LogSettings log = LogSettings.under(data, ORIGIN);
    TransparencyLog begun = TransparencyLog.open(log, System::currentTimeMillis);
    begun.close(); // its keys are what the witness has to know
    witness = witness(begun.publicKeys());
    witnessServer = serve(witness, 0);
    option =
        "http://127.0.0.1:" + witnessServer.port() + "=" + witness.publicKeys().getFirst().vkey();
    accounts =
        Accounts.open(
            data,
            Accounts.Source.EMBEDDED,
            "JP",
            null,
            new Accounts.Proof(ORIGIN, WitnessOption.parse(List.of(option))));
    grid =
        LiveGrid.start(
            TopologyFile.bundled(),
            Keys.single("file-secret", "from-a-file"),
            LiveGridSettings.DEFAULT.withHttp(HttpSettings.DEFAULT),
            accounts,
            WorkLog.NONE);
    order("prices.set", "{\"model\":\"*\",\"prompt\":\"1000\",\"output\":\"4000\"}");
    order("tenants.create", "{\"tenant\":\"t\"}");
    order("tenants.credit", "{\"tenant\":\"t\",\"amount\":\"1000\",\"reference\":\"first\"}");
    String hash = HexFormat.of().formatHex(Keys.hash("secret-of-t"));
    order("keys.new", "{\"id\":\"t-1\",\"tenant\":\"t\",\"sha256\":\"" + hash + "\"}");
    until(() -> accounts.knows("secret-of-t"));
  }

  private static Witness witness(List<NoteKey> logKeys) throws Exception {
    return Witness.open(
        data.resolve("witness"),
        "witness.example",
        TrustPolicy.of(logKeys),
        System::currentTimeMillis);
  }

  private static ProofServer serve(Witness witness, int port) {
    return ProofServer.start(
        HttpSettings.DEFAULT.at("127.0.0.1", port), new ProofAnswers(null, witness));
  }

  @AfterAll
  static void stop() throws Exception {
    grid.close();
    accounts.close();
    witnessServer.close();
    witness.close();
  }

  private static void order(String order, String body) {
    assertThat(accounts.api().order(order, body, "tester")).isNotNull();
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 60 s");
      }
      LockSupport.parkNanos(10_000_000);
    }
  }

  private static int ask() throws Exception {
    var request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + grid.port() + "/v1/chat/completions"))
            .header("Authorization", "Bearer secret-of-t")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"llama-3.1-8b\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\","
                        + "\"content\":\"hello\"}]}"));
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
  }

  /// Samples by name, labels included.
  private static TreeMap<String, Double> metrics() {
    HttpResponse<String> page;
    try {
      page =
          CLIENT.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + grid.port() + "/metrics"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
    assertThat(page.statusCode()).isEqualTo(200);
    var samples = new TreeMap<String, Double>();
    for (String line : page.body().lines().toList()) {
      Matcher sample = SAMPLE.matcher(line);
      if (!line.startsWith("#") && sample.matches()) {
        samples.put(sample.group(1) + sample.group(2), Double.parseDouble(sample.group(3)));
      }
    }
    return samples;
  }

  private static double metric(String name) {
    return value(metrics(), name);
  }

  private static double value(Map<String, Double> samples, String name) {
    Double value = samples.get(name);
    if (value == null) {
      throw new AssertionError("no " + name + " among " + samples.keySet());
    }
    return value;
  }

  @Test
  void whatWasServedStandsInTheMetricsOfEachStepOfItsWay() throws Exception {
    until(() -> metric("grid_log_queue_entries") == 0); // of what was done at the start
    double before = metric("grid_journal_records_total");
    double entries = metric("grid_log_entries");
    for (int i = 0; i < 20; i++) {
      assertThat(ask()).isEqualTo(200);
    }
    assertThat(metric("grid_journal_records_total")).isGreaterThanOrEqualTo(before + 20);
    until(
        () -> {
          var now = metrics();
          return value(now, "grid_books_applied_records_total")
                  == value(now, "grid_journal_records_total")
              && value(now, "grid_log_entries") >= entries + 20
              && value(now, "grid_log_queue_entries") == 0
              && value(now, "grid_witness_behind_entries{witness=\"witness.example\"}") == 0;
        });
    var now = metrics();
    assertThat(now)
        .containsEntry("grid_journal_backlog_bytes", 0.0)
        .containsEntry("grid_books_oldest_unapplied_seconds", 0.0)
        .containsEntry("grid_journal_accepting", 1.0)
        .containsEntry("grid_database_up", 1.0)
        .containsEntry("grid_log_queue_entries", 0.0)
        .containsEntry("grid_log_running", 1.0)
        .containsEntry("grid_log_refused_entries_total", 0.0)
        .containsEntry("grid_witness_ahead{witness=\"witness.example\"}", 0.0)
        .containsEntry(
            "grid_witness_cosigned_entries{witness=\"witness.example\"}",
            value(now, "grid_log_entries"));
    assertThat(value(now, "grid_journal_fsync_seconds_count")).isPositive();
    assertThat(value(now, "grid_journal_fsync_seconds_sum")).isPositive();
    assertThat(value(now, "grid_journal_fsync_seconds_bucket{le=\"+Inf\"}"))
        .isEqualTo(value(now, "grid_journal_fsync_seconds_count"));
    assertThat(value(now, "grid_journal_written_bytes_total"))
        .isEqualTo(value(now, "grid_journal_disk_bytes"));
    assertThat(value(now, "grid_log_checkpoint_age_seconds")).isBetween(0.0, 180.0);
    assertThat(value(now, "grid_directory_age_seconds")).isBetween(0.0, 180.0);
  }

  @Test
  void aKilledPostgresIsCountedAndWhatWasServedMeanwhileIsBookedOnce() throws Exception {
    assertThat(ask()).isEqualTo(200); // there is a slice
    double restarts = metric("grid_database_restarts_total");
    Path pid = data.resolve("books/postgres/postmaster.pid");
    ProcessHandle.of(Long.parseLong(Files.readAllLines(pid).getFirst().strip()))
        .filter(process -> process.info().command().orElse("").endsWith("postgres"))
        .ifPresent(ProcessHandle::destroyForcibly);
    for (int i = 0; i < 10; i++) {
      assertThat(ask()).as("served from its slice").isEqualTo(200);
    }
    until(() -> metric("grid_database_restarts_total") == restarts + 1);
    until(
        () ->
            metric("grid_books_applied_records_total") == metric("grid_journal_records_total")
                && metric("grid_database_up") == 1);
    long booked =
        accounts
            .database()
            .jdbi()
            .withHandle(
                h -> h.createQuery("select count(*) from requests").mapTo(Long.class).one());
    assertThat((double) booked).isEqualTo(metric("grid_journal_records_total"));
  }

  @Test
  void aWitnessThatSignedWhatTheLogLacksIsAnAlarmUntilItSignsAgain(@TempDir Path other)
      throws Exception {
    String ahead = "grid_witness_ahead{witness=\"witness.example\"}";
    String failures = "grid_witness_failures_total{witness=\"witness.example\"}";
    String behind = "grid_witness_behind_entries{witness=\"witness.example\"}";
    until(() -> metric(behind) == 0);
    // The witness is shown a longer life of this log: as if ours were put back.
    copy(data.resolve("proof"), other.resolve("proof"));
    double entries;
    try (TransparencyLog longer =
            TransparencyLog.open(LogSettings.under(other, ORIGIN), System::currentTimeMillis);
        WitnessClient client =
            WitnessClient.start(longer, WitnessOption.parse(List.of(option)), 10)) {
      for (int i = 0; i < 3; i++) {
        longer.offer(
            new GridChange(GridChange.Kind.ADMIN, "later-" + i, 0, "nobody", "x", Map.of()));
      }
      assertThat(longer.flush(Duration.ofSeconds(20))).isTrue();
      entries = longer.status().entries();
      until(() -> client.health().values().stream().allMatch(one -> one.lastSize() == entries));
    }
    assertThat(ask()).isEqualTo(200);
    until(() -> metric(ahead) == 1);
    while (metric("grid_log_entries") <= entries) {
      assertThat(ask()).isEqualTo(200);
    }
    double failed = metric(failures);
    until(() -> metric(failures) >= failed + 2);
    assertThat(metric(ahead)).as("the log has grown past the witness").isEqualTo(1);
    int port = witnessServer.port();
    witnessServer.close();
    witness.close();
    double away = metric(failures);
    until(() -> metric(failures) > away);
    assertThat(metric(ahead)).as("the witness is away").isEqualTo(1);
    Files.delete(data.resolve("witness/logs").resolve(Hash.hexOf(ORIGIN)).resolve("checkpoint"));
    witness = witness(accounts.proof().publicKeys());
    witnessServer = serve(witness, port);
    until(() -> metric(ahead) == 0 && metric(behind) == 0);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path one : all.toList()) {
        Files.copy(
            one, to.resolve(from.relativize(one).toString()), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  @Test
  void theTableOfTheDocumentationNamesTheMetricsThatThereAre() throws Exception {
    Path page = Path.of(System.getProperty("grid.root", ".."), "docs", "operate.md");
    Set<String> documented = new HashSet<>();
    for (String line : Files.readAllLines(page)) {
      if (line.startsWith("| `grid_")) {
        Matcher name =
            Pattern.compile("`(grid_(?:journal|books|database|directory|log|witness)_[a-z_]+)")
                .matcher(line.split("\\|")[1]);
        while (name.find()) {
          documented.add(name.group(1));
        }
      }
    }
    Set<String> served = new HashSet<>();
    metrics()
        .keySet()
        .forEach(
            sample ->
                served.add(
                    sample
                        .replaceFirst("\\{.*", "")
                        .replaceFirst("_seconds_(bucket|count|sum|max)$", "_seconds")));
    assertThat(served).isEqualTo(documented);
  }
}
