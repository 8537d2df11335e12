package org.aigrid.bench;

import org.aigrid.bench.books.BooksBench;
import org.aigrid.bench.fair.FairBench;
import org.aigrid.bench.gateway.GatewayBench;
import org.aigrid.bench.proof.ProofBench;
import org.aigrid.bench.residency.ResidencyBench;
import org.aigrid.bench.route.PolicyBench;
import org.aigrid.bench.route.RouteBench;
import org.aigrid.bench.start.StartBench;
import org.aigrid.bench.twin.LiveTwinBench;
import org.aigrid.bench.twin.TwinBench;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The command line of the benchmarks, reached as `./grid bench`.
@Command(
    name = "grid bench",
    description = "Measures the grid; every result names its machine, date and commit.",
    mixinStandardHelpOptions = true,
    subcommands = {
      RouteBench.class,
      PolicyBench.class,
      FairBench.class,
      GatewayBench.class,
      StartBench.class,
      BooksBench.class,
      TwinBench.class,
      LiveTwinBench.class,
      ProofBench.class,
      ResidencyBench.class
    },
    footer = {
      "",
      "Without a name this text is shown. Run on a machine that does nothing else.",
      "Results are kept in bench/RESULTS.md."
    })
public final class Main implements Runnable {
  /// Prints what there is.
  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }

  /// The model of the command line, also for tests that check what the documents show.
  public static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (failure, line, _) -> {
              line.getErr().println("grid bench: " + failure.getMessage());
              return 1;
            });
  }

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }
}
