package org.aigrid.bench.machine;

import java.util.Collection;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine.Option;

/// How a small benchmark is run by JMH: the options that such commands have in common. A mixin of
/// picocli's.
public final class Microbenchmark {
  @Option(
      names = "--iterations",
      defaultValue = "3",
      description = "Measured iterations of a second or less (default: ${DEFAULT-VALUE}).")
  private int iterations;

  @Option(
      names = "--forks",
      defaultValue = "1",
      description = "Processes that each measure it (default: ${DEFAULT-VALUE}).")
  private int forks;

  @Option(names = "--verbose", description = "Show what JMH says while it measures.")
  private boolean verbose;

  public int iterations() {
    return iterations;
  }

  /// Measures all benchmarks of a class, after two iterations to warm up, in a heap of 1 GiB.
  public Collection<RunResult> run(Class<?> benchmarks, int iterationMs) throws RunnerException {
    TimeValue iteration = TimeValue.milliseconds(iterationMs);
    return new Runner(
            new OptionsBuilder()
                .include(benchmarks.getName() + "\\.")
                .forks(forks)
                .warmupIterations(2)
                .warmupTime(iteration)
                .measurementIterations(iterations)
                .measurementTime(iteration)
                .addProfiler(GCProfiler.class)
                .jvmArgsAppend("-Xms1g", "-Xmx1g", "-XX:+UseCompactObjectHeaders")
                .verbosity(verbose ? VerboseMode.NORMAL : VerboseMode.SILENT)
                .shouldFailOnError(true)
                .build())
        .run();
  }

  /// The error of a result in nanoseconds; too few iterations have none.
  public static String error(RunResult result) {
    double nanos = result.getPrimaryResult().getScoreError();
    return Double.isNaN(nanos) ? "-" : "%,.1f ns".formatted(nanos);
  }
}
