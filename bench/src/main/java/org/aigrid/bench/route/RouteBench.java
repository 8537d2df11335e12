package org.aigrid.bench.route;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.bench.machine.Machine;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench route`: what one decision costs against 200,000 sites, and what the grid costs while
/// nobody asks anything. JMH in three forks, with transparent huge pages, and the decision without
/// them, too; about three minutes.
@Command(
    name = "route",
    description = "One routing decision against 200,000 sites, and the cost of their heartbeats.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class RouteBench implements Callable<Integer> {
  /// The goals of the project.
  private static final double GOAL_P99_NANOS = 5_000;

  private static final double GOAL_IDLE_CORES = 1;

  /// Where the heap comes to lie differs from fork to fork, and with it the speed of memory.
  private static final int FORKS = 3;

  private static final String HUGE_PAGES = "-XX:+UseTransparentHugePages";
  private static final String SMALL_PAGES = "-XX:-UseTransparentHugePages";

  @Option(
      names = "--iterations",
      defaultValue = "5",
      description = "Measured iterations of two seconds (default: ${DEFAULT-VALUE}).")
  private int iterations;

  @Option(names = "--verbose", description = "Show what JMH says while it measures.")
  private boolean verbose;

  public static void main(String[] args) {
    System.exit(new CommandLine(new RouteBench()).execute(args));
  }

  @Override
  public Integer call() throws RunnerException {
    Collection<RunResult> results =
        run(HUGE_PAGES, Decision.class.getName() + "\\.", Upkeep.class.getName() + "\\.");
    Collection<RunResult> small = run(SMALL_PAGES, Decision.class.getName() + "\\.");

    Result<?> decision = primary(results, "decide");
    double p50 = decision.getStatistics().getPercentile(50);
    double p99 = decision.getStatistics().getPercentile(99);
    double p999 = decision.getStatistics().getPercentile(99.9);
    Result<?> decisionSmall = primary(small, "decide");
    double p50Small = decisionSmall.getStatistics().getPercentile(50);
    double p99Small = decisionSmall.getStatistics().getPercentile(99);
    double decisionBytes = allocated(results, "decide");
    double heartbeatNanos = primary(results, "heartbeat").getScore();
    double periodNanos = primary(results, "period").getScore();
    double cores = periodNanos / (Upkeep.SNAPSHOT_EVERY_MS * 1e6);
    double periodMib = allocated(results, "period") / (1 << 20);

    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    System.out.printf(Locale.ROOT, "%n## Route, %s%n%n", machine.date());
    System.out.print(machine.markdown("./grid bench route --iterations " + iterations));
    System.out.printf(Locale.ROOT, "%n| %,d sites | measured | goal | met |%n", sites());
    System.out.println("|---|--:|--:|---|");
    row("one decision, p50", "%.0f ns".formatted(p50), "", "");
    row("one decision, p99", "%.0f ns".formatted(p99), "5 us", met(p99 <= GOAL_P99_NANOS));
    row("one decision, p99.9", "%.0f ns".formatted(p999), "", "");
    row("the same without huge pages, p50", "%.0f ns".formatted(p50Small), "", "");
    row(
        "the same without huge pages, p99",
        "%.0f ns".formatted(p99Small),
        "5 us",
        met(p99Small <= GOAL_P99_NANOS));
    row("allocated per decision", "%.0f B".formatted(decisionBytes), "", "");
    row("one heartbeat, mean", "%.0f ns".formatted(heartbeatNanos), "", "");
    row("50 ms of heartbeats and a snapshot", "%.2f ms".formatted(periodNanos / 1e6), "", "");
    row("allocated in these 50 ms", "%.1f MiB".formatted(periodMib), "", "");
    row(
        "idle grid, share of one core",
        "%.2f %%".formatted(100 * cores),
        "100 %",
        met(cores <= GOAL_IDLE_CORES));
    System.out.printf(
        Locale.ROOT,
        "%nIdle: every site sends a heartbeat each %d ms, a view is published each %d ms; receiving"
            + " and%nparsing the heartbeats is not in it. Sampling costs each decision some 20 to"
            + " 30 ns.%n%d forks; with transparent huge pages unless it says otherwise.%n",
        Upkeep.HEARTBEAT_EVERY_MS,
        Upkeep.SNAPSHOT_EVERY_MS,
        FORKS);
    return 0;
  }

  private Collection<RunResult> run(String pages, String... benchmarks) throws RunnerException {
    var options = new OptionsBuilder();
    for (String benchmark : benchmarks) {
      options.include(benchmark);
    }
    options
        .forks(FORKS)
        .warmupIterations(3)
        .warmupTime(TimeValue.seconds(2))
        .measurementIterations(iterations)
        .measurementTime(TimeValue.seconds(2))
        .addProfiler(GCProfiler.class)
        .jvmArgsAppend("-Xms1536m", "-Xmx1536m", "-XX:+UseCompactObjectHeaders", pages)
        .verbosity(verbose ? VerboseMode.NORMAL : VerboseMode.SILENT)
        .shouldFailOnError(true);
    return new Runner(options.build()).run();
  }

  private static int sites() {
    return LargeGrid.CELLS;
  }

  private static void row(String what, String measured, String goal, String met) {
    System.out.printf(Locale.ROOT, "| %s | %s | %s | %s |%n", what, measured, goal, met);
  }

  private static String met(boolean holds) {
    return holds ? "yes" : "**no**";
  }

  private static RunResult of(Collection<RunResult> results, String method) {
    return results.stream()
        .filter(r -> r.getParams().getBenchmark().endsWith("." + method))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("JMH gave no result for " + method));
  }

  private static Result<?> primary(Collection<RunResult> results, String method) {
    return of(results, method).getPrimaryResult();
  }

  private static double allocated(Collection<RunResult> results, String method) {
    return of(results, method).getSecondaryResults().entrySet().stream()
        .filter(e -> e.getKey().endsWith("gc.alloc.rate.norm"))
        .mapToDouble(e -> e.getValue().getScore())
        .findFirst()
        .orElse(Double.NaN);
  }
}
