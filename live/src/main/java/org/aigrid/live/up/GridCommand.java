package org.aigrid.live.up;

import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The command line as a whole. A command that fails says so in a sentence and with an exit code
/// other than 0: 1 when it could not do its work, 2 when it was called wrongly.
@Command(
    name = "grid",
    description = {
      "One AI network out of a hub and base stations, behind one OpenAI API.",
      "",
      "Begin with:",
      "  ./grid up                     a hub and twelve base stations around Tokyo Bay, in one process",
      "  ./grid chat \"Good morning\"    ask it something, from another terminal",
      "  ./grid sites kill cell-koto   see what happens when a site dies",
      ""
    },
    subcommands = {
      UpCommand.class,
      ChatCommand.class,
      ReplayCommand.class,
      SitesCommand.class,
      MoveCommand.class,
      DrillCommand.class,
      TenantsCommand.class,
      KeysCommand.class,
      AdminTokenCommand.class,
      UsageCommand.class,
      PolicyCommand.class,
      AuditCommand.class,
      TinyModelCommand.class,
      GridCommand.BenchHelp.class,
      GridCommand.TwinHelp.class,
      GridCommand.TestHelp.class,
      GridCommand.FuzzHelp.class,
      GridCommand.SbomHelp.class,
      CommandLine.HelpCommand.class
    },
    mixinStandardHelpOptions = true,
    version = "AI Grid 0.1.0-SNAPSHOT",
    commandListHeading = "%nCommands:%n",
    synopsisSubcommandLabel = "COMMAND",
    footer = {"", "./grid COMMAND --help says more about one of them."})
public final class GridCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  /// Runs one command and returns its exit code.
  public static int run(String... args) {
    return commandLine().execute(args);
  }

  /// The parser, for tests that look at what is printed.
  static CommandLine commandLine() {
    return new CommandLine(new GridCommand())
        .setUsageHelpWidth(100)
        .setExecutionExceptionHandler(GridCommand::explain)
        .setParameterExceptionHandler(GridCommand::explainUse)
        .setCaseInsensitiveEnumValuesAllowed(true);
  }

  private static int explain(Exception failure, CommandLine command, CommandLine.ParseResult parsed)
      throws Exception {
    if (failure instanceof CommandFailure) {
      command.getErr().println("grid: " + failure.getMessage());
      return CommandFailure.EXIT_CODE;
    }
    throw failure; // a mistake of ours: the stack trace is what we need to see
  }

  private static int explainUse(ParameterException mistake, String[] args) {
    CommandLine command = mistake.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("grid: " + mistake.getMessage());
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(mistake, err)) {
      err.println("See ./" + command.getCommandSpec().qualifiedName() + " --help.");
    }
    return CommandLine.ExitCode.USAGE;
  }

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  /// Stands here for the help alone: the launcher starts the benchmarks in their own class path.
  @Command(
      name = "bench",
      description = "Measures; ./grid bench lists what there is to measure.",
      mixinStandardHelpOptions = true)
  static final class BenchHelp extends LaunchedElsewhere {}

  /// Stands here for the help alone: the launcher starts the twin in its own class path.
  @Command(
      name = "twin",
      description = "Plays under virtual time; ./grid twin lists what there is to play.",
      mixinStandardHelpOptions = true)
  static final class TwinHelp extends LaunchedElsewhere {}

  /// Stands here for the help alone: the launcher runs the build.
  @Command(
      name = "test",
      description =
          "Builds with all checks and runs all tests: ./mvnw verify, more arguments go to it.",
      mixinStandardHelpOptions = true)
  static final class TestHelp extends LaunchedElsewhere {}

  /// Stands here for the help alone: the launcher starts the fuzzer in its own class path.
  @Command(
      name = "fuzz",
      description = "Attacks what strangers can send: ./grid fuzz [TARGET] [--seconds N].",
      mixinStandardHelpOptions = true)
  static final class FuzzHelp extends LaunchedElsewhere {}

  /// Stands here for the help alone: the launcher prints what the build wrote.
  @Command(
      name = "sbom",
      description = "Prints what the grid is made of (CycloneDX, JSON).",
      mixinStandardHelpOptions = true)
  static final class SbomHelp extends LaunchedElsewhere {}

  /// What the launcher does itself.
  abstract static class LaunchedElsewhere implements Runnable {
    @Spec private @Nullable CommandSpec spec;

    @CommandLine.Parameters(hidden = true)
    private @Nullable List<String> rest;

    @Override
    public void run() {
      String name = spec == null ? "this" : spec.name();
      throw new CommandFailure("'" + name + "' is done by the launcher: ./grid " + name);
    }
  }
}
