package org.aigrid.twin;

import java.io.PrintWriter;
import java.util.Locale;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.play.Play;

/// Shows in one line how far a play is and when it will be done, by the requests it has still to
/// play. On standard error, a few times a second; nothing of it reaches a report.
final class ProgressBar implements Play.Progress {
  private static final long PAUSE_NANOS = 250_000_000;
  static final int WIDTH = 30;

  private final PrintWriter err;
  private final String title;
  private final Demand demand;
  private final double beginMs;
  private final double durationMs;
  private final long beganNanos = System.nanoTime();
  private long shownNanos;

  ProgressBar(PrintWriter err, String title, Demand demand, double beginMs, double durationMs) {
    this.err = err;
    this.title = title;
    this.demand = demand;
    this.beginMs = beginMs;
    this.durationMs = durationMs;
  }

  @Override
  public void at(double playedMs, long arrived) {
    long now = System.nanoTime();
    if (now - shownNanos < PAUSE_NANOS) {
      return;
    }
    shownNanos = now;
    double done = demand.shareBefore(beginMs, durationMs, playedMs);
    double elapsedS = (now - beganNanos) / 1e9;
    err.printf(
        Locale.ROOT,
        "\r%s %s %5.1f %%  %,d requests, %,.0f/s%s   ",
        title,
        bar(done),
        100 * done,
        arrived,
        arrived / elapsedS,
        done > 0.01 && done < 1 ? ", " + span(elapsedS * (1 - done) / done) + " left" : "");
    err.flush();
  }

  /// Ends the line.
  void close(long requests, long events) {
    double elapsedS = (System.nanoTime() - beganNanos) / 1e9;
    err.printf(
        Locale.ROOT,
        "\r%s: %,d requests, %,d events in %s, %,.0f requests/s%s%n",
        title,
        requests,
        events,
        span(elapsedS),
        requests / elapsedS,
        " ".repeat(WIDTH));
    err.flush();
  }

  /// The bar itself.
  static String bar(double done) {
    int full = (int) (done * WIDTH);
    return "[" + "#".repeat(full) + ".".repeat(WIDTH - full) + "]";
  }

  static String span(double seconds) {
    return seconds < 100
        ? String.format(Locale.ROOT, "%.1f s", seconds)
        : String.format(Locale.ROOT, "%d min %02d s", (int) seconds / 60, (int) seconds % 60);
  }
}
