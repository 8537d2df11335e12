package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.TrustPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The log and its witness over HTTP.
class ProofServerTest {
  @TempDir private Path temporary;
  private TransparencyLog log;
  private Witness witness;
  private ProofServer server;
  private final HttpClient http = HttpClient.newHttpClient();

  @BeforeEach
  void start() throws Exception {
    log =
        TransparencyLog.open(
            TransparencyLogTest.settings(temporary.resolve("data")), () -> Receipts.AT_MS);
    TransparencyLogTest.fill(log, 0, 300);
    witness = witness(log);
    server = ProofServer.start(HttpSettings.DEFAULT, new ProofAnswers(log, witness));
  }

  @AfterEach
  void stop() throws Exception {
    http.close();
    server.close();
    log.close();
  }

  private String url() {
    return "http://127.0.0.1:" + server.port();
  }

  private HttpResponse<byte[]> get(String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create(url() + path)).build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  private String policyWithWitness(String url) {
    var text = new StringBuilder();
    log.publicKeys().forEach(key -> text.append("log ").append(key.vkey()).append('\n'));
    int n = 0;
    for (NoteKey key : witness.publicKeys()) {
      text.append("witness w").append(++n).append(' ').append(key.vkey());
      text.append(' ').append(url).append('\n');
    }
    return text + "group w all w1 w2\nquorum w\n";
  }

  @Test
  void anAuditorChecksAllOfItFromAfar() throws Exception {
    try (var source = new HttpLogSource(url())) {
      var count = new long[1];
      LogAudit.check(source, TrustPolicy.of(log.publicKeys()), null, (index, bytes) -> count[0]++);
      assertThat(count[0]).isEqualTo(300);
      ReceiptSearch.Found found =
          Objects.requireNonNull(
              ReceiptSearch.find(source, TrustPolicy.of(log.publicKeys()), "req-17"));
      assertThat(found.receipt()).isEqualTo(Receipts.of("req-17").bytes());
      assertThat(ReceiptSearch.find(source, TrustPolicy.of(log.publicKeys()), "req-x")).isNull();
    }
  }

  @Test
  void filesHaveTheHeadersOfTheSpecification() throws Exception {
    HttpResponse<byte[]> checkpoint = get("/checkpoint");
    assertThat(checkpoint.headers().firstValue("content-type"))
        .hasValue("text/plain; charset=utf-8");
    assertThat(SignedNote.parse(checkpoint.body())).isEqualTo(log.checkpoint());
    HttpResponse<byte[]> tile = get("/tile/0/000");
    assertThat(tile.body()).hasSize(8_192);
    assertThat(tile.headers().firstValue("content-type")).hasValue("application/octet-stream");
    assertThat(tile.headers().firstValue("cache-control").orElse("")).contains("immutable");
    for (String path :
        new String[] {
          "/tile/0/9", "/tile/0/../../../keys/ed25519.pkcs8", "/tile/9/000", "/v1/receipts/none",
          "/v1/receipts/", "/keys", "/0/checkpoint", "/tile/0/%2e%2e"
        }) {
      assertThat(get(path).statusCode()).as(path).isEqualTo(404);
    }
    HttpResponse<String> post =
        http.send(
            HttpRequest.newBuilder(URI.create(url() + "/checkpoint"))
                .POST(HttpRequest.BodyPublishers.ofString("x"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(post.statusCode()).isEqualTo(405);
  }

  @Test
  void cosignaturesOfAWitnessComeIntoTheCheckpoint() throws Exception {
    TrustPolicy policy = TrustPolicy.parse(policyWithWitness(url()));
    try (WitnessClient client = WitnessClient.start(log, policy, 10)) {
      await(() -> log.checkpoint().signatures().size() == 4);
      TransparencyLogTest.fill(log, 300, 320);
      await(
          () ->
              log.checkpoint().signatures().size() == 4
                  && Checkpoint.parse(log.checkpoint().text()).size() == 320);
      assertThat(policy.check(log.checkpoint()).witnesses()).containsExactlyInAnyOrder("w1", "w2");
      policy.check(SignedNote.parse(get("/checkpoint").body()));
      String hex = org.aigrid.live.tlog.Hash.hexOf(log.settings().origin());
      assertThat(get("/" + hex + "/checkpoint").statusCode()).isEqualTo(200);
      assertThat(client.health().values())
          .allSatisfy(health -> assertThat(health.lastSize()).isEqualTo(320));
    }
  }

  @Test
  void aWitnessThatIsAwayHoldsNothingUp() throws Exception {
    TrustPolicy policy = TrustPolicy.parse(policyWithWitness("http://127.0.0.1:1"));
    try (WitnessClient client = WitnessClient.start(log, policy, 10)) {
      await(() -> client.health().values().iterator().next().failures() > 1);
      TransparencyLogTest.fill(log, 300, 310);
      assertThat(log.checkpoint().signatures()).hasSize(2);
    }
  }

  @Test
  void aWitnessThatNeverAnswersDoesNotKeepAnotherOnesSignatureBack() throws Exception {
    LogKeys others =
        LogKeys.open(temporary.resolve("others"), "mute.example", LogKeys.Role.WITNESS);
    try (var mute = new java.net.ServerSocket(0, 5, java.net.InetAddress.getLoopbackAddress())) {
      var asked = new ArrayList<TrustPolicy.Witness>();
      asked.add(
          new TrustPolicy.Witness(
              "mute", others.publicKeys().getFirst(), "http://127.0.0.1:" + mute.getLocalPort()));
      asked.add(new TrustPolicy.Witness("w", witness.publicKeys().getFirst(), url()));
      try (WitnessClient client = WitnessClient.start(log, asked, 10)) {
        await(() -> log.checkpoint().signatures().size() == 3);
        TransparencyLogTest.fill(log, 300, 310);
        await(
            () -> Objects.requireNonNull(client.health().get("witness.example")).lastSize() == 310);
        assertThat(Objects.requireNonNull(client.health().get("mute.example")).failures())
            .as("it is still being asked the first time")
            .isZero();
      }
    }
  }

  @Test
  void aWitnessThatComesBackIsAskedForWhatIsNewestThen() throws Exception {
    int port = server.port();
    var asked = List.of(new TrustPolicy.Witness("w", witness.publicKeys().getFirst(), url()));
    server.close();
    try (WitnessClient client = WitnessClient.start(log, asked, 10)) {
      for (int size = 310; size <= 350; size += 10) {
        TransparencyLogTest.fill(log, size - 10, size);
      }
      await(() -> Objects.requireNonNull(client.health().get("witness.example")).failures() > 1);
      server = serve(port);
      await(() -> Objects.requireNonNull(client.health().get("witness.example")).lastSize() == 350);
      WitnessClient.Health health = Objects.requireNonNull(client.health().get("witness.example"));
      assertThat(health.cosigned()).as("not one by one what it missed").isEqualTo(1);
      assertThat(health.lastMs()).isPositive();
      assertThat(health.lastProblem()).isEmpty();
    }
  }

  @Test
  void witnessesThatContradictEachOtherAreRefused() {
    NoteKey first = witness.publicKeys().getFirst();
    NoteKey second = witness.publicKeys().getLast();
    for (List<TrustPolicy.Witness> wrong :
        List.of(
            List.of(
                new TrustPolicy.Witness("w", first, "https://a.example"),
                new TrustPolicy.Witness("w", second, "https://b.example")),
            List.of(
                new TrustPolicy.Witness("w", first, "https://a.example"),
                new TrustPolicy.Witness("w", first, "https://a.example")),
            List.of(new TrustPolicy.Witness("w", first, "http://192.0.2.7")),
            List.of(new TrustPolicy.Witness("w", first, "https://169.254.169.254")))) {
      assertThatThrownBy(() -> WitnessClient.check(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected: ");
    }
  }

  @Test
  void aWitnessThatKnowsMoreThanTheLogIsEvidence() throws Exception {
    // The witness has seen a longer life of this log.
    Path later = temporary.resolve("later");
    Folders.copy(temporary.resolve("data"), later);
    try (TransparencyLog longer =
        TransparencyLog.open(TransparencyLogTest.settings(later), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(longer, 300, 400);
      String body = Witness.Submission.format(0, java.util.List.of(), longer.checkpoint());
      assertThat(
              witness
                  .addCheckpoint(body.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                  .status())
          .isEqualTo(200);
    }
    TrustPolicy policy = TrustPolicy.parse(policyWithWitness(url()));
    int port = server.port();
    try (WitnessClient client = WitnessClient.start(log, policy, 10)) {
      await(() -> health(client).ahead());
      // It has more entries than the witness by now, and other ones.
      TransparencyLogTest.fill(log, 500, 650);
      await(() -> health(client).lastProblem().contains("422"));
      assertThat(health(client).ahead()).isTrue();
      server.close();
      await(() -> !health(client).lastProblem().contains("422"));
      assertThat(health(client).ahead()).as("whatever else fails").isTrue();
      // Only a signature takes it back, here of a witness that has lost its memory.
      witness.close();
      Files.delete(
          temporary
              .resolve("witness/logs")
              .resolve(Hash.hexOf(log.settings().origin()))
              .resolve("checkpoint"));
      witness = witness(log);
      server = serve(port);
      await(() -> !health(client).ahead());
      assertThat(health(client).lastSize()).isEqualTo(450);
    }
  }

  @Test
  void aWitnessThatSignedAnotherHistoryIsEvidence() throws Exception {
    // Nobody was ahead when the client began: a second log with the same keys was shown instead.
    Path other = temporary.resolve("other");
    Folders.copy(temporary.resolve("data"), other);
    TransparencyLogTest.fill(log, 300, 310);
    try (TransparencyLog forked =
        TransparencyLog.open(TransparencyLogTest.settings(other), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(forked, 700, 705);
      TrustPolicy policy = TrustPolicy.parse(policyWithWitness(url()));
      try (WitnessClient client = WitnessClient.start(forked, policy, 10)) {
        await(() -> health(client).lastSize() == 305);
      }
      try (WitnessClient client = WitnessClient.start(log, policy, 10)) {
        await(() -> health(client).ahead());
        assertThat(health(client).lastProblem()).contains("422", "310 entries", "the 305");
      }
    }
  }

  private static WitnessClient.Health health(WitnessClient client) {
    return client.health().values().iterator().next();
  }

  private Witness witness(TransparencyLog of) throws Exception {
    return Witness.open(
        temporary.resolve("witness"),
        "witness.example",
        TrustPolicy.of(of.publicKeys()),
        () -> Receipts.AT_MS);
  }

  private ProofServer serve(int port) {
    return ProofServer.start(
        HttpSettings.DEFAULT.at("127.0.0.1", port), new ProofAnswers(log, witness));
  }

  @Test
  void onlySafeAddressesAreCalled() {
    for (String url :
        new String[] {
          "http://192.0.2.1/log", "ftp://127.0.0.1/", "https://u:p@h/", "file:///etc/passwd",
          "http://localhost.example/", "https://h/?x=1", "", "http://127.0.0.1.example/"
        }) {
      assertThatThrownBy(() -> new HttpLogSource(url))
          .as(url)
          .isInstanceOf(IllegalArgumentException.class);
    }
    new HttpLogSource("https://grid.example/log/").close();
  }

  private static void await(java.util.function.BooleanSupplier condition)
      throws InterruptedException {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for 30 s").isLessThan(end);
      Thread.sleep(5);
    }
  }
}
