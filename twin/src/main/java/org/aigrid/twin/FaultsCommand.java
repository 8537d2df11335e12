package org.aigrid.twin;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.play.Incident;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.report.Report;
import org.aigrid.twin.report.WhatIfs;
import org.aigrid.twin.worlds.SmallWorld;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `twin faults`: plays small worlds in which things go wrong, and looks for what must never
/// happen.
@Command(
    name = "faults",
    description = {
      "Plays small made-up worlds, one for each seed: sites die, links are cut, reports come late,"
          + " radios want their GPUs back. Looks for what must never happen: a request outside its"
          + " jurisdictions, a token repeated or dropped, a radio that waits beyond its bound, a"
          + " charge that stays, a site asked after its lease.",
      "",
      "The exit code is 1 when something did; the seed is named with the command that plays it"
          + " again.",
      ""
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  grid twin faults                   a thousand worlds, in a minute",
      "  grid twin faults --first 1001 --seeds 100000",
      "  grid twin faults --seed 17         one of them, with what is in it and what came of it"
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class FaultsCommand implements Callable<Integer> {
  private static final int FAILURES_SHOWN = 20;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "How many worlds (default: ${DEFAULT-VALUE}).")
  private int seeds = 1_000;

  @Option(
      names = "--first",
      paramLabel = "N",
      description = "The first of them (default: ${DEFAULT-VALUE}).")
  private long first = 1;

  @Option(names = "--seed", paramLabel = "N", description = "Play this one and tell all of it.")
  private @Nullable Long one;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (spec == null) {
      return 1;
    }
    if (seeds < 1) {
      throw new IllegalArgumentException("--seeds " + seeds + " (expected: 1 or more)");
    }
    PrintWriter out = spec.commandLine().getOut();
    int failed = one == null ? many(out) : single(out, one);
    out.flush();
    return failed == 0 ? 0 : 1;
  }

  private int many(PrintWriter out) {
    PrintWriter err = spec == null ? out : spec.commandLine().getErr();
    long requests = 0;
    long moved = 0;
    long reclaims = 0;
    int failed = 0;
    for (int i = 0; i < seeds; i++) {
      long seed = first + i;
      Outcome outcome = SmallWorld.of(seed).play(1);
      requests += outcome.arrived();
      moved += outcome.movedStreams();
      reclaims += outcome.reclaims();
      List<String> violations = SmallWorld.violations(outcome);
      if (!violations.isEmpty() && ++failed <= FAILURES_SHOWN) {
        out.println("seed " + seed + ": " + String.join("; ", violations));
        out.println("  " + replay(seed));
      }
      if ((i + 1) % Math.max(1, seeds / 100) == 0) {
        err.printf("\r%,d of %,d worlds, %d broken", i + 1, seeds, failed);
        err.flush();
      }
    }
    err.println();
    err.flush();
    out.printf(
        Locale.ROOT,
        "%,d worlds, %,d requests, %,d streams moved and answered, %,d reclaims: %s%n",
        seeds,
        requests,
        moved,
        reclaims,
        failed == 0
            ? "nothing happened that must never happen"
            : failed + " worlds in which something did");
    return failed;
  }

  /// The command that plays a seed again.
  static String replay(long seed) {
    return "./grid twin faults --seed " + seed;
  }

  private static int single(PrintWriter out, long seed) {
    SmallWorld world = SmallWorld.of(seed);
    Country country = world.scenario().country();
    out.printf(
        Locale.ROOT,
        "Small world %d: %d regions, %d base stations, %d centres, %d hubs; %.1f s, a report each"
            + " %d ms, leases of %d ms, policy %s%n",
        seed,
        country.regions().size(),
        country.count(Tier.CELL),
        country.count(Tier.REGIONAL),
        country.count(Tier.HUB),
        world.scenario().settings().durationMs() / 1_000,
        world.scenario().settings().heartbeatMs(),
        world.scenario().settings().leaseMs(),
        world.scenario().settings().policy().key());
    for (Incident incident : world.scenario().incidents()) {
      out.println("  " + incident);
    }
    Outcome outcome = world.play(1);
    out.println();
    out.println(
        Report.of(world.scenario(), outcome, WhatIfs.list()).get("totals").toPrettyString());
    out.println(
        Report.of(world.scenario(), outcome, WhatIfs.list()).get("continuity").toPrettyString());
    List<String> violations = SmallWorld.violations(outcome);
    violations.forEach(out::println);
    if (violations.isEmpty()) {
      out.println("Nothing happened that must never happen.");
    }
    return violations.size();
  }
}
