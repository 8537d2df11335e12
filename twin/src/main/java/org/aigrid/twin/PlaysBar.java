package org.aigrid.twin;

import java.io.PrintWriter;
import java.util.Locale;

/// Shows in one line how many plays of an experiment are over and when the last will be. On
/// standard error, a few times a second; nothing of it reaches a report. Any thread.
final class PlaysBar {
  private static final long PAUSE_NANOS = 250_000_000;

  private final PrintWriter err;
  private final String title;
  private final int plays;
  private final long beganNanos = System.nanoTime();
  private long shownNanos = beganNanos;
  private int played;

  PlaysBar(PrintWriter err, String title, int plays) {
    this.err = err;
    this.title = title;
    this.plays = plays;
  }

  /// One more play is over.
  synchronized void played() {
    played++;
    long now = System.nanoTime();
    if (now - shownNanos < PAUSE_NANOS) {
      return;
    }
    shownNanos = now;
    double done = Math.min(1, (double) played / plays);
    double elapsedS = (now - beganNanos) / 1e9;
    err.printf(
        Locale.ROOT,
        "\r%s %s %5.1f %%  %,d of %,d plays, %s left   ",
        title,
        ProgressBar.bar(done),
        100 * done,
        played,
        plays,
        ProgressBar.span(elapsedS * (1 - done) / done));
    err.flush();
  }

  /// Ends the line.
  synchronized void close() {
    err.printf(
        Locale.ROOT,
        "\r%s: %,d plays in %s%s%n",
        title,
        played,
        ProgressBar.span((System.nanoTime() - beganNanos) / 1e9),
        " ".repeat(2 * ProgressBar.WIDTH));
    err.flush();
  }
}
