package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.aigrid.live.proof.LogSettings;
import org.aigrid.live.proof.Receipt;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.proof.WitnessClient;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// What an auditor types.
class AuditCommandTest {
  private static final long JULY_MS = 1_783_000_000_000L;

  @TempDir private Path temporary;
  private Path data;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private static Receipt receipt(
      String id, String pseudonym, String site, String jurisdiction, long startedMs) {
    return new Receipt(
        "op-a",
        id,
        pseudonym,
        site,
        "op-a",
        jurisdiction,
        "L1",
        List.of(
            new Receipt.Attempt("cell-koto", "op-a", "JP", "lost"),
            new Receipt.Attempt(site, "op-a", jurisdiction, "completed")),
        "sha256:aa",
        1,
        null,
        "llama-3.1-8b",
        null,
        "hmac-sha256:1",
        "hmac-sha256:2",
        new Receipt.Usage(1_000, 0, 10, "interactive"),
        "completed",
        "gateway-1",
        startedMs,
        startedMs + 5,
        null);
  }

  @BeforeEach
  void aGridThatRan() throws Exception {
    data = temporary.resolve("data");
    try (TransparencyLog log =
        TransparencyLog.open(
            LogSettings.under(data, "grid.example/log").withBatches(1_000, 1_000, 1),
            () -> JULY_MS)) {
      String ministry = log.digestsOf("ministry").pseudonym();
      for (int i = 0; i < 300; i++) {
        log.offer(receipt("req-" + i, ministry, "hub-tokyo", "JP", JULY_MS + i));
      }
      log.offer(receipt("req-june", ministry, "hub-tokyo", "JP", JULY_MS - 40L * 86_400_000));
      log.offer(
          receipt("req-other", log.digestsOf("startup").pseudonym(), "hub-us", "US", JULY_MS));
      assertThat(log.flush(Duration.ofSeconds(30))).isTrue();
    }
  }

  private int run(String... args) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    CommandLine line = GridCommand.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(args);
  }

  private int verify(String... more) {
    var args =
        new java.util.ArrayList<>(
            List.of(
                "audit",
                "verify",
                "--data",
                data.toString(),
                "--memory",
                temporary.resolve("memory").toString()));
    args.addAll(List.of(more));
    return run(args.toArray(String[]::new));
  }

  @Test
  void aWholeLogIsSaidToBeWholeAndRemembered() throws Exception {
    assertThat(verify()).as(err.toString()).isZero();
    assertThat(out.toString()).contains("302 receipts and 0 changes", "First check from here");
    assertThat(verify()).isZero();
    assertThat(out.toString()).contains("It continues the 302 entries");
  }

  @Test
  void anEditedLogFailsWithASentence() throws Exception {
    Path bundle = LogSettings.under(data, "x").publicFolder().resolve("tile/entries/000");
    byte[] bytes = Files.readAllBytes(bundle);
    bytes[1_000] ^= 1;
    Files.write(bundle, bytes);
    assertThat(verify()).isEqualTo(1);
    assertThat(err.toString()).contains("NOT proved: entry 1 in tile/entries/000");
  }

  @Test
  void aReceiptIsProvedAndTheProofCheckedWithoutTheLog() throws Exception {
    Path folder = temporary.resolve("proofs");
    assertThat(
            run("audit", "prove", "req-123", "--data", data.toString(), "--out", folder.toString()))
        .as(err.toString())
        .isZero();
    assertThat(out.toString()).contains("\"requestId\":\"req-123\"", "Entry 123 of the log");
    Path policy = temporary.resolve("policy");
    Files.copy(LogSettings.under(data, "x").folder().resolve("trust-policy.txt"), policy);
    Path receipt = folder.resolve("req-123.json");
    String[] check = {
      "audit", "verify",
      "--proof", folder.resolve("req-123.tlog-proof").toString(),
      "--receipt", receipt.toString(),
      "--policy", policy.toString()
    };
    Files.move(data, temporary.resolve("elsewhere"));
    assertThat(run(check)).as(err.toString()).isZero();
    assertThat(out.toString()).contains("under a checkpoint of 302 entries", "no witness");
    // Another spelling of the same JSON is the same receipt; another country is not.
    Files.writeString(receipt, " " + Files.readString(receipt) + "\n");
    assertThat(run(check)).isZero();
    Files.writeString(receipt, Files.readString(receipt).replace("\"JP\"", "\"US\""));
    assertThat(run(check)).isEqualTo(1);
    assertThat(err.toString()).contains("NOT proved: the entry is not number 123");
    assertThat(
            run("audit", "prove", "req-999", "--data", temporary.resolve("elsewhere").toString()))
        .isEqualTo(1);
    assertThat(err.toString()).contains("no receipt of req-999");
  }

  @Test
  void theReportSaysWhereDataWasFailuresIncluded() throws Exception {
    assertThat(
            run(
                "audit",
                "report",
                "--tenant",
                "ministry",
                "--month",
                "2026-07",
                "--data",
                data.toString()))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .containsPattern("JP +cell-koto +op-a +0 +300 +0 +0 +0")
        .containsPattern("JP +hub-tokyo +op-a +300 +300 +300,000 +0 +3,000")
        .contains("300 receipts, entries 0 to 299; all 302 entries")
        .doesNotContain("hub-us");
    assertThat(
            run(
                "audit",
                "report",
                "--tenant",
                "ministry",
                "--month",
                "2026-07",
                "--json",
                "--data",
                data.toString()))
        .isZero();
    assertThat(out.toString()).startsWith("{\"month\":\"2026-07\",\"receipts\":300,");
    assertThat(run("audit", "report", "--month", "2026-07", "--data", data.toString()))
        .isEqualTo(1);
    assertThat(run("audit", "report", "--tenant", "t", "--month", "7", "--data", data.toString()))
        .isEqualTo(1);
    assertThat(err.toString()).contains("expected: YYYY-MM");
  }

  /// A witness as its command runs it, in a thread of its own.
  private final class Running implements AutoCloseable {
    final StringWriter said = new StringWriter();
    final Thread thread;

    Running(String name) {
      String vkey = trustedLogKey();
      CommandLine line = GridCommand.commandLine();
      line.setOut(new PrintWriter(said, true));
      line.setErr(new PrintWriter(said, true));
      thread =
          Thread.ofPlatform()
              .start(
                  () ->
                      line.execute(
                          "audit",
                          "witness",
                          "--name",
                          name,
                          "--data",
                          temporary.resolve(name).toString(),
                          "--log",
                          vkey,
                          "--listen",
                          "127.0.0.1:0"));
      await(() -> said.toString().contains("and auditors ask"));
    }

    /// As it says it: URL=VKEY.
    String option() {
      String text = said.toString();
      int from = text.indexOf("--witness ") + "--witness ".length();
      return text.substring(from, text.indexOf('\n', from)).strip();
    }

    String vkey() {
      return option().substring(option().indexOf('=') + 1);
    }

    @Override
    public void close() throws InterruptedException {
      thread.interrupt();
      thread.join();
    }
  }

  @Test
  @Timeout(60)
  void aWitnessWhoseStartFailsLateEnds() throws Exception {
    Files.createDirectories(temporary.resolve("late/witness-keys.txt")); // where its keys go
    Path said = temporary.resolve("late.out");
    Process witness =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                org.aigrid.live.Main.class.getName(),
                "audit",
                "witness",
                "--name",
                "late.example",
                "--data",
                temporary.resolve("late").toString(),
                "--log",
                trustedLogKey(),
                "--listen",
                "127.0.0.1:0")
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    try {
      assertThat(witness.waitFor(30, TimeUnit.SECONDS)).as("ends by itself").isTrue();
      assertThat(witness.exitValue()).isNotZero();
      assertThat(Files.readString(said)).contains("cannot be opened");
    } finally {
      witness.destroyForcibly();
    }
  }

  private String trustedLogKey() {
    try {
      return Files.readAllLines(LogSettings.under(data, "x").folder().resolve("trust-policy.txt"))
          .stream()
          .filter(line -> line.startsWith("log "))
          .findFirst()
          .orElseThrow()
          .substring("log ".length());
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void await(java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 30 s");
      }
      java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
    }
  }

  private static TransparencyLog log(Path folder) throws Exception {
    return TransparencyLog.open(
        LogSettings.under(folder, "grid.example/log").withBatches(1_000, 1_000, 1), () -> JULY_MS);
  }

  @Test
  void anAuditorAsksForWitnessesWhoseCommandsSignWhatContinues() throws Exception {
    Path forked = temporary.resolve("forked");
    copy(data, forked);
    String first;
    String second;
    try (var one = new Running("one.example");
        var two = new Running("two.example");
        TransparencyLog log = log(data)) {
      first = one.vkey();
      second = two.vkey();
      assertThat(verify("--witness", first)).isEqualTo(1);
      assertThat(err.toString())
          .contains("lacks witnesses: signed by none (expected: at least 1 of one.example)");
      try (WitnessClient client =
          WitnessClient.start(log, WitnessOption.parse(List.of(one.option())), 10)) {
        await(() -> client.health().values().stream().allMatch(h -> h.lastSize() == 302));
        log.offer(receipt("req-more", "p", "hub-tokyo", "JP", JULY_MS));
        await(() -> client.health().values().stream().allMatch(h -> h.lastSize() == 303));
      }
      assertThat(verify("--witness", first)).as(err.toString()).isZero();
      assertThat(out.toString()).contains("by the witnesses one.example.");
      assertThat(verify("--witness", first, "--witness", second, "--witnesses-least", "1"))
          .as(err.toString())
          .isZero();
      assertThat(verify("--witness", first, "--witness", second)).isEqualTo(1);
      assertThat(err.toString()).contains("signed by one.example (expected: at least 2 of one");
    }
    // The witness is started again, and shown another history under the log's own key.
    try (var one = new Running("one.example");
        TransparencyLog fork = log(forked);
        WitnessClient client =
            WitnessClient.start(fork, WitnessOption.parse(List.of(one.option())), 10)) {
      assertThat(one.vkey()).isEqualTo(first);
      await(() -> client.health().values().stream().allMatch(WitnessClient.Health::ahead));
      fork.offer(receipt("req-other-history", "p", "hub-us", "US", JULY_MS));
      fork.offer(receipt("req-longer", "p", "hub-us", "US", JULY_MS));
      assertThat(fork.flush(Duration.ofSeconds(30))).isTrue();
      long before = client.health().values().iterator().next().failures();
      await(() -> client.health().values().iterator().next().failures() > before + 1);
      assertThat(client.health().values().iterator().next().cosigned()).isZero();
      assertThat(fork.checkpoint().signatures()).hasSize(2);
    }
  }

  private static void copy(Path from, Path to) throws Exception {
    try (var all = Files.walk(from)) {
      for (Path one : all.toList()) {
        Files.copy(
            one,
            to.resolve(from.relativize(one).toString()),
            java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  @Test
  void wrongCallsAboutWitnessesAreTaught() {
    String vkey = trustedLogKey();
    String folder = temporary.resolve("w").toString();
    for (String[] wrong :
        new String[][] {
          {
            "it is the key of a log",
            "audit",
            "verify",
            "--data",
            data.toString(),
            "--witness",
            vkey
          },
          {
            "expected: --witness VKEY",
            "audit",
            "verify",
            "--data",
            data.toString(),
            "--witnesses-least",
            "2"
          },
          {
            "see the log's trust-policy.txt",
            "audit",
            "witness",
            "--name",
            "w",
            "--data",
            folder,
            "--log",
            "nonsense"
          },
          {
            "expected: HOST:PORT",
            "audit",
            "witness",
            "--name",
            "w",
            "--data",
            folder,
            "--log",
            vkey,
            "--listen",
            "8090"
          },
          {
            "without spaces",
            "audit",
            "witness",
            "--name",
            "a b",
            "--data",
            folder,
            "--log",
            vkey,
            "--listen",
            "127.0.0.1:0"
          },
          {"expected: URL=VKEY", "up", "--data", folder, "--witness", "https://w.example"},
          {
            "it is the key of a log",
            "up",
            "--data",
            folder,
            "--witness",
            "https://w.example=" + vkey
          },
          {"need --data DIR", "up", "--witness", "https://w.example=" + vkey}
        }) {
      assertThat(run(List.of(wrong).subList(1, wrong.length).toArray(String[]::new)))
          .as(wrong[0])
          .isEqualTo(1);
      assertThat(err.toString()).contains(wrong[0]);
    }
  }

  @Test
  void wrongCallsAreTaught() {
    assertThat(run("audit", "verify")).isEqualTo(1);
    assertThat(err.toString()).contains("where is the log?");
    assertThat(run("audit", "verify", "--url", "http://192.0.2.1/", "--policy", "x")).isEqualTo(1);
    assertThat(err.toString()).contains("expected: https://");
    assertThat(run("audit", "verify", "--url", "https://grid.example/")).isEqualTo(1);
    assertThat(err.toString()).contains("whom to believe?");
    assertThat(run("audit", "--help")).isZero();
    assertThat(out.toString()).contains("audit prove REQUEST-ID");
  }
}
