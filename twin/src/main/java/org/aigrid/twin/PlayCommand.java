package org.aigrid.twin;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.country.MadeUpCountry;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Demand.Crowd;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Play;
import org.aigrid.twin.play.PlaySettings;
import org.aigrid.twin.play.Policy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// `twin play`: a made-up country, the same requests under each policy, over several seeds.
@Command(
    name = "play",
    description = {
      "Plays a made-up country: the same requests under core's router and under simple rules, over"
          + " several seeds, and prints how many requests met their objectives.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PlayCommand implements Callable<Integer> {
  @Option(
      names = "--cells",
      paramLabel = "N",
      description = "Base stations (default: ${DEFAULT-VALUE}).")
  private int cells = 120;

  @Option(
      names = "--requests-per-second",
      paramLabel = "N",
      description = "Of the whole country (default: ${DEFAULT-VALUE}).")
  private double perSecond = 500;

  @Option(
      names = "--burstiness",
      paramLabel = "X",
      description = "Variation of the gaps; 1 is Poisson (default: ${DEFAULT-VALUE}).")
  private double burstiness = 1.5;

  @Option(
      names = "--crowd",
      paramLabel = "N",
      description =
          "A flash crowd: so many more requests a second in the busiest cell, for the middle third"
              + " (default: none).")
  private double crowd;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "How long people ask; the first ten do not count (default: ${DEFAULT-VALUE}).")
  private int seconds = 40;

  @Option(
      names = "--heartbeat-ms",
      paramLabel = "MS",
      description = "How old what a policy knows may be (default: ${DEFAULT-VALUE}).")
  private int heartbeatMs = 1_000;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "Plays of each policy (default: ${DEFAULT-VALUE}).")
  private int seeds = 5;

  @Option(names = "--json", paramLabel = "FILE", description = "Write all outcomes there, too.")
  private @Nullable Path json;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (spec == null) {
      return 1;
    }
    if (seeds < 1 || seconds <= 10) {
      throw new IllegalArgumentException(
          "--seeds " + seeds + ", --seconds " + seconds + " (expected: 1 or more, more than 10)");
    }
    Country country = MadeUpCountry.of(cells, 1);
    var settings =
        new PlaySettings(RouterSettings.DEFAULT, heartbeatMs, PlaySettings.DEFAULT.warmupMs());
    Map<Policy, List<Outcome>> outcomes = new LinkedHashMap<>();
    PrintWriter err = spec.commandLine().getErr();
    int total = seeds * Policy.values().length;
    int done = 0;
    long events = 0;
    long beganNanos = System.nanoTime();
    for (int seed = 1; seed <= seeds; seed++) {
      Demand demand =
          Demand.of(country, 1_000.0 * seconds, perSecond, burstiness, crowds(country), seed);
      for (Policy policy : Policy.values()) {
        Outcome outcome = Play.of(country, demand, policy, settings, seed);
        outcomes.computeIfAbsent(policy, _ -> new ArrayList<>()).add(outcome);
        events += outcome.events();
        err.printf("\r%d of %d plays, %,d events  ", ++done, total, events);
        err.flush();
      }
    }
    double elapsedS = (System.nanoTime() - beganNanos) / 1e9;
    err.printf("in %.1f s, %,.0f events/s%n", elapsedS, events / elapsedS);
    print(spec.commandLine().getOut(), country, outcomes);
    if (json != null) {
      Files.writeString(json, JsonMapper.shared().writeValueAsString(outcomes) + "\n");
    }
    return 0;
  }

  private List<Crowd> crowds(Country country) {
    if (crowd <= 0) {
      return List.of();
    }
    int busiest = 0;
    for (int i = 1; i < country.people().size(); i++) {
      busiest = country.people().get(i) > country.people().get(busiest) ? i : busiest;
    }
    return List.of(new Crowd(seconds * 1_000 / 3.0, seconds * 2_000 / 3.0, busiest, crowd));
  }

  private void print(PrintWriter out, Country country, Map<Policy, List<Outcome>> outcomes) {
    out.printf(
        "%s, %,.0f requests/s%s, %d seeds; what met both its objectives (mean, 95 %% confidence)%n%n",
        country.name(),
        perSecond,
        crowd > 0 ? " and a crowd of %,.0f/s in one cell".formatted(crowd) : "",
        seeds);
    out.print("| policy | all |");
    List<String> services = Demand.SERVICES.stream().map(Service::name).toList();
    services.forEach(service -> out.printf(" %s |", service));
    out.println(" TTFT p50, p99 ms | refused | cell, regional, hub |");
    out.println("|---|--:|" + "--:|".repeat(services.size()) + "--:|--:|--:|");
    outcomes.forEach((policy, plays) -> row(out, policy, plays, services.size()));
    out.flush();
  }

  private static void row(PrintWriter out, Policy policy, List<Outcome> plays, int services) {
    out.printf("| %s | %s |", policy.title(), share(plays, Outcome::attainment));
    for (int i = 0; i < services; i++) {
      int service = i;
      out.printf(" %s |", share(plays, play -> play.byService().get(service).attainment()));
    }
    out.printf(
        " %,.0f, %,.0f | %s | %s |%n",
        mean(plays, play -> play.byService().getFirst().ttftP50Ms()),
        mean(plays, play -> play.byService().getFirst().ttftP99Ms()),
        share(plays, play -> (double) play.refused() / Math.max(1, play.requests())),
        tiers(plays));
  }

  private static String tiers(List<Outcome> plays) {
    double all =
        mean(plays, play -> Math.max(1, play.byTier().stream().mapToLong(Long::longValue).sum()));
    var parts = new ArrayList<String>();
    for (Tier tier : List.of(Tier.CELL, Tier.REGIONAL, Tier.HUB)) {
      parts.add("%.0f %%".formatted(100 * mean(plays, p -> p.byTier().get(tier.ordinal())) / all));
    }
    return String.join(", ", parts);
  }

  private static double mean(List<Outcome> plays, ToDoubleFunction<Outcome> of) {
    return plays.stream().mapToDouble(of).average().orElse(0);
  }

  /// Mean and half the width of its 95 % confidence interval (Student's t).
  private static String share(List<Outcome> plays, ToDoubleFunction<Outcome> of) {
    double mean = mean(plays, of);
    int n = plays.size();
    if (n < 2) {
      return "%.1f %%".formatted(100 * mean);
    }
    double squares = plays.stream().mapToDouble(p -> Math.pow(of.applyAsDouble(p) - mean, 2)).sum();
    double half = studentT(n - 1) * Math.sqrt(squares / (n - 1) / n);
    return "%.1f ± %.1f %%".formatted(100 * mean, 100 * half);
  }

  private static double studentT(int degrees) {
    double[] table = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26};
    return degrees <= table.length ? table[degrees - 1] : 1.96 + 2.5 / degrees;
  }
}
