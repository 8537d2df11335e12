package org.aigrid.bench.route;

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

/// `bench policy`: what asking for residency costs on every path, with few and with many policies.
/// JMH; about a minute with the defaults.
@Command(
    name = "policy",
    description = "Residency: one site, the sites of a grid of 200,000, a policy change.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class PolicyBench implements Callable<Integer> {
  /// The goal of the project for one decision.
  private static final double GOAL_NANOS = 2_000;

  @Mixin private Microbenchmark benchmark = new Microbenchmark();

  @Override
  public Integer call() throws RunnerException {
    Collection<RunResult> results = benchmark.run(PolicyDecision.class, 1_000);
    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    System.out.printf(Locale.ROOT, "%n## Policy, %s%n%n", machine.date());
    System.out.print(
        machine.markdown("./grid bench policy --iterations " + benchmark.iterations()));
    System.out.printf(
        Locale.ROOT,
        "%n| what | policies of others | reads the request | mean | error | allocated | under 2 us"
            + " |%n|---|--:|---|--:|--:|--:|---|%n");
    for (RunResult result : results) {
      String name = result.getParams().getBenchmark();
      String method = name.substring(name.lastIndexOf('.') + 1);
      double nanos = result.getPrimaryResult().getScore();
      double bytes =
          result.getSecondaryResults().entrySet().stream()
              .filter(e -> e.getKey().endsWith("gc.alloc.rate.norm"))
              .mapToDouble(e -> e.getValue().getScore())
              .findFirst()
              .orElse(Double.NaN);
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %s | %,.1f ns | %s | %,.0f B | %s |%n",
          shown(method),
          result.getParams().getParam("policies"),
          result.getParams().getParam("context").equals("true") ? "yes" : "no",
          nanos,
          Microbenchmark.error(result),
          bytes,
          method.startsWith("check") ? (nanos < GOAL_NANOS ? "yes" : "**no**") : "");
    }
    System.out.printf(
        Locale.ROOT, "%n%d sites; ten policies concern the principal.%n", LargeGrid.CELLS);
    return 0;
  }

  private static String shown(String method) {
    return switch (method) {
      case "checkFacts" -> "one site, by its facts (an agent)";
      case "checkSite" -> "one site, by its index (a gateway)";
      case "permittedSites" -> "the permitted sites of the roster (a router)";
      case "prepareKey" -> "one key prepared after a policy change";
      default -> method;
    };
  }
}
