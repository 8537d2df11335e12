package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.live.chat.ChatClient;
import org.aigrid.live.replay.Replay;
import org.aigrid.live.replay.ReplayReport;
import org.aigrid.live.replay.ReplaySettings;
import org.aigrid.live.replay.ReplayText;
import org.aigrid.live.trace.TraceException;
import org.aigrid.live.trace.TraceSummary;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Sends a trace through a running grid and prints what its users would have felt.
@Command(
    name = "replay",
    description = {
      "Sends a trace of real requests through a running grid, by the trace's own clock, and prints"
          + " what its users would have felt.",
      "",
      "Formats: Azure LLM inference (CSV: TIMESTAMP, ContextTokens, GeneratedTokens), Mooncake and"
          + " Qwen-Bailian (JSON lines with hash_ids); .gz of them, too. Prompts are made up to the"
          + " trace's lengths, and share prefixes where the trace says so.",
      "",
      "Latencies count from when the trace wanted a request sent. The exit code is 1 when any"
          + " request failed.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ReplayCommand implements Callable<Integer> {
  private static final int CONNECT_TIMEOUT_MS = 10_000;
  private static final long BAR_EVERY_MS = 500;
  private static final long LINE_EVERY_MS = 10_000;
  private static final int BAR_WIDTH = 30;

  @Spec private @Nullable CommandSpec spec;
  @Mixin private final Target target = new Target();

  @Parameters(paramLabel = "FILE", description = "The trace.")
  private Path file = Path.of("");

  @Option(
      names = "--speed",
      paramLabel = "X",
      defaultValue = "1",
      description = "Trace seconds a real second (default: ${DEFAULT-VALUE}).")
  private double speed;

  @Option(names = "--limit", paramLabel = "N", description = "Only the first N requests.")
  private long limit = Long.MAX_VALUE;

  @Option(
      names = "--max-in-flight",
      paramLabel = "N",
      defaultValue = "4096",
      description =
          "Requests under way at most; then the next one waits, and its wait counts (default:"
              + " ${DEFAULT-VALUE}).")
  private int inFlightMax;

  @Option(
      names = "--timeout",
      paramLabel = "S",
      defaultValue = "600",
      description = "Seconds after which a request has failed (default: ${DEFAULT-VALUE}).")
  private int timeoutS;

  @Option(
      names = "--cell",
      paramLabel = "SITE",
      description = "Callers stand in this cell; repeat it, and they take turns.")
  private List<String> cells = List.of();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of the prompts' text (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the report there, too.")
  private @Nullable Path json;

  @Override
  public Integer call() throws InterruptedException {
    requirePositive("--speed", speed);
    requirePositive("--limit", limit);
    requirePositive("--max-in-flight", inFlightMax);
    requirePositive("--timeout", timeoutS);
    PrintWriter out = spec().commandLine().getOut();
    TraceSummary summary = summary();
    String model;
    try (var client = new ChatClient(target.url(), target.key())) {
      model = target.model(client);
    }
    var settings =
        new ReplaySettings(
            target.url(),
            target.key(),
            model,
            speed,
            limit,
            inFlightMax,
            timeoutS * 1_000,
            CONNECT_TIMEOUT_MS,
            timeoutS * 1_000,
            seed,
            cells);
    out.printf(
        Locale.ROOT,
        "%,d requests, %,d prompt and %,d output tokens, %.0f s at %s times its speed: %.0f s, %.1f"
            + " requests/s, to %s at %s.%n",
        summary.rows(),
        summary.inputTokens(),
        summary.outputTokens(),
        summary.spanUs() / 1e6,
        plain(speed),
        summary.spanUs() / 1e6 / speed,
        summary.rows() / Math.max(1e-3, summary.spanUs() / 1e6 / speed),
        model,
        target.url());
    if (summary.quantumUs() > 0) {
      out.printf(
          Locale.ROOT,
          "The trace's clock ticks every %.1f s only; requests are spread evenly over the tick.%n",
          summary.quantumUs() / 1e6);
    }
    out.flush();
    ReplayReport report = run(summary, settings, out);
    out.print(ReplayText.table(report));
    out.flush();
    if (json != null) {
      try {
        Files.writeString(json, ReplayText.json(report));
      } catch (IOException e) {
        throw new CommandFailure("cannot write --json " + json + ": " + reason(e));
      }
    }
    return report.failed() == 0 ? 0 : CommandFailure.EXIT_CODE;
  }

  private TraceSummary summary() {
    try {
      TraceSummary summary = TraceSummary.of(file, limit);
      if (!summary.problems().isEmpty()) {
        throw new CommandFailure(
            "the trace has bad rows; nothing was sent.\n" + String.join("\n", summary.problems()));
      }
      if (summary.rows() == 0) {
        throw new CommandFailure(file + " has no rows (expected: one request or more)");
      }
      return summary;
    } catch (TraceException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure("cannot read the trace " + file + ": " + reason(e));
    }
  }

  private ReplayReport run(TraceSummary summary, ReplaySettings settings, PrintWriter out)
      throws InterruptedException {
    var replay = new Replay(file, summary, settings);
    boolean terminal = Terminal.isInteractive();
    Thread progress =
        Thread.ofPlatform().daemon().name("progress").start(() -> show(replay, terminal, out));
    try {
      return replay.run();
    } catch (TraceException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure("the replay broke off: " + reason(e));
    } finally {
      progress.interrupt();
      progress.join();
      if (terminal) {
        out.print("\r" + " ".repeat(100) + "\r");
      }
    }
  }

  private void show(Replay replay, boolean terminal, PrintWriter out) {
    try {
      while (true) {
        Thread.sleep(terminal ? BAR_EVERY_MS : LINE_EVERY_MS);
        String line = line(replay.progress());
        out.print(terminal ? "\r" + line : line + System.lineSeparator());
        out.flush();
      }
    } catch (InterruptedException e) {
      // The replay is over; this thread has nothing left to do.
    }
  }

  private String line(Replay.Progress progress) {
    int filled = (int) (progress.share() * BAR_WIDTH);
    double left =
        progress.share() > 0 ? progress.seconds() / progress.share() - progress.seconds() : 0;
    String eta =
        progress.share() >= 1 ? "last answers" : String.format(Locale.ROOT, "%.0f s", left);
    return String.format(
        Locale.ROOT,
        "[%s%s] %3.0f %%  %,d sent  %,d under way  %,d failed  %,.0f tokens/s  left: %s   ",
        "#".repeat(filled),
        ".".repeat(BAR_WIDTH - filled),
        100 * progress.share(),
        progress.sent(),
        Math.max(0, progress.sent() - progress.answered() - progress.failed()),
        progress.failed(),
        progress.tokens() / Math.max(1e-3, progress.seconds()),
        eta);
  }

  private CommandSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("the command was not made by picocli");
    }
    return spec;
  }

  private static void requirePositive(String option, double value) {
    if (!(value > 0)) {
      throw new CommandFailure(option + " " + plain(value) + " (expected: above 0)");
    }
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException
        ? "there is no such file"
        : String.valueOf(e.getMessage());
  }
}
