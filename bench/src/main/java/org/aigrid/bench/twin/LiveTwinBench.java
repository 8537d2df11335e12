package org.aigrid.bench.twin;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.HdrHistogram.Histogram;
import org.aigrid.bench.machine.Machine;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.replay.Replay;
import org.aigrid.live.replay.ReplayReport;
import org.aigrid.live.replay.ReplaySettings;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.aigrid.live.trace.TraceException;
import org.aigrid.live.trace.TraceSummary;
import org.aigrid.live.up.LiveGrid;
import org.aigrid.live.up.LiveGridSettings;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Commute;
import org.aigrid.twin.demand.DayShape;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Lengths;
import org.aigrid.twin.demand.Script;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Play;
import org.aigrid.twin.play.PlaySettings;
import org.aigrid.twin.play.Policy;
import org.aigrid.twin.radio.RadioLoad;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench live-twin`: the same requests through the live grid of this process, with emulated
/// engines on the bundled topology, and through the twin; percentiles side by side. Takes as long
/// as the trace, because the live grid lives in real time.
@Command(
    name = "live-twin",
    description =
        "The same topology and requests through the live grid and through the twin, side by side.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class LiveTwinBench implements Callable<Integer> {
  private static final String MODEL = "llama-3.1-8b";
  private static final String KEY = "sk-grid-live-twin-bench";

  /// Within the process nothing travels: what is left is counted as the live grid's own.
  private static final RoundTrips NO_TRAVEL = new RoundTrips(0, 0, 0, 0, 0, 0, 0);

  @Option(
      names = "--requests-per-second",
      paramLabel = "N",
      description = "Poisson (default: ${DEFAULT-VALUE}).")
  private double perSecond = 20;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "How long (default: ${DEFAULT-VALUE}).")
  private int seconds = 60;

  @Option(names = "--seed", paramLabel = "N", description = "Of the requests (default: 1).")
  private long seed = 1;

  @Override
  public Integer call() throws IOException, TraceException {
    Topology topology = TopologyFile.bundled().withoutRadio();
    List<SiteSpec> specs = topology.sites().stream().map(Topology.PlannedSite::spec).toList();
    List<String> cells =
        specs.stream().filter(s -> s.tier() == Tier.CELL).map(SiteSpec::id).toList();
    List<Script.Request> requests = requests(specs, cells);
    ReplayReport live = live(topology, cells, requests);
    Outcome twin = twin(specs, requests);
    print(live, twin);
    return live.failed() == 0 ? 0 : 1;
  }

  /// Callers stand at the cells by turns, as the replay has them.
  private List<Script.Request> requests(List<SiteSpec> specs, List<String> cells) {
    var random = new SplittableRandom(seed);
    Lengths input = Lengths.ofPercentiles(1_020, 2_735, 4_142, 8_000);
    Lengths output = Lengths.ofPercentiles(129, 424, 601, 1_000);
    List<String> ids = specs.stream().map(SiteSpec::id).toList();
    var requests = new ArrayList<Script.Request>();
    double atMs = 0;
    while (true) {
      atMs += random.nextExponential() * 1_000 / perSecond;
      if (atMs >= seconds * 1_000.0) {
        return requests;
      }
      int site = ids.indexOf(cells.get(requests.size() % cells.size()));
      requests.add(
          new Script.Request(
              Math.floor(atMs * 10_000) / 10_000,
              0,
              site,
              input.draw(random),
              output.draw(random)));
    }
  }

  private ReplayReport live(Topology topology, List<String> cells, List<Script.Request> requests)
      throws IOException, TraceException {
    Path trace = Files.createTempFile("live-twin", ".csv");
    try {
      var lines = new ArrayList<String>();
      lines.add("TIMESTAMP,ContextTokens,GeneratedTokens");
      LocalDateTime began = LocalDateTime.of(2024, 1, 1, 0, 0);
      for (Script.Request request : requests) {
        LocalDateTime at = began.plus(Duration.ofNanos((long) (request.atMs() * 1e6)));
        lines.add(
            String.format(
                Locale.ROOT,
                "%s %s.%07d,%d,%d",
                at.toLocalDate(),
                at.toLocalTime().withNano(0).format(DateTimeFormatter.ISO_TIME),
                at.getNano() / 100,
                request.promptTokens(),
                request.outputTokens()));
      }
      Files.write(trace, lines);
      try (LiveGrid grid =
          LiveGrid.start(topology, Keys.single(KEY, "bench"), LiveGridSettings.DEFAULT)) {
        var settings =
            new ReplaySettings(
                URI.create("http://127.0.0.1:" + grid.port() + "/v1"),
                KEY,
                MODEL,
                1,
                Long.MAX_VALUE,
                10_000,
                300_000,
                10_000,
                300_000,
                seed,
                cells);
        return new Replay(trace, TraceSummary.of(trace, Long.MAX_VALUE), settings).run();
      }
    } finally {
      Files.deleteIfExists(trace);
    }
  }

  private Outcome twin(List<SiteSpec> specs, List<Script.Request> requests) {
    var regions = new ArrayList<Country.Region>();
    var places = new ArrayList<Country.Place>();
    for (SiteSpec spec : specs) {
      if (spec.tier() != Tier.HUB
          && regions.stream().noneMatch(region -> region.name().equals(spec.region()))) {
        regions.add(
            new Country.Region(
                spec.region(),
                spec.position().latitudeDegrees(),
                spec.position().longitudeDegrees()));
      }
      double people = spec.tier() == Tier.CELL ? 1 : 0;
      places.add(new Country.Place(spec, spec.id(), people, people));
    }
    var country = new Country("topology", regions, places, NO_TRAVEL, 0, "bundled");
    Lengths any = Lengths.ofPercentiles(1, 1, 1, 1);
    var chat =
        new Service(
            "chat",
            "interactive",
            MODEL,
            1,
            any,
            any,
            1,
            DayShape.FLAT,
            1_000,
            50,
            1e12,
            60_000,
            0,
            0,
            Double.POSITIVE_INFINITY);
    var settings =
        new PlaySettings(
            Policy.OURS,
            RouterSettings.DEFAULT,
            NO_TRAVEL,
            RadioLoad.Settings.NONE,
            0,
            seconds * 1_000.0,
            0,
            2,
            LiveGridSettings.DEFAULT.heartbeatMs(),
            LiveGridSettings.DEFAULT.leaseMs(),
            60_000,
            60_000,
            0,
            0);
    return Play.ofScript(
        country,
        new Demand(1, List.of(chat), Commute.WORKING_DAY),
        settings,
        new Script(requests),
        seed);
  }

  private void print(ReplayReport live, Outcome twin) {
    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    System.out.printf(Locale.ROOT, "%n### Live against twin, %s%n%n", machine.date());
    System.out.print(
        machine.markdown(
            "./grid bench live-twin --requests-per-second " + perSecond + " --seconds " + seconds));
    System.out.printf(
        Locale.ROOT,
        "%n%,d requests; live: %,d answered, %,d failed; sent late by %.2f ms at p99.%n%n",
        live.sent(),
        live.answered(),
        live.failed(),
        live.latenessUs().getValueAtPercentile(99) / 1e3);
    System.out.println("| ms | live | twin | difference |");
    System.out.println("|---|--:|--:|--:|");
    for (double percent : new double[] {50, 90, 99}) {
      row("TTFT", live.firstTokenUs(), twin.ttftUs(0), percent);
    }
    for (double percent : new double[] {50, 99}) {
      row("time per token", live.tokenUs(), twin.tpotUs(0), percent);
    }
    for (double percent : new double[] {50, 90, 99}) {
      row("end to end", live.endUs(), twin.latencyUs(0), percent);
    }
    System.out.printf("%n| at | live | twin |%n|---|--:|--:|%n");
    for (Tier tier : Arrays.asList(Tier.CELL, Tier.REGIONAL, Tier.HUB)) {
      long there = live.answeredByTier().getOrDefault(tier.name().toLowerCase(Locale.ROOT), 0L);
      System.out.printf("| %s | %,d | %,d |%n", tier, there, twin.answered(0, tier));
    }
  }

  private static void row(
      String what, Histogram live, org.aigrid.twin.play.Histogram twin, double percent) {
    double there = live.getValueAtPercentile(percent) / 1e3;
    double here = twin.quantile(percent / 100) / 1e3;
    System.out.printf(
        Locale.ROOT,
        "| %s p%.0f | %.1f | %.1f | %+.1f %% |%n",
        what,
        percent,
        there,
        here,
        100 * (here / there - 1));
  }
}
