package org.aigrid.twin;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.aigrid.twin.burst.Burst;
import org.aigrid.twin.burst.BurstPlan;
import org.aigrid.twin.burst.BurstReport;
import org.aigrid.twin.burst.BurstSettings;
import org.aigrid.twin.demand.Lengths;
import org.aigrid.twin.report.Page;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/// `twin burst`: the same GPUs in one place and one at each of some sites, from a baseline into a
/// burst.
@Command(
    name = "burst",
    description = {
      "Plays the same GPUs in one place and one at each of some sites, for callers who want a first"
          + " token within a bound, and all of whom ask more at the same time.",
      "",
      "For each arm and each round trip to the one place it searches the largest load at which enough"
          + " requests are in time: an operator adds load until the bound breaks. Then all arms climb"
          + " one ladder of loads, from the median, P50, over the burst, P99, to P99.9. The ladder is"
          + " set so that the pooled sites just stand the burst. Goodput is output tokens per second"
          + " of the answers in time; with the same price for each GPU, cost of a token is its"
          + " inverse. Printed beside the figures that a cable operator published in 2026.",
      "",
      "Four arms: one place behind a plain balancer; one place behind core's router; each site alone;"
          + " sites pooled by core's router. Between the second and the last only the network differs.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  grid twin burst",
      "  grid twin burst --pipeline-ms 250        half of the bound goes to hearing and speaking",
      "  grid twin burst --model llama-3.2-1b     a small model, by the roofline",
      "  grid twin burst --round-trips 0,50,100 --seeds 3 --seconds 60",
      "  grid twin burst --wait-ms-max 250        core's router refuses earlier",
      "  grid twin burst --deadline-less-trip     the earlier, the farther"
    })
final class BurstCommand implements Callable<Integer> {
  @Option(
      names = "--round-trips",
      split = ",",
      paramLabel = "MS",
      description = "To the one place, rising (default: 0 to 480).")
  private List<Double> roundTripsMs = BurstPlan.ROUND_TRIPS_MS;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description =
          "Of core's models (default: llama-3.1-8b, whose timings on this GPU were measured).")
  private String model = BurstSettings.DEFAULT.engines().model();

  @Option(
      names = "--accelerator",
      paramLabel = "NAME",
      description = "Of core's accelerators (default: RTX PRO 6000).")
  private String accelerator = BurstSettings.DEFAULT.engines().accelerator();

  @Option(
      names = "--gpus",
      paramLabel = "N",
      description = "In one place, or as many sites with one each (default: 4).")
  private int gpus = BurstSettings.DEFAULT.engines().gpus();

  @Option(
      names = "--sequences",
      paramLabel = "N",
      description = "That an engine runs at once (default: 256).")
  private int sequences = BurstSettings.DEFAULT.engines().sequencesMax();

  @Option(
      names = "--prompt-tokens",
      split = ",",
      paramLabel = "P50,P90,P99",
      hideParamSyntax = true,
      description = "Lengths of prompts (default: 300,900,1800).")
  private @Nullable List<Double> promptTokens;

  @Option(
      names = "--answer-tokens",
      split = ",",
      paramLabel = "P50,P90,P99",
      hideParamSyntax = true,
      description = "Lengths of answers (default: 40,90,160).")
  private @Nullable List<Double> answerTokens;

  @Option(
      names = "--burstiness",
      paramLabel = "CV",
      description =
          "Coefficient of variation of the gaps between requests of all sites (default: 1, Poisson).")
  private double burstiness = BurstSettings.DEFAULT.traffic().burstiness();

  @Option(
      names = "--bound-ms",
      paramLabel = "MS",
      description = "For the first token at the caller (default: 500).")
  private double boundMs = BurstSettings.DEFAULT.bounds().firstTokenMs();

  @Option(
      names = "--pipeline-ms",
      paramLabel = "MS",
      description =
          "Of the bound, what noticing the end of speech, speech to text and text to speech take"
              + " (default: 0).")
  private double pipelineMs = BurstSettings.DEFAULT.bounds().pipelineMs();

  @Option(
      names = "--tpot-ms",
      paramLabel = "MS",
      description = "For each token after the first, on average (default: 250).")
  private double tpotMs = BurstSettings.DEFAULT.bounds().tpotMs();

  @Option(
      names = "--met",
      paramLabel = "SHARE",
      description = "Of the requests that must be in time (default: 0.99).")
  private double met = BurstSettings.DEFAULT.bounds().metLeast();

  @Option(
      names = "--wait-ms-max",
      paramLabel = "MS",
      description =
          "Core's router refuses what it expects to wait longer in a queue (default: the bound).")
  private @Nullable Double waitMsMax;

  @Option(
      names = "--deadline-less-trip",
      description =
          "Core's router is told the bound less the round trip, and so refuses earlier the farther"
              + " the GPUs are.")
  private boolean lessTrip;

  @Option(
      names = "--site-round-trip",
      paramLabel = "MS",
      description = "From a caller to the nearest site (default: 5).")
  private double siteRoundTripMs = BurstSettings.DEFAULT.siteRoundTripMs();

  @Option(
      names = "--neighbour-ms",
      paramLabel = "MS",
      description = "More, to another site (default: 2).")
  private double neighbourMs = BurstSettings.DEFAULT.neighbourMs();

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "Of each play; its first fifth does not count (default: 120).")
  private double seconds = BurstSettings.DEFAULT.seconds();

  @Option(
      names = "--baseline",
      paramLabel = "R",
      description =
          "Requests/s at the baseline of all sites together (default: such that the pooled sites just"
              + " stand the burst).")
  private double baselinePerSecond;

  @Option(
      names = "--price",
      paramLabel = "P",
      description = "Of an hour of a GPU, in either arm (default: 3).")
  private double pricePerGpuHour = 3;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "Play everything with so many (default: ${DEFAULT-VALUE}).")
  private int seeds = 5;

  @Option(names = "--seed", paramLabel = "N", description = "The first of them (default: 1).")
  private long seed = 1;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "The result is the same with any number (default: as many as processors).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where burst.html and burst.json go (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("report");

  @Option(names = "--no-progress", description = "No progress bar.")
  private boolean quiet;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (spec == null) {
      return 1;
    }
    if (threads < 1 || threads > 256) {
      throw new IllegalArgumentException("--threads " + threads + " (expected: 1 to 256)");
    }
    BurstSettings settings = settings();
    var plan = new BurstPlan(roundTripsMs, seeds, seed, baselinePerSecond);
    PlaysBar bar = quiet ? null : new PlaysBar(spec.commandLine().getErr(), "burst", plan.plays());
    Burst.Result result = Burst.of(settings, plan, threads, bar == null ? () -> {} : bar::played);
    if (bar != null) {
      bar.close();
    }
    var report = new BurstReport(result, pricePerGpuHour);
    PrintWriter terminal = spec.commandLine().getOut();
    report.print(terminal);
    write(terminal, report.json());
    return 0;
  }

  private BurstSettings settings() {
    BurstSettings usual = BurstSettings.DEFAULT;
    return new BurstSettings(
        new BurstSettings.Engines(model, accelerator, gpus, sequences),
        new BurstSettings.Traffic(
            lengths("--prompt-tokens", promptTokens, usual.traffic().prompt()),
            lengths("--answer-tokens", answerTokens, usual.traffic().answer()),
            burstiness),
        new BurstSettings.Bounds(
            boundMs, pipelineMs, tpotMs, met, waitMsMax == null ? boundMs : waitMsMax, lessTrip),
        siteRoundTripMs,
        neighbourMs,
        seconds);
  }

  private static Lengths lengths(String option, @Nullable List<Double> three, Lengths usual) {
    if (three == null) {
      return usual;
    }
    if (three.size() != 3) {
      throw new IllegalArgumentException(
          option + " of " + three.size() + " values (expected: p50,p90,p99)");
    }
    return BurstSettings.lengths(three.get(0), three.get(1), three.get(2));
  }

  private void write(PrintWriter terminal, ObjectNode report) throws IOException {
    Files.createDirectories(out);
    Path json = out.resolve("burst.json");
    Path page = out.resolve("burst.html");
    Files.writeString(json, report.toPrettyString() + "\n");
    Files.writeString(page, Page.of(report));
    terminal.printf("%n%s%n%s%n", page.toAbsolutePath(), json.toAbsolutePath());
    terminal.flush();
  }
}
