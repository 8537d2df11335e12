package org.aigrid.live.radio;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.aigrid.live.outbound.OutboundAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A radio's load from the metrics page of its distributed unit (Prometheus text format or
/// OpenMetrics): the named gauge, summed over the series whose labels contain what is asked for,
/// and divided by `full`. Asked every `pollMs` on a thread of its own.
///
/// A page that cannot be read, or lacks the gauge, leaves the last word standing until it is
/// `staleMs` old; after that the load is `UNKNOWN`. So a distributed unit that falls silent takes
/// the whole GPU, as it must. Bounds: 16 MiB a page, `staleMs` from asking to its last byte.
public final class MeasuredRadio implements RadioLoad {
  private static final Logger log = LoggerFactory.getLogger(MeasuredRadio.class);
  private static final long PAGE_BYTES_MAX = 16 << 20;
  private static final int POLLS_LATE_MAX = 3;

  /// What is asked for, and how often. Immutable.
  ///
  /// @param url of the metrics page
  /// @param metric name of the gauge
  /// @param labels text that a series' labels have to contain, such as `cell="7"`; empty for all
  /// @param full value that means the whole cell: 1 for a ratio, 100 for per cent, 273 for resource
  ///   blocks of 100 MHz at 30 kHz
  /// @param pollMs between two questions
  public record Settings(URI url, String metric, String labels, double full, int pollMs) {
    public Settings {
      OutboundAddress.check("radio metrics", url, OutboundAddress.Over.HTTP);
      if (metric.isBlank() || !(full > 0) || pollMs < 10) {
        throw new IllegalArgumentException(
            "radio metrics at "
                + url
                + ": metric '"
                + metric
                + "', full "
                + full
                + ", pollMs "
                + pollMs
                + " (expected: a name, above 0, 10 or more)");
      }
    }

    /// The gauge's last value counts for so long.
    public int staleMs() {
      return POLLS_LATE_MAX * pollMs;
    }
  }

  private record Word(double share, long atNanos) {}

  private final Settings settings;
  private final HttpClient client;
  private final Thread poller;
  private volatile Word last = new Word(UNKNOWN, System.nanoTime());
  private volatile boolean closed;

  public MeasuredRadio(Settings settings) {
    this.settings = settings;
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofMillis(settings.staleMs()))
            .followRedirects(HttpClient.Redirect.NEVER)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
    poller = Thread.ofVirtual().name("radio-metrics").start(this::poll);
  }

  private void poll() {
    boolean complained = false;
    while (!closed) {
      try {
        Thread.sleep(settings.pollMs());
        long askedNanos = System.nanoTime();
        double value = ask();
        if (Double.isNaN(value)) {
          complained = complain(complained, "has no gauge " + settings.metric());
        } else {
          complained = false;
          last = new Word(Math.clamp(value / settings.full(), 0, 1), askedNanos);
        }
      } catch (InterruptedException e) {
        return;
      } catch (IOException | RuntimeException e) { // whatever it is, it is asked again
        complained = complain(complained, e.toString());
      }
    }
  }

  private boolean complain(boolean complained, String what) {
    if (!complained && !closed) {
      log.warn("radio metrics at {}: {}; the radio holds the GPU", settings.url(), what);
    }
    return true;
  }

  private double ask() throws IOException, InterruptedException {
    HttpRequest ask =
        HttpRequest.newBuilder(settings.url())
            .timeout(Duration.ofMillis(settings.staleMs()))
            .header("accept", "application/openmetrics-text, text/plain")
            .build();
    CompletableFuture<HttpResponse<String>> asked =
        client.sendAsync(
            ask,
            HttpResponse.BodyHandlers.limiting(
                HttpResponse.BodyHandlers.ofString(), PAGE_BYTES_MAX));
    try {
      HttpResponse<String> page = asked.get(settings.staleMs(), TimeUnit.MILLISECONDS);
      return page.statusCode() == 200 ? sum(page.body().lines().iterator()) : UNKNOWN;
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (TimeoutException e) { // the request's own timeout ends with the head
      throw new IOException("the page did not end within " + settings.staleMs() + " ms", e);
    } finally {
      asked.cancel(true);
    }
  }

  private double sum(Iterator<String> lines) {
    double sum = UNKNOWN;
    while (lines.hasNext()) {
      String line = lines.next();
      if (!line.startsWith(settings.metric())) {
        continue;
      }
      int nameEnd = settings.metric().length();
      int brace = line.indexOf('}');
      boolean labelled = line.length() > nameEnd && line.charAt(nameEnd) == '{' && brace > 0;
      if (!labelled && (line.length() == nameEnd || line.charAt(nameEnd) != ' ')) {
        continue; // another gauge whose name begins the same
      }
      String labels = labelled ? line.substring(nameEnd, brace) : "";
      if (labels.contains(settings.labels())) {
        String[] words = line.substring(labelled ? brace + 1 : nameEnd).strip().split(" ");
        try {
          sum = (Double.isNaN(sum) ? 0 : sum) + Double.parseDouble(words[0]);
        } catch (NumberFormatException e) {
          return UNKNOWN;
        }
      }
    }
    return sum;
  }

  @Override
  public double demand(long nowMs) {
    Word word = last;
    long ageMs = (System.nanoTime() - word.atNanos()) / 1_000_000;
    return ageMs > settings.staleMs() ? UNKNOWN : word.share();
  }

  /// When the page was asked for: what it says may be as old as that.
  @Override
  public long heardNanos() {
    return last.atNanos();
  }

  @Override
  public void close() {
    closed = true;
    poller.interrupt();
    client.shutdownNow();
  }
}
