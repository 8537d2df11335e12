package org.aigrid.live.replay;

import java.io.IOException;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.aigrid.live.trace.TraceException;
import org.aigrid.live.trace.TraceReader;
import org.aigrid.live.trace.TraceRow;
import org.aigrid.live.trace.TraceSummary;
import org.aigrid.live.trace.Traces;
import tools.jackson.databind.ObjectMapper;

/// Sends a trace by the trace's own clock, however long the answers take: an open loop. A request
/// that had to wait (for a free place under `inFlightMax`, or for a busy machine) counts its wait
/// as latency. One thread sends, one carries the connections; `progress` may be called from any.
public final class Replay {
  private static final long HIGHEST_US = TimeUnit.HOURS.toMicros(2);
  private static final long LEAD_NANOS = 20_000_000;

  /// How far a replay has come.
  ///
  /// @param sent requests sent so far
  /// @param answered whole answers so far
  /// @param failed failures so far
  /// @param tokens tokens received so far
  /// @param share of the trace's time that has passed, 0 to 1
  /// @param seconds since the start
  public record Progress(
      long sent, long answered, long failed, long tokens, double share, double seconds) {}

  private final Path file;
  private final TraceSummary summary;
  private final ReplaySettings settings;
  private final Semaphore places;
  private final PromptText prompts;
  private final String model; // as JSON

  private final Histogram firstTokenUs = new Histogram(HIGHEST_US, 3);
  private final Histogram frameGapUs = new Histogram(HIGHEST_US, 3);
  private final Histogram tokenUs = new Histogram(HIGHEST_US, 3);
  private final Histogram endUs = new Histogram(HIGHEST_US, 3);
  private final Histogram latenessUs = new Histogram(HIGHEST_US, 3);
  private final TreeMap<String, Long> bySite = new TreeMap<>();
  private final TreeMap<String, Long> byTier = new TreeMap<>();
  private final TreeMap<String, Long> failures = new TreeMap<>();
  private final TreeMap<String, String> examples = new TreeMap<>();

  private volatile long startNanos;
  private volatile long sent;
  private volatile long answered;
  private volatile long failed;
  private volatile long promptTokens;
  private volatile long outputTokens;
  private volatile long lastEndNanos;
  private int inFlightMost;

  public Replay(Path file, TraceSummary summary, ReplaySettings settings) {
    this.file = file;
    this.summary = summary;
    this.settings = settings;
    this.places = new Semaphore(settings.inFlightMax());
    this.prompts = new PromptText(settings.seed());
    this.model = new ObjectMapper().writeValueAsString(settings.model());
  }

  /// Runs to the end of the trace and of its last answer. An interrupt stops the sending; what was
  /// under way is still waited for.
  public ReplayReport run() throws IOException, TraceException {
    try (TraceReader rows = Traces.open(file, summary);
        var client = new StreamClient(settings, this::frameGap)) {
      startNanos = System.nanoTime() + LEAD_NANOS;
      lastEndNanos = startNanos;
      send(rows, client);
      drain();
    }
    synchronized (this) {
      return new ReplayReport(
          sent,
          answered,
          Math.max(1, lastEndNanos - startNanos) / 1e9,
          promptTokens,
          outputTokens,
          inFlightMost,
          firstTokenUs.copy(),
          frameGapUs.copy(),
          tokenUs.copy(),
          endUs.copy(),
          latenessUs.copy(),
          new TreeMap<>(bySite),
          new TreeMap<>(byTier),
          new TreeMap<>(failures),
          new TreeMap<>(examples));
    }
  }

  /// How far it has come; callable from any thread.
  public Progress progress() {
    long elapsed = startNanos == 0 ? 0 : Math.max(0, System.nanoTime() - startNanos);
    double traceUs = elapsed / 1_000.0 * settings.speed();
    double share = summary.spanUs() == 0 ? 1 : Math.min(1, traceUs / summary.spanUs());
    return new Progress(sent, answered, failed, outputTokens, share, elapsed / 1e9);
  }

  private void send(TraceReader rows, StreamClient client) throws IOException, TraceException {
    for (long number = 0; number < settings.rowsMax(); number++) {
      TraceRow row = rows.next();
      if (row == null) {
        return;
      }
      String body = body(row, number);
      long intendedNanos = startNanos + (long) (row.atUs() * 1_000 / settings.speed());
      if (!sleepUntil(intendedNanos) || !takePlace()) {
        return;
      }
      long lateNanos = Math.max(0, System.nanoTime() - intendedNanos);
      synchronized (this) {
        record(latenessUs, lateNanos);
        sent++;
        inFlightMost = Math.max(inFlightMost, settings.inFlightMax() - places.availablePermits());
      }
      String cell =
          settings.cells().isEmpty()
              ? null
              : settings.cells().get((int) (number % settings.cells().size()));
      client.send(new Call(body, cell, intendedNanos, outcome -> ended(intendedNanos, outcome)));
    }
  }

  private static boolean sleepUntil(long nanos) {
    long wait;
    while ((wait = nanos - System.nanoTime()) > 0) {
      LockSupport.parkNanos(wait);
      if (Thread.currentThread().isInterrupted()) {
        return false;
      }
    }
    return true;
  }

  private boolean takePlace() {
    try {
      places.acquire();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void drain() {
    boolean interrupted = Thread.interrupted();
    try {
      if (!places.tryAcquire(
          settings.inFlightMax(), settings.drainTimeoutMs(), TimeUnit.MILLISECONDS)) {
        long missing = settings.inFlightMax() - places.availablePermits();
        synchronized (this) {
          failures.merge("never ended", missing, Long::sum);
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /// Text that is pinned to the trace's lengths: the engine may not stop before `max_tokens`.
  private String body(TraceRow row, long number) {
    return "{\"model\":"
        + model
        + ",\"messages\":[{\"role\":\"user\",\"content\":\""
        + prompts.of(row, number)
        + "\"}],\"max_tokens\":"
        + Math.max(1, row.outputTokens())
        + ",\"ignore_eos\":true,\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
  }

  private void frameGap(long nanos) {
    record(frameGapUs, nanos);
  }

  private synchronized void ended(long intendedNanos, Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered a -> {
        answered++;
        record(firstTokenUs, a.firstTokenNanos() - intendedNanos);
        record(endUs, a.endNanos() - intendedNanos);
        if (a.tokens() > 1) {
          record(tokenUs, (a.endNanos() - a.firstTokenNanos()) / (a.tokens() - 1));
        }
        promptTokens += Math.max(0, a.promptTokens());
        outputTokens += a.tokens();
        bySite.merge(a.site(), 1L, Long::sum);
        byTier.merge(a.tier(), 1L, Long::sum);
      }
      case Outcome.Failed f -> {
        failed++;
        failures.merge(f.kind(), 1L, Long::sum);
        examples.putIfAbsent(f.kind(), f.detail());
      }
    }
    lastEndNanos = System.nanoTime();
    places.release();
  }

  private static void record(Histogram histogram, long nanos) {
    histogram.recordValue(Math.clamp(nanos / 1_000, 0, HIGHEST_US));
  }
}
