package org.aigrid.bench.fair;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.bench.machine.Machine;
import org.aigrid.bench.machine.Microbenchmark;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `bench fair`: what a turn in the waiting room costs. JMH; half a minute with the defaults.
@Command(
    name = "fair",
    description = "Requests that wait in their tenants' turns: who is next, and who is not.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class FairBench implements Callable<Integer> {
  @Mixin private Microbenchmark benchmark = new Microbenchmark();

  @Override
  public Integer call() throws RunnerException {
    Collection<RunResult> results = benchmark.run(Turn.class, 500);
    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    System.out.printf(Locale.ROOT, "%n## Fairness, %s%n%n", machine.date());
    System.out.print(machine.markdown("./grid bench fair --iterations " + benchmark.iterations()));
    System.out.printf(
        Locale.ROOT, "%n| what | tenants that wait | mean | error |%n|---|--:|--:|--:|%n");
    for (RunResult result : results) {
      String name = result.getParams().getBenchmark();
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %,.0f ns | %s |%n",
          shown(name.substring(name.lastIndexOf('.') + 1)),
          result.getParams().getParam("tenants"),
          result.getPrimaryResult().getScore(),
          Microbenchmark.error(result));
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
