package org.aigrid.bench.twin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.bench.machine.Machine;
import org.aigrid.bench.twin.ToyWorkload.Played;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench twin`: how long the twin takes for countries of 2,000, 20,000 and 200,000 cells at equal
/// requests per cell; a whole Japanese day with `--day`; and a toy workload beside CloudSim Plus,
/// both in one run, in turn.
@Command(
    name = "twin",
    description =
        "How fast the twin plays, how that grows with the country, and CloudSim Plus beside it.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class TwinBench implements Callable<Integer> {
  private static final int ROUNDS = 3;
  private static final double BOUND_MINUTES = 15;
  private static final double GOAL_MINUTES = 5;
  private static final double REQUESTS_PER_CELL_AND_DAY = 5_000;

  @Option(
      names = "--cells",
      split = ",",
      paramLabel = "N",
      description = "Sizes (default: 2000,20000,200000).")
  private List<Integer> sizes = List.of(2_000, 20_000, 200_000);

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description = "Of the evening from eight that each size plays (default: ${DEFAULT-VALUE}).")
  private double minutes = 15;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Of the twin (default: as many as processors).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--day",
      description = "Also play japan-day in full: a quarter of an hour and more.")
  private boolean day;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "Folder with the public tables of Japan in japan/ (default: that of the scenario).")
  private Path data = Path.of("");

  private record Ran(
      long requests, long events, double buildS, double playS, long peakMib, double met) {
    double perSecond() {
      return requests / playS;
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path root = Path.of(System.getProperty("grid.root", "")).toAbsolutePath();
    Path scenario = root.resolve("scenarios/japan-day.toml");
    Path tables =
        data.toString().isEmpty() ? root.resolve("../shared/data") : data.toAbsolutePath();
    boolean japan = Files.isDirectory(tables.resolve("japan"));
    Machine machine = Machine.read(root);
    System.out.printf(Locale.ROOT, "%n### Twin, %s%n%n", machine.date());
    System.out.print(
        machine.markdown(
            "./grid bench twin --minutes "
                + minutes
                + " --threads "
                + threads
                + (day ? " --day" : "")));
    if (japan) {
      growth(scenario, tables);
      if (day) {
        wholeDay(scenario, tables);
      }
    } else {
      System.out.printf(
          "%nThe public tables of Japan are not at %s: countries not played (--data DIR).%n",
          tables.resolve("japan"));
    }
    toy();
    return 0;
  }

  private void growth(Path scenario, Path tables) throws IOException, InterruptedException {
    System.out.printf(
        Locale.ROOT,
        "%n%.0f minutes of the evening from 20:00, equal requests and hardware per cell, a process of"
            + " its own each, %d threads.%n%n",
        minutes,
        threads);
    System.out.println(
        "| cells | requests | build s | play s | requests/s | per core | events/s | us a request"
            + " and core | peak heap MiB |");
    System.out.println("|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (int cells : sizes) {
      Ran ran = run(scenario, tables, cells, "time.begin=\"20:00\"", "time.hours=" + minutes / 60);
      System.out.printf(
          Locale.ROOT,
          "| %,d | %,d | %.1f | %.1f | %,.0f | %,.0f | %,.0f | %.2f | %,d |%n",
          cells,
          ran.requests(),
          ran.buildS(),
          ran.playS(),
          ran.perSecond(),
          ran.perSecond() / threads,
          ran.events() / ran.playS(),
          1e6 * threads / ran.perSecond(),
          ran.peakMib());
    }
  }

  private void wholeDay(Path scenario, Path tables) throws IOException, InterruptedException {
    Ran ran = run(scenario, tables, 200_000);
    double took = (ran.buildS() + ran.playS()) / 60;
    System.out.printf(
        Locale.ROOT,
        "%n**The whole day**: %,d requests, %,d events in %.1f minutes, %,.0f requests/s, peak heap"
            + " %,d MiB; bound %.0f minutes: %s; goal %.0f minutes: %s.%n",
        ran.requests(),
        ran.events(),
        took,
        ran.perSecond(),
        ran.peakMib(),
        BOUND_MINUTES,
        took <= BOUND_MINUTES ? "met" : "not met",
        GOAL_MINUTES,
        took <= GOAL_MINUTES ? "met" : "not met");
  }

  private Ran run(Path scenario, Path tables, int cells, String... more)
      throws IOException, InterruptedException {
    double share = cells / 200_000.0;
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx4g",
            "-XX:+UseParallelGC",
            "-XX:+UseCompactObjectHeaders",
            "-cp",
            System.getProperty("java.class.path"),
            CountryRun.class.getName(),
            scenario.toString(),
            Integer.toString(threads),
            "data=\"" + tables + "\"",
            "country.cells=" + cells,
            "country.users=" + (long) (55e6 * share),
            "country.regional-replicas=" + Math.max(94, (int) (2_000 * share)),
            "country.hub-replicas=" + Math.max(40, (int) (4_000 * share)),
            "demand.requests-per-day=" + REQUESTS_PER_CELL_AND_DAY * cells,
            "play.step-level-sites=0"));
    command.addAll(List.of(more));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("RESULT ")) {
          String[] parts = line.split(" ", -1);
          process.waitFor();
          return new Ran(
              Long.parseLong(parts[1]),
              Long.parseLong(parts[2]),
              Double.parseDouble(parts[3]),
              Double.parseDouble(parts[4]),
              Long.parseLong(parts[5]),
              Double.parseDouble(parts[6]));
        }
      }
    }
    throw new IllegalStateException(
        "the play of " + cells + " cells ended with " + process.waitFor() + " and no result");
  }

  private static void toy() {
    System.out.printf(
        Locale.ROOT,
        "%n**A toy beside CloudSim Plus 8.5.7**: servers that share themselves among their requests, load"
            + " %.1f, mean work %.0f s; theory: %.1f s inside. Median of %d rounds, in turn.%n%n",
        ToyWorkload.LOAD,
        ToyWorkload.MEAN_WORK_S,
        ToyWorkload.MEAN_WORK_S / (1 - ToyWorkload.LOAD),
        ROUNDS);
    System.out.println(
        "| servers | requests | CloudSim Plus s | mean inside s | twin s | mean inside s | times as fast |");
    System.out.println("|--:|--:|--:|--:|--:|--:|--:|");
    for (int servers : new int[] {10, 100, 500}) {
      ToyWorkload toy = ToyWorkload.of(servers, 200 * servers, 1);
      OwnToy.play(toy); // warm
      double[] theirs = new double[ROUNDS];
      double[] own = new double[ROUNDS];
      Played other = CloudSimToy.play(ToyWorkload.of(10, 500, 2)); // warm
      Played twin = OwnToy.play(toy);
      for (int round = 0; round < ROUNDS; round++) {
        other = CloudSimToy.play(toy);
        theirs[round] = other.seconds();
        twin = OwnToy.play(toy);
        own[round] = twin.seconds();
      }
      Arrays.sort(theirs);
      Arrays.sort(own);
      System.out.printf(
          Locale.ROOT,
          "| %d | %,d | %.2f | %.1f | %.4f | %.1f | %,.0f |%n",
          servers,
          toy.requests(),
          theirs[ROUNDS / 2],
          other.meanInsideS(),
          own[ROUNDS / 2],
          twin.meanInsideS(),
          theirs[ROUNDS / 2] / own[ROUNDS / 2]);
    }
  }
}
