package org.aigrid.bench.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.HdrHistogram.Histogram;

/// How long the disk under a folder needs to confirm a few hundred bytes, with nothing else on the
/// machine: below that nothing that is written down first can be. Measured with `fdatasync` after
/// each write, a write each millisecond or so, since a disk that is never let rest is another disk.
///
/// @param grown microseconds where the file grows by the write, so that its length is to be
///   confirmed too
/// @param within microseconds where the write replaces what is there
public record DiskFloor(Histogram grown, Histogram within) {
  private static final int WRITES = 1_000;
  private static final int RECORD_BYTES = 300;
  private static final long LONGEST_MICROS = 60_000_000;
  private static final int PAUSE_MS = 1;

  /// Measures for some seconds.
  public static DiskFloor measure(Path folder) throws IOException {
    Path file = Files.createTempFile(folder, "disk-floor", ".bin");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      Histogram grown = writes(channel);
      Histogram within = writes(channel);
      return new DiskFloor(grown, within);
    } finally {
      Files.delete(file);
    }
  }

  private static Histogram writes(FileChannel channel) throws IOException {
    var micros = new Histogram(LONGEST_MICROS, 3);
    ByteBuffer bytes = ByteBuffer.allocateDirect(RECORD_BYTES);
    for (int i = 0; i < WRITES; i++) {
      bytes.clear();
      long begun = System.nanoTime();
      channel.write(bytes, (long) i * RECORD_BYTES);
      channel.force(false);
      micros.recordValue(Math.min(LONGEST_MICROS, (System.nanoTime() - begun) / 1_000));
      pause();
    }
    return micros;
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// In words.
  public String text() {
    return "the file grows: " + text(grown) + "; it does not: " + text(within);
  }

  private static String text(Histogram micros) {
    return String.format(
        Locale.ROOT,
        "p50 %,d, p90 %,d, p99 %,d, max %,d us",
        micros.getValueAtPercentile(50),
        micros.getValueAtPercentile(90),
        micros.getValueAtPercentile(99),
        micros.getMaxValue());
  }
}
