package org.aigrid.bench.fair;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.bench.machine.Machine;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench fair`: what a turn in the waiting room costs. JMH; half a minute with the defaults.
@Command(
    name = "fair",
    description = "Requests that wait in their tenants' turns: who is next, and who is not.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class FairBench implements Callable<Integer> {
  @Option(
      names = "--iterations",
      defaultValue = "3",
      description = "Measured iterations of half a second (default: ${DEFAULT-VALUE}).")
  private int iterations;

  @Option(
      names = "--forks",
      defaultValue = "1",
      description = "Processes that each measure it (default: ${DEFAULT-VALUE}).")
  private int forks;

  @Option(names = "--verbose", description = "Show what JMH says while it measures.")
  private boolean verbose;

  @Override
  public Integer call() throws RunnerException {
    var options =
        new OptionsBuilder()
            .include(Turn.class.getName() + "\\.")
            .forks(forks)
            .warmupIterations(2)
            .warmupTime(TimeValue.milliseconds(500))
            .measurementIterations(iterations)
            .measurementTime(TimeValue.milliseconds(500))
            .jvmArgsAppend("-Xms1g", "-Xmx1g", "-XX:+UseCompactObjectHeaders")
            .verbosity(verbose ? VerboseMode.NORMAL : VerboseMode.SILENT)
            .shouldFailOnError(true)
            .build();
    Collection<RunResult> results = new Runner(options).run();
    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    System.out.printf(Locale.ROOT, "%n## Fairness, %s%n%n", machine.date());
    System.out.print(machine.markdown("./grid bench fair --iterations " + iterations));
    System.out.printf(
        Locale.ROOT, "%n| what | tenants that wait | mean | error |%n|---|--:|--:|--:|%n");
    for (RunResult result : results) {
      String name = result.getParams().getBenchmark();
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %,.0f ns | %,.0f ns |%n",
          shown(name.substring(name.lastIndexOf('.') + 1)),
          result.getParams().getParam("tenants"),
          result.getPrimaryResult().getScore(),
          result.getPrimaryResult().getScoreError());
    }
    return 0;
  }

  private static String shown(String method) {
    return switch (method) {
      case "placed" -> "the next has its place, another comes";
      case "inVain" -> "all that may be are asked for and none has a place";
      case "produced" -> "tokens of one count";
      default -> method;
    };
  }
}
