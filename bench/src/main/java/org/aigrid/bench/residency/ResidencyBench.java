package org.aigrid.bench.residency;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.bench.machine.Machine;
import org.aigrid.twin.residency.ResidencyOutcome;
import org.aigrid.twin.residency.ResidencyPlay;
import org.aigrid.twin.residency.Slip;
import org.aigrid.twin.residency.WorkPath;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bench residency`: random worlds, policies and faults, judged by what the sites wrote down. The
/// exit code is 1 when work was ordered or began where it may not; the seed of the world is named
/// with the command that plays it again.
@Command(
    name = "residency",
    description = {
      "Looks for work that begins where its tenant's policies do not permit it: worlds drawn from"
          + " seeds, policies that change while streams run, sites that fail, on every path a request"
          + " can take. Counts what the sites wrote down, not what the router meant.",
      "",
      "The exit code is 1 when something was found; the seed is named with the command that plays it"
          + " again.",
      ""
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  grid bench residency                           a million requests",
      "  grid bench residency --requests 100 --seed 17  one world",
      "  grid bench residency --requests 10000 --slip unchecked_hedge   a gateway with a mistake"
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class ResidencyBench implements Callable<Integer> {
  /// Requests of one world: enough for a policy of each tenant to change several times.
  public static final int REQUESTS_OF_A_WORLD = 400;

  private static final int VIOLATIONS_SHOWN = 20;
  private static final int SHOWN_EVERY = 16;

  @Option(
      names = "--requests",
      paramLabel = "N",
      defaultValue = "1000000",
      description = "How many, ${DEFAULT-VALUE} when it is not said; worlds have 400 each.")
  private long requests;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Of the first world; the next ones follow (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--slip",
      paramLabel = "NAME",
      defaultValue = "none",
      description =
          "A mistake to play with, to see that it is found: ${COMPLETION-CANDIDATES} (default:"
              + " ${DEFAULT-VALUE}).")
  private Slip slip = Slip.NONE;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (spec == null) {
      return 1;
    }
    if (requests < 1) {
      throw new IllegalArgumentException("--requests " + requests + " (expected: 1 or more)");
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    long begunNanos = System.nanoTime();
    ResidencyOutcome all = ResidencyOutcome.NOTHING;
    long found = 0;
    int worlds = 0;
    while (all.requests() < requests) {
      int count = (int) Math.min(REQUESTS_OF_A_WORLD, requests - all.requests());
      long played = seed + worlds;
      ResidencyOutcome one = ResidencyPlay.play(played, count, slip);
      worlds++;
      if (found < VIOLATIONS_SHOWN) {
        tell(out, one, played, count);
      }
      found += one.violations().size();
      all = all.and(one.withoutSentences());
      if (worlds % SHOWN_EVERY == 0 || all.requests() == requests) {
        err.printf(
            Locale.ROOT, "\r%,d of %,d requests, %,d violations", all.requests(), requests, found);
        err.flush();
      }
    }
    err.println();
    err.flush();
    double seconds = (System.nanoTime() - begunNanos) / 1e9;
    report(out, all, worlds, found, seconds);
    out.flush();
    return found == 0 && all.caughtLate() == 0 ? 0 : 1;
  }

  private void tell(PrintWriter out, ResidencyOutcome one, long played, int count) {
    if (one.violations().isEmpty() && one.caughtLate() == 0) {
      return;
    }
    one.violations().stream().limit(3).forEach(out::println);
    if (one.caughtLate() > 0) {
      out.printf(
          Locale.ROOT,
          "seed %d: the router chose %,d places that the check of the chosen site refused%n",
          played,
          one.caughtLate());
    }
    out.println(
        "  ./grid bench residency --requests "
            + count
            + " --seed "
            + played
            + (slip == Slip.NONE ? "" : " --slip " + slip.name().toLowerCase(Locale.ROOT)));
  }

  private void report(
      PrintWriter out, ResidencyOutcome all, int worlds, long found, double seconds) {
    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    out.printf(Locale.ROOT, "%n## Residency, %s%n%n", machine.date());
    out.print(
        machine.markdown(
            "./grid bench residency --requests "
                + requests
                + " --seed "
                + seed
                + (slip == Slip.NONE ? "" : " --slip " + slip.name().toLowerCase(Locale.ROOT))));
    out.printf("%n| path | begun at sites | refused by the sites themselves |%n|---|--:|--:|%n");
    long begun = 0;
    long refused = 0;
    for (WorkPath path : WorkPath.values()) {
      begun += all.begun(path);
      refused += all.refusedBySite(path);
      out.printf(
          Locale.ROOT,
          "| %s | %,d | %,d |%n",
          path.word(),
          all.begun(path),
          all.refusedBySite(path));
    }
    out.printf(Locale.ROOT, "| all | %,d | %,d |%n", begun, refused);
    out.printf(
        Locale.ROOT,
        "%n%,d requests in %,d worlds, %,d policy changes meanwhile, %,d requests permitted nowhere;"
            + " %.1f s. Places that only the second check stopped: %,d. **Violations: %,d.**%n",
        all.requests(),
        worlds,
        all.policyChanges(),
        all.refused(),
        seconds,
        all.caughtLate(),
        found);
  }
}
