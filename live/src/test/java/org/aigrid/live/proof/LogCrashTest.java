package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.TrustPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a kill leaves behind, at every step of every commit: the folder is copied in the middle of
/// the step, in the writer's own thread, and a log is opened on the copy.
class LogCrashTest {
  @TempDir private Path temporary;

  private static final class Kill {
    final Path copy;
    final String step;
    final long shown; // entries of the last checkpoint that anyone could have seen

    Kill(Path copy, String step, long shown) {
      this.copy = copy;
      this.step = step;
      this.shown = shown;
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {1, 2})
  void afterAKillAtAnyStepTheLogGoesOnFromWhatItSigned(int seed) throws Exception {
    var random = new SplittableRandom(seed);
    Path data = temporary.resolve("data");
    var kills = new ArrayList<Kill>();
    var shown = new long[] {0};
    LogSettings settings = TransparencyLogTest.settings(data);
    var keys = new ArrayList<org.aigrid.live.tlog.NoteKey>();
    int total = 0;
    try (TransparencyLog log =
        TransparencyLog.open(
            settings,
            () -> Receipts.AT_MS,
            step -> {
              Path copy = temporary.resolve("kill-" + kills.size());
              Folders.copy(data, copy);
              kills.add(new Kill(copy, step, shown[0]));
            })) {
      keys.addAll(log.publicKeys());
      for (int batch = 0; batch < 4; batch++) {
        int next = total + 1 + random.nextInt(300);
        TransparencyLogTest.fill(log, total, next);
        total = next;
        shown[0] = log.status().entries();
      }
    }
    assertThat(kills.size()).isGreaterThan(60);
    for (Kill kill : kills) {
      goesOn(kill, total, keys);
    }
  }

  private static void goesOn(Kill kill, int total, List<org.aigrid.live.tlog.NoteKey> keys)
      throws Exception {
    LogSettings settings = TransparencyLogTest.settings(kill.copy);
    try (TransparencyLog log = TransparencyLog.open(settings, () -> Receipts.AT_MS)) {
      long begun = log.status().entries();
      assertThat(begun).as(kill.step).isGreaterThanOrEqualTo(kill.shown);
      assertThat(log.journalPosition()).as(kill.step).isEqualTo(begun - 1);
      Checkpoint before = Checkpoint.parse(log.checkpoint().text());
      // Play the journal on from where it should be, and a little before.
      TransparencyLogTest.fill(log, (int) Math.max(0, begun - 5), total);
      assertThat(log.status().entries()).as(kill.step).isEqualTo(total);
      if (!log.publicKeys().equals(keys)) {
        assertThat(begun).as(kill.step + ": other keys only before the first signature").isZero();
      }
      var ids = new HashSet<String>();
      LogAudit.check(
          LogSource.of(settings.publicFolder()),
          TrustPolicy.of(log.publicKeys()),
          before,
          (index, bytes) -> assertThat(ids.add(LogEntry.read(bytes).id())).isTrue());
      assertThat(ids).hasSize(total);
    }
  }

  @Test
  void whatACommitLeftBehindIsRemoved() throws Exception {
    Path data = temporary.resolve("data");
    LogSettings settings = TransparencyLogTest.settings(data);
    try (TransparencyLog log = TransparencyLog.open(settings, () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(log, 0, 100);
    }
    Path later = temporary.resolve("later");
    Folders.copy(data, later);
    try (TransparencyLog log =
        TransparencyLog.open(TransparencyLogTest.settings(later), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(log, 100, 900);
    }
    // The tiles of a commit that was never signed.
    Set<Path> signed = new HashSet<>(Folders.files(settings.publicFolder().resolve("tile")));
    Path from = TransparencyLogTest.settings(later).publicFolder();
    for (Path file : Folders.files(from.resolve("tile"))) {
      Path target = settings.publicFolder().resolve(from.relativize(file).toString());
      Files.createDirectories(target.getParent());
      if (!Files.exists(target)) {
        Files.copy(file, target);
      }
    }
    try (TransparencyLog log = TransparencyLog.open(settings, () -> Receipts.AT_MS)) {
      assertThat(log.status().entries()).isEqualTo(100);
      assertThat(Folders.files(settings.publicFolder().resolve("tile")))
          .containsExactlyInAnyOrderElementsOf(signed);
      TransparencyLogTest.fill(log, 5_000, 5_900);
      LogAudit.check(
          LogSource.of(settings.publicFolder()),
          TrustPolicy.of(log.publicKeys()),
          null,
          (index, bytes) -> {});
    }
  }

  /// A process of its own that is killed for good; `LogWriterProgram` is what runs in it.
  @Test
  void afterKillMinus9TheJournalIsPlayedOnAndNothingIsTwiceOrMissing() throws Exception {
    Path data = temporary.resolve("data");
    var random = new SplittableRandom(9);
    String java = ProcessHandle.current().info().command().orElse("java");
    long logged = 0;
    for (int round = 0; round < 8; round++) {
      Process process =
          new ProcessBuilder(
                  java,
                  "-cp",
                  System.getProperty("java.class.path"),
                  LogWriterProgram.class.getName(),
                  data.toString())
              .redirectErrorStream(true)
              .redirectOutput(temporary.resolve("out-" + round).toFile())
              .start();
      Path flag = data.resolve("running");
      long end = System.nanoTime() + 60_000_000_000L;
      while (!Files.exists(flag) && process.isAlive() && System.nanoTime() < end) {
        Thread.sleep(5);
      }
      assertThat(process.isAlive())
          .as(() -> "its output: " + text(temporary.resolve("out-" + "0")))
          .isTrue();
      Thread.sleep(random.nextInt(20, 400));
      process.destroyForcibly().waitFor();
      Files.delete(flag);
      try (TransparencyLog log =
          TransparencyLog.open(TransparencyLogTest.settings(data), () -> Receipts.AT_MS)) {
        assertThat(log.status().entries()).isGreaterThanOrEqualTo(logged);
        logged = log.status().entries();
        assertThat(log.journalPosition()).isEqualTo(logged - 1);
        var next = new long[1];
        LogAudit.check(
            LogSource.of(TransparencyLogTest.settings(data).publicFolder()),
            TrustPolicy.of(log.publicKeys()),
            null,
            (index, bytes) -> assertThat(LogEntry.read(bytes).id()).isEqualTo("req-" + next[0]++));
      }
    }
    assertThat(logged).isPositive();
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (java.io.IOException e) {
      return String.valueOf(e.getMessage());
    }
  }
}
