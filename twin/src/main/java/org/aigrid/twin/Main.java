package org.aigrid.twin;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// The command line of the twin, reached as `./grid twin`.
@Command(
    name = "grid twin",
    description = {"Plays the grid's decisions under virtual time.", ""},
    mixinStandardHelpOptions = true,
    subcommands = {PlayCommand.class, EnginesCommand.class})
public final class Main implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    CommandLine line = commandLine();
    if (spec != null) {
      line.setOut(spec.commandLine().getOut()).setErr(spec.commandLine().getErr());
    }
    return line.execute("play");
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
