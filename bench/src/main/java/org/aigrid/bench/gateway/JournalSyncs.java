package org.aigrid.bench.gateway;

import java.time.Duration;
import java.util.Locale;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingStream;
import org.HdrHistogram.Histogram;

/// How long the disk let the journal wait, by the JVM's own events (`jdk.FileForce`): some
/// microseconds a sync, so not always on. For one gateway process; safe for two threads.
final class JournalSyncs {
  private static final long LONGEST_MICROS = 60_000_000;
  private static final int LATE_MS = 2_500; // the JVM tells events once a second

  private final Histogram micros = new Histogram(LONGEST_MICROS, 3); // under its monitor

  /// Begins to listen.
  static JournalSyncs listen() {
    var syncs = new JournalSyncs();
    @SuppressWarnings("resource") // to the end of the process
    var events = new RecordingStream();
    events.enable("jdk.FileForce").withThreshold(Duration.ZERO).withoutStackTrace();
    events.onEvent("jdk.FileForce", syncs::hear);
    events.startAsync();
    return syncs;
  }

  private void hear(RecordedEvent event) {
    if (event.getThread() != null && "journal".equals(event.getThread().getJavaName())) {
      synchronized (micros) {
        micros.recordValue(Math.min(LONGEST_MICROS, event.getDuration().toNanos() / 1_000));
      }
    }
  }

  /// What was heard since it was last asked: count, p50, p90, p99, p99.9 and most, in microseconds.
  String take() {
    try {
      Thread.sleep(LATE_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (micros) {
      String text =
          String.format(
              Locale.ROOT,
              "%,d; p50 %,d, p90 %,d, p99 %,d, p99.9 %,d, most %,d us",
              micros.getTotalCount(),
              micros.getValueAtPercentile(50),
              micros.getValueAtPercentile(90),
              micros.getValueAtPercentile(99),
              micros.getValueAtPercentile(99.9),
              micros.getMaxValue());
      micros.reset();
      return text;
    }
  }
}
