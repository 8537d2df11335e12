package org.aigrid.twin;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The command line of the twin, reached as `./grid twin`.
@Command(
    name = "grid twin",
    description = {
      "Plays the grid's decisions under virtual time. So far: its engines, alone.",
      ""
    },
    mixinStandardHelpOptions = true,
    subcommands = EnginesCommand.class)
public final class Main implements Runnable {
  /// Prints what there is.
  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }

  /// The model of the command line, also for tests that check what the documents show.
  public static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setExecutionExceptionHandler(
            (failure, line, _) -> {
              line.getErr().println("grid twin: " + failure.getMessage());
              return 1;
            });
  }

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }
}
