package org.aigrid.twin;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.aigrid.config.Overrides;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Play;
import org.aigrid.twin.play.PlaySettings;
import org.aigrid.twin.play.Policy;
import org.aigrid.twin.report.Against;
import org.aigrid.twin.report.Comparison;
import org.aigrid.twin.report.Page;
import org.aigrid.twin.report.Report;
import org.aigrid.twin.report.Summary;
import org.aigrid.twin.report.WhatIfs;
import org.aigrid.twin.scenario.Scenario;
import org.aigrid.twin.scenario.ScenarioException;
import org.aigrid.twin.scenario.ScenarioFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The command line of the twin, reached as `./grid twin`: plays a scenario and writes its report;
/// or several, and compares them.
@Command(
    name = "grid twin",
    description = {
      "Plays a country under virtual time with the decisions that the live grid runs, and writes a"
          + " report: one HTML page and the same numbers as JSON.",
      "",
      "Without a scenario it plays scenarios/island-evening.toml, an hour of a small made-up"
          + " country, in seconds.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  grid twin",
      "  grid twin scenarios/japan-day.toml --threads 2",
      "  grid twin scenarios/flash-crowd.toml --policy all --seeds 5",
      "  grid twin --sweep network.scale=0,1,2,5,10 --policy ours,nearest,hub",
      "  grid twin --set router.random-candidates=0 --against report/island-evening.json"
    },
    subcommands = {
      BurstCommand.class,
      CountryCommand.class,
      EnginesCommand.class,
      SlotsCommand.class,
      FaultsCommand.class
    })
public final class Main implements Callable<Integer> {
  private static final JsonMapper JSON = JsonMapper.shared();

  @Parameters(
      arity = "0..1",
      paramLabel = "SCENARIO",
      description = "A scenario file (default: the small country that comes with the program).")
  private @Nullable Path file;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where the report goes (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("report");

  @Option(names = "--seed", paramLabel = "N", description = "In place of the scenario's.")
  private @Nullable Long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "The result is the same with any number (default: as many as processors).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--policy",
      split = ",",
      paramLabel = "P",
      description =
          "Who decides where requests run: ours, nearest, hub, least-in-flight, two-choices, sticky,"
              + " round-robin; several, or all, to compare them.")
  private List<String> policies = List.of();

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "Play each variant with so many seeds and give confidence intervals.")
  private int seeds = 1;

  @Option(
      names = "--sweep",
      paramLabel = "KEY=A,B,C",
      description = "Play with each of these values of a key; several sweeps make a grid.")
  private List<String> sweeps = List.of();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A value in place of the scenario's, by full key, such as router.neighbours=3.")
  private List<String> changes = List.of();

  @Option(
      names = "--against",
      paramLabel = "JSON",
      description = "An earlier report to compare with.")
  private @Nullable Path against;

  @Option(names = "--no-progress", description = "No progress bar.")
  private boolean quiet;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, ScenarioException {
    if (spec == null) {
      return 1;
    }
    if (seeds < 1 || threads < 1 || threads > 256) {
      throw new IllegalArgumentException(
          "--seeds " + seeds + ", --threads " + threads + " (expected: 1 or more, 1 to 256)");
    }
    Path path = file != null ? file : bundled();
    Map<String, String> set = new LinkedHashMap<>();
    for (String change : changes) {
      Map.Entry<String, String> pair = Overrides.split(change);
      set.put(pair.getKey(), pair.getValue());
    }
    JsonNode other = against == null ? null : readReport(against);
    if (policies.size() > 1 || policies.contains("all") || seeds > 1 || !sweeps.isEmpty()) {
      compare(path, set);
    } else {
      one(path, set, other);
    }
    return 0;
  }

  private static Path bundled() {
    String root = System.getProperty("grid.root", ".");
    return Path.of(root, "scenarios", "island-evening.toml");
  }

  private static JsonNode readReport(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          file + " is missing (expected: the JSON of an earlier report)");
    }
    try {
      JsonNode report = JSON.readTree(Files.readString(file));
      if (report.path("format").asString("").equals("aigrid-twin-report-1")) {
        return report;
      }
    } catch (JacksonException unreadable) {
      // said below
    }
    throw new IllegalArgumentException(
        file + " is not a report of the twin (expected: the JSON that grid twin writes)");
  }

  private void one(Path path, Map<String, String> set, @Nullable JsonNode other)
      throws IOException, ScenarioException {
    Scenario scenario = ScenarioFile.read(path, set);
    PlaySettings settings =
        policies.isEmpty()
            ? scenario.settings()
            : scenario.settings().with(Policy.ofKey(policies.getFirst()));
    long useSeed = seed == null ? scenario.seed() : seed;
    Outcome outcome = play(scenario.name(), scenario, settings, useSeed);
    ObjectNode report = Report.of(scenario, outcome, whatIfs(scenario, settings, useSeed));
    if (other != null) {
      report.set("against", Against.of(report, other));
    }
    Summary.print(out(), report);
    write(path, "", report);
  }

  private ArrayNode whatIfs(Scenario scenario, PlaySettings settings, long useSeed) {
    ArrayNode rows = WhatIfs.list();
    Outcome unchanged = null;
    for (Scenario.WhatIf whatIf : scenario.whatIfs()) {
      PlaySettings part = settings.at(whatIf.beginMs(), whatIf.durationMs());
      if (unchanged == null
          || unchanged.settings().beginMs() != whatIf.beginMs()
          || unchanged.settings().durationMs() != whatIf.durationMs()) {
        unchanged = play("as it is", scenario.withoutIncidents(), part, useSeed);
        WhatIfs.add(rows, unchanged, unchanged);
      }
      Scenario changed =
          scenario
              .withoutIncidents()
              .in(scenario.country().withRegionalCentres(whatIf.regionalCentres()));
      WhatIfs.add(rows, play(changed.country().name(), changed, part, useSeed), unchanged);
    }
    return rows;
  }

  private Outcome play(String title, Scenario scenario, PlaySettings settings, long useSeed) {
    ProgressBar bar =
        quiet
            ? null
            : new ProgressBar(
                err(), title, scenario.demand(), settings.beginMs(), settings.durationMs());
    Outcome outcome =
        Play.of(
            scenario.country(),
            scenario.demand(),
            settings,
            scenario.incidents(),
            useSeed,
            threads,
            bar == null ? Play.Progress.NONE : bar);
    if (bar != null) {
      bar.close(outcome.arrived(), outcome.events());
    }
    return outcome;
  }

  private void compare(Path path, Map<String, String> set) throws IOException, ScenarioException {
    List<Map<String, String>> variants = variants();
    Scenario first = ScenarioFile.read(path, set);
    List<Policy> all = policiesOf(first);
    var comparison =
        new Comparison(first.name(), first.description(), seeds, first.demand().services());
    int total = variants.size() * all.size() * seeds;
    int number = 0;
    for (Map<String, String> variant : variants) {
      Map<String, String> both = new LinkedHashMap<>(set);
      both.putAll(variant);
      Scenario scenario = ScenarioFile.read(path, both);
      long firstSeed = seed == null ? scenario.seed() : seed;
      for (Policy policy : all) {
        var plays = new ArrayList<Outcome>();
        for (int i = 0; i < seeds; i++) {
          String title = ++number + " of " + total + ", " + policy.key() + " " + text(variant);
          plays.add(play(title, scenario, scenario.settings().with(policy), firstSeed + i));
        }
        comparison.add(text(variant), policy, plays);
      }
    }
    out().printf("%s; %d seeds, mean and 95 %% confidence%n%n", first.name(), seeds);
    comparison.print(out());
    write(path, "-comparison", comparison.json());
  }

  private List<Policy> policiesOf(Scenario scenario) {
    if (policies.contains("all")) {
      return Arrays.asList(Policy.values());
    }
    return policies.isEmpty()
        ? List.of(scenario.settings().policy())
        : policies.stream().map(Policy::ofKey).toList();
  }

  private List<Map<String, String>> variants() {
    List<Map<String, String>> variants = List.of(Map.of());
    for (String sweep : sweeps) {
      Map.Entry<String, String> pair = Overrides.split(sweep);
      var more = new ArrayList<Map<String, String>>();
      for (Map<String, String> variant : variants) {
        for (String value : pair.getValue().split(",", -1)) {
          Map<String, String> one = new LinkedHashMap<>(variant);
          one.put(pair.getKey(), value);
          more.add(one);
        }
      }
      variants = more;
    }
    return variants;
  }

  private static String text(Map<String, String> variant) {
    var parts = new ArrayList<String>();
    variant.forEach((key, value) -> parts.add(key + "=" + value));
    return String.join(", ", parts);
  }

  private void write(Path scenario, String suffix, ObjectNode report) throws IOException {
    Files.createDirectories(out);
    String name = scenario.getFileName().toString().replaceFirst("\\.toml$", "") + suffix;
    Path json = out.resolve(name + ".json");
    Path html = out.resolve(name + ".html");
    Files.writeString(
        json, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report) + "\n");
    Files.writeString(html, Page.of(report));
    out().printf("%nReport: %s%n        %s%n", html.toAbsolutePath(), json.toAbsolutePath());
    out().flush();
  }

  private PrintWriter out() {
    return line().getOut();
  }

  private PrintWriter err() {
    return line().getErr();
  }

  private CommandLine line() {
    if (spec == null) {
      throw new IllegalStateException("not run by picocli");
    }
    return spec.commandLine();
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
