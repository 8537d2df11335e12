package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.live.tlog.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A log whose folder is not as it left it does not sign on.
class LogTamperTest {
  @TempDir private Path temporary;

  private Path written(int entries) throws Exception {
    Path data = temporary.resolve("data");
    try (TransparencyLog log =
        TransparencyLog.open(TransparencyLogTest.settings(data), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(log, 0, entries / 2);
      TransparencyLogTest.fill(log, entries / 2, entries);
    }
    return data;
  }

  private static TransparencyLog open(Path data) throws IOException {
    return TransparencyLog.open(TransparencyLogTest.settings(data), () -> Receipts.AT_MS);
  }

  private static void refused(Path data, String... words) {
    assertThatThrownBy(() -> open(data).close())
        .isInstanceOf(LogRefusedException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {1, 2, 3, 4})
  void aChangedByteOfAnyFileOfTheTreeIsNoticed(int seed) throws Exception {
    Path data = written(700);
    var random = new SplittableRandom(seed);
    long size = 700;
    Path folder = TransparencyLogTest.settings(data).publicFolder();
    List<Path> live =
        org.aigrid.live.tlog.Tile.all(size).stream()
            .map(tile -> folder.resolve(tile.path()))
            .toList();
    for (Path file : live) {
      byte[] good = Files.readAllBytes(file);
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, bad);
      assertThatThrownBy(() -> open(data).close())
          .as(file.toString())
          .isInstanceOf(LogRefusedException.class);
      Files.write(file, good);
    }
    open(data).close();
  }

  @Test
  void aFileThatIsMissingOrCutIsNoticed() throws Exception {
    Path data = written(700);
    Path folder = TransparencyLogTest.settings(data).publicFolder();
    for (org.aigrid.live.tlog.Tile tile : org.aigrid.live.tlog.Tile.all(700)) {
      Path file = folder.resolve(tile.path());
      byte[] good = Files.readAllBytes(file);
      Files.write(file, java.util.Arrays.copyOf(good, good.length / 2));
      refused(data, "log");
      Files.delete(file);
      refused(data, "log");
      Files.write(file, good);
    }
    open(data).close();
  }

  @Test
  void aFolderPutBackToAnOlderStateIsNoticed() throws Exception {
    Path data = temporary.resolve("data");
    Path old = temporary.resolve("old");
    LogSettings settings = TransparencyLogTest.settings(data);
    try (TransparencyLog log = open(data)) {
      TransparencyLogTest.fill(log, 0, 300);
    }
    Folders.copy(settings.folder(), old);
    try (TransparencyLog log = open(data)) {
      TransparencyLogTest.fill(log, 300, 310);
    }
    Files.move(settings.folder(), temporary.resolve("aside"));
    Folders.copy(old, settings.folder());
    refused(data, "edited, cut or put back to an older state");
  }

  @Test
  void aMemoryPutBackToAnOlderStateIsNoticed() throws Exception {
    Path data = temporary.resolve("data");
    LogSettings settings = TransparencyLogTest.settings(data);
    byte[] old;
    try (TransparencyLog log = open(data)) {
      TransparencyLogTest.fill(log, 0, 300);
      old = Files.readAllBytes(SignedMemory.file(settings.keys()));
    }
    try (TransparencyLog log = open(data)) {
      TransparencyLogTest.fill(log, 300, 310);
    }
    Files.write(SignedMemory.file(settings.keys()), old);
    refused(data, "310", "300", "put back to an older state");
    Files.delete(SignedMemory.file(settings.keys()));
    refused(data, "is missing");
  }

  @Test
  void otherKeysAreNoticed() throws Exception {
    Path data = written(10);
    LogSettings settings = TransparencyLogTest.settings(data);
    Path other = temporary.resolve("other");
    try (TransparencyLog log = open(other)) {
      TransparencyLogTest.fill(log, 0, 10);
    }
    LogSettings others = TransparencyLogTest.settings(other);
    for (String stem : List.of("ed25519", "ml-dsa-44")) {
      for (String end : List.of(".pkcs8", ".spki")) {
        Files.copy(
            others.keys().resolve(stem + end),
            settings.keys().resolve(stem + end),
            java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      }
    }
    refused(data, "not signed by the keys beside it");
  }

  @Test
  void aForkedCheckpointIsNoticed() throws Exception {
    Path data = written(10);
    Path other = temporary.resolve("other");
    Folders.copy(data, other);
    try (TransparencyLog log = open(other)) {
      log.offer(Receipts.of("another-history"));
      log.flush(TransparencyLogTest.SOON);
    }
    try (TransparencyLog log = open(data)) {
      TransparencyLogTest.fill(log, 10, 12);
      assertThat(Checkpoint.parse(log.checkpoint().text()).size()).isEqualTo(12);
    }
    Files.copy(
        TransparencyLogTest.settings(other).publicFolder().resolve("checkpoint"),
        TransparencyLogTest.settings(data).publicFolder().resolve("checkpoint"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    refused(data, "is of another log");
  }

  @Test
  void aLogWithoutItsKeysIsRefusedRatherThanBegunAnew() throws Exception {
    Path data = written(10);
    Files.delete(TransparencyLogTest.settings(data).keys().resolve("ed25519.pkcs8"));
    refused(data, "lacks its keys");
  }
}
