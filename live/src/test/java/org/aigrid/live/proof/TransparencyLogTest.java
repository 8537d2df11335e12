package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.live.tlog.TrustPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A log that is written, closed, opened, filled up and asked for proofs.
class TransparencyLogTest {
  static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path data;

  static LogSettings settings(Path data) {
    return LogSettings.under(data, "grid.example/log/test").withBatches(10_000, 1_000, 5);
  }

  private TransparencyLog open() throws IOException {
    return TransparencyLog.open(settings(data), () -> Receipts.AT_MS);
  }

  static void fill(TransparencyLog log, int from, int to) throws InterruptedException {
    for (int i = from; i < to; i++) {
      assertThat(log.offer(Receipts.of("req-" + i), i)).isEqualTo(Offer.TAKEN);
    }
    assertThat(log.flush(SOON)).isTrue();
  }

  private LogAudit.Checked audit(TransparencyLog log, long[] count) throws IOException {
    return LogAudit.check(
        LogSource.of(settings(data).publicFolder()),
        TrustPolicy.of(log.publicKeys()),
        null,
        (index, bytes) -> count[0]++);
  }

  @Test
  void aFreshLogIsEmptyAndSigned() throws Exception {
    try (TransparencyLog log = open()) {
      assertThat(Checkpoint.parse(log.checkpoint().text()).size()).isZero();
      assertThat(log.checkpoint().signers(log.publicKeys())).hasSize(2);
      assertThat(log.journalPosition()).isEqualTo(-1);
      var count = new long[1];
      audit(log, count);
      assertThat(count[0]).isZero();
      assertThat(
              PosixFilePermissions.toString(
                  Files.getPosixFilePermissions(settings(data).keys().resolve("ml-dsa-44.pkcs8"))))
          .isEqualTo("rw-------");
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {1, 2, 3})
  void whateverTheBatchesTheLogIsWholeAndEveryEntryProved(int seed) throws Exception {
    var random = new SplittableRandom(seed);
    int total = 0;
    for (int run = 0; run < 3; run++) {
      try (TransparencyLog log = open()) {
        for (int batch = 0; batch < 4; batch++) {
          int next = total + 1 + random.nextInt(300);
          fill(log, total, next);
          total = next;
        }
        assertThat(log.offer(Receipts.change("change-" + run, random))).isEqualTo(Offer.TAKEN);
        assertThat(log.flush(SOON)).isTrue();
        var count = new long[1];
        TrustPolicy.Trusted trusted = audit(log, count).trusted();
        assertThat(trusted.checkpoint().size()).isEqualTo(total + run + 1);
        assertThat(count[0]).isEqualTo(total + run + 1);
        assertThat(log.change("change-0")).isNotNull();
        for (int i = 0; i < 10; i++) {
          String id = "req-" + random.nextInt(total);
          TransparencyLog.Logged logged = Objects.requireNonNull(log.receipt(id));
          assertThat(logged.bytes()).isEqualTo(Receipts.of(id).bytes());
          TlogProof proof = TlogProof.parse(log.prove(logged.index()).format());
          proof.check(logged.bytes(), TrustPolicy.of(log.publicKeys()));
        }
        assertThat(log.receipt("req-" + total)).isNull();
        assertThat(log.receipt("change-0")).isNull();
        assertThat(log.journalPosition()).isEqualTo(total - 1);
      }
    }
  }

  @Test
  void aJournalThatIsPlayedAgainAddsNothing() throws Exception {
    try (TransparencyLog log = open()) {
      fill(log, 0, 300);
      fill(log, 0, 301);
      assertThat(log.status().entries()).isEqualTo(301);
      assertThat(log.status().repeated()).isEqualTo(300);
    }
    try (TransparencyLog log = open()) {
      fill(log, 200, 310);
      assertThat(log.status().entries()).isEqualTo(310);
      assertThat(log.journalPosition()).isEqualTo(309);
    }
  }

  @Test
  void idsBeyondTheMemoryAreFoundInTheFile() throws Exception {
    LogSettings base = settings(data);
    var small =
        new LogSettings(base.origin(), base.folder(), base.keys(), 10_000, 1_000, 5, 1_024, 0);
    for (int run = 0; run < 2; run++) {
      try (TransparencyLog log = TransparencyLog.open(small, () -> Receipts.AT_MS)) {
        fill(log, run * 2_000, run * 2_000 + 2_000);
        for (int i : new int[] {0, 3, 700, 1_999}) {
          assertThat(log.receipt("req-" + i)).as("req-" + i).isNotNull();
        }
        assertThat(log.receipt("req-4000")).isNull();
      }
    }
    Files.delete(base.folder().resolve("ids"));
    try (TransparencyLog log = TransparencyLog.open(small, () -> Receipts.AT_MS)) {
      assertThat(log.receipt("req-3")).isNotNull();
      assertThat(log.status().entries()).isEqualTo(4_000);
    }
  }

  @Test
  void beyondItsBoundAnOfferIsRefusedAndNothingIsLostInSilence() throws Exception {
    LogSettings slow = settings(data).withBatches(50, 1_000, 60_000);
    try (TransparencyLog log = TransparencyLog.open(slow, () -> Receipts.AT_MS)) {
      fill(log, 0, 1); // the next commit may wait for a minute
      int taken = 0;
      int full = 0;
      for (int i = 1; i <= 80; i++) {
        switch (log.offer(Receipts.of("req-" + i), i)) {
          case TAKEN -> taken++;
          case FULL -> full++;
          case CLOSED -> throw new AssertionError("closed");
        }
      }
      assertThat(taken).isEqualTo(50);
      assertThat(full).isEqualTo(30);
      assertThat(log.status().full()).isEqualTo(30);
      assertThat(log.flush(SOON)).isTrue();
      assertThat(log.status().entries()).isEqualTo(51);
      assertThat(log.journalPosition()).isEqualTo(50);
      assertThat(log.offer(Receipts.of("req-51"), 51)).isEqualTo(Offer.TAKEN);
    }
  }

  @Test
  void aQuietLogWritesNothing() throws Exception {
    try (TransparencyLog log = open()) {
      fill(log, 0, 3);
      Path checkpoint = settings(data).publicFolder().resolve("checkpoint");
      var before = Files.getLastModifiedTime(checkpoint);
      Thread.sleep(60);
      assertThat(Files.getLastModifiedTime(checkpoint)).isEqualTo(before);
    }
  }

  @Test
  void aClosedLogTakesNothingAndHasWrittenWhatItTook() throws Exception {
    TransparencyLog log = open();
    for (int i = 0; i < 500; i++) {
      log.offer(Receipts.of("req-" + i));
    }
    log.close();
    assertThat(log.offer(Receipts.of("late"))).isEqualTo(Offer.CLOSED);
    try (TransparencyLog again = open()) {
      assertThat(again.status().entries()).isEqualTo(500);
    }
  }

  @Test
  void twoWritersAreOneTooMany() throws Exception {
    try (TransparencyLog log = open()) {
      assertThat(log.status().broken()).isNull();
      assertThatThrownBy(this::open)
          .isInstanceOf(LogRefusedException.class)
          .hasMessageContaining("in use by another log");
    }
  }

  @Test
  void aFullDiskHoldsTheLogUpAndLosesNothing() throws Exception {
    try (TransparencyLog log = open()) {
      fill(log, 0, 10);
      Path tiles = settings(data).publicFolder().resolve("tile");
      Path aside = data.resolve("aside");
      Files.move(tiles, aside);
      Files.writeString(tiles, "no folder any more");
      log.offer(Receipts.of("req-10"), 10);
      assertThat(log.flush(Duration.ofMillis(400))).isFalse();
      assertThat(log.status().failedCommits()).isPositive();
      assertThat(log.journalPosition()).isEqualTo(9);
      Files.delete(tiles);
      Files.move(aside, tiles);
      assertThat(log.flush(SOON)).isTrue();
      assertThat(log.status().entries()).isEqualTo(11);
      audit(log, new long[1]);
    }
  }

  @Test
  void keysThatOthersCanReadAreRefused() throws Exception {
    open().close();
    Path key = settings(data).keys().resolve("ed25519.pkcs8");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
    assertThatThrownBy(this::open)
        .isInstanceOf(LogRefusedException.class)
        .hasMessageContaining("can be read by others");
  }

  @Test
  void proofsPreferTheCheckpointThatWitnessesSigned() throws Exception {
    TrustPolicy trusted;
    try (TransparencyLog log = open()) {
      trusted = TrustPolicy.of(log.publicKeys());
      Witness witness =
          Witness.open(data.resolve("w"), "witness.example", trusted, () -> Receipts.AT_MS);
      fill(log, 0, 20);
      var asked = log.checkpoint();
      String body = Witness.Submission.format(0, List.of(), asked);
      Witness.Answer answer =
          witness.addCheckpoint(body.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      assertThat(answer.status()).isEqualTo(200);
      log.cosign(
          asked, answer.text().lines().map(org.aigrid.live.tlog.NoteSignature::parse).toList());
      assertThat(log.checkpoint().signatures()).hasSize(4);
      fill(log, 20, 30);
      assertThat(log.prove(5).checkpoint().signatures()).hasSize(4);
      assertThat(log.prove(25).checkpoint().signatures()).hasSize(2);
    }
  }
}
