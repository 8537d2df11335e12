package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.Governor;
import org.aigrid.live.chat.ChatClient;
import org.aigrid.live.drill.Drill;
import org.aigrid.live.drill.DrillPlan;
import org.aigrid.live.drill.DrillVerdict;
import org.aigrid.live.trace.TraceException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// Disturbs a running grid under streams, and says what their readers noticed.
@Command(
    name = "drill",
    description = {
      "Disturbs the running grid under load: kills and revives sites, surges their radios, cuts"
          + " heartbeats, each time where most streams are. Every stream is asked for once before,"
          + " left alone, and compared with that.",
      "",
      "The exit code is 1 when fewer than 99 %% of the disturbed streams survive unchanged, more than"
          + " 1 %% of the requests are refused, or a reclaim breaks its bound; and when nothing was"
          + " disturbed, moved or, after a surge, reclaimed, so that nothing is proved.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DrillCommand implements Callable<Integer> {
  private static final long DISTURBED_FOR_MS = 4_000;

  @Spec private @Nullable CommandSpec spec;
  @Mixin private final Target target = new Target();

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "40",
      description = "How long (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--rate",
      paramLabel = "N",
      defaultValue = "20",
      description = "Streams begun a second (default: ${DEFAULT-VALUE}).")
  private double rate;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "120",
      description = "Tokens of each answer (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--prompts",
      paramLabel = "N",
      defaultValue = "24",
      description = "How many different prompts (default: ${DEFAULT-VALUE}).")
  private int prompts;

  @Option(
      names = "--prompt-words",
      paramLabel = "N",
      defaultValue = "60",
      description = "Length of each (default: ${DEFAULT-VALUE}).")
  private int promptWords;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Streams begin as the requests of this trace (as replay takes it), with the lengths of its"
              + " first rows, cut to --prompt-words and --tokens; in place of --rate.")
  private @Nullable Path trace;

  @Option(
      names = "--speed",
      paramLabel = "X",
      defaultValue = "1",
      description = "Play the trace so many times as fast (default: ${DEFAULT-VALUE}).")
  private double speed;

  @Option(
      names = "--every-ms",
      paramLabel = "MS",
      defaultValue = "2500",
      description = "Between two disturbances (default: ${DEFAULT-VALUE}).")
  private long everyMs;

  @Option(
      names = "--admin-port",
      paramLabel = "PORT",
      description = "Loopback port of the admin endpoint. Default: the session's.")
  private @Nullable Integer adminPort;

  @Override
  public Integer call() throws InterruptedException {
    if (spec == null) {
      return 1;
    }
    if (!(speed > 0)) {
      throw new CommandFailure("--speed " + speed + " (expected: above 0)");
    }
    PrintWriter out = spec.commandLine().getOut();
    var admin = new AdminClient(adminPort);
    List<SiteState> sites = admin.sites();
    String model;
    try (var client = new ChatClient(target.url(), target.key())) {
      model = target.model(client);
    }
    List<String> cells = serving(sites, model);
    if (sites.stream().filter(site -> Disturber.serves(site, model)).count() < 2) {
      throw new CommandFailure(
          "only one site serves " + model + " (expected: two or more, or nothing can move)");
    }
    DrillPlan plan = plan();
    long beganMs = System.currentTimeMillis();
    try (var drill =
        new Drill(new Drill.Settings(target.url(), target.key(), model, cells, plan, 10_000, 1))) {
      out.printf("Asking %d prompts of %s, left alone.%n", plan.questions().size(), model);
      out.flush();
      try {
        drill.askUndisturbed();
      } catch (IOException e) {
        throw new CommandFailure("the drill cannot begin: " + e.getMessage());
      }
      out.printf(
          Locale.ROOT,
          "Disturbing the grid for %d s under %.1f streams a second%s.%n",
          seconds,
          plan.starts().size() / (double) seconds,
          trace == null ? "" : ", as " + trace.getFileName() + " has them");
      out.flush();
      var disturber =
          new Disturber(
              admin,
              model,
              everyMs,
              DISTURBED_FOR_MS,
              what -> {
                out.println("  " + what);
                out.flush();
              });
      try (var disturbing = Disturbing.begin(disturber)) {
        drill.run();
      }
      return report(drill, admin.reclaims(), disturber, beganMs, out);
    }
  }

  private DrillPlan plan() {
    Path file = trace;
    try {
      return file == null
          ? DrillPlan.steady(prompts, promptWords, tokens, rate, seconds)
          : DrillPlan.ofTrace(file, speed, seconds, prompts, promptWords, tokens);
    } catch (IllegalArgumentException | TraceException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure("cannot read the trace " + file + ": " + e.getMessage());
    }
  }

  /// A disturber at work; closed when it has made good what it did, also when the drill is broken
  /// off.
  private record Disturbing(Disturber disturber, Thread thread, Thread atExit)
      implements AutoCloseable {
    static Disturbing begin(Disturber disturber) {
      Thread thread = Thread.ofPlatform().daemon().name("disturber").start(disturber);
      Thread atExit = Thread.ofPlatform().unstarted(() -> end(disturber, thread));
      Runtime.getRuntime().addShutdownHook(atExit);
      return new Disturbing(disturber, thread, atExit);
    }

    private static void end(Disturber disturber, Thread thread) {
      disturber.stop();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void close() {
      end(disturber, thread);
      try {
        Runtime.getRuntime().removeShutdownHook(atExit);
      } catch (IllegalStateException e) {
        // the process ends already, and the hook has done the same
      }
    }
  }

  private static List<String> serving(List<SiteState> sites, String model) {
    return sites.stream()
        .filter(site -> site.tier() == Tier.CELL && Disturber.serves(site, model))
        .map(SiteState::id)
        .toList();
  }

  private int report(
      Drill drill, List<JsonNode> reclaims, Disturber disturber, long beganMs, PrintWriter out) {
    List<Drill.Stream> streams = drill.streams();
    List<Drill.Stream> disturbed =
        streams.stream().filter(s -> s.moves() > 0 || s.fault() != null).toList();
    long survived = disturbed.stream().filter(s -> s.fault() == null).count();
    double[] gaps =
        streams.stream().filter(s -> s.moves() > 0).mapToDouble(Drill.Stream::gapMs).toArray();
    List<JsonNode> own =
        reclaims.stream().filter(r -> r.path("claimedAtMs").asLong(0) >= beganMs - 1_000).toList();
    double[] closed = own.stream().mapToDouble(r -> r.path("closedAfterMs").asDouble(0)).toArray();
    double[] gone = own.stream().mapToDouble(r -> r.path("goneAfterMs").asDouble(0)).toArray();
    out.printf("%nDisturbances   %s%n", disturber.done());
    out.printf(
        Locale.ROOT,
        "Streams        %,d, of them %,d disturbed and %,d not begun for want of room%n",
        streams.size(),
        disturbed.size(),
        drill.leftOut());
    drill
        .refusals()
        .forEach(
            (why, count) -> out.printf("Refused        %,d x %s, before a byte%n", count, why));
    out.printf(
        Locale.ROOT,
        "Survived       %,d of %,d with the same text and one usage (%.2f %%)%n",
        survived,
        disturbed.size(),
        disturbed.isEmpty() ? 100.0 : 100.0 * survived / disturbed.size());
    out.println("Added gap      " + percentiles(gaps));
    out.printf(
        Locale.ROOT,
        "Reclaims       %,d, %,d requests moved, %,d tokens to compute again%n",
        own.size(),
        own.stream().mapToLong(r -> r.path("revoked").asLong(0)).sum(),
        own.stream().mapToLong(r -> r.path("lostTokens").asLong(0)).sum());
    out.println("  closed after " + percentiles(closed));
    out.println("  gone after   " + percentiles(gone));
    Map<String, Integer> faults = new TreeMap<>();
    disturbed.stream()
        .filter(s -> s.fault() != null)
        .forEach(s -> faults.merge(String.valueOf(s.fault()), 1, Integer::sum));
    faults.forEach((fault, count) -> out.printf("Fault          %,d x %s%n", count, fault));
    Governor.Settings promise = Governor.Settings.DEFAULT;
    boolean kept =
        Arrays.stream(closed).allMatch(ms -> ms <= promise.closeMsMax())
            && Arrays.stream(gone).allMatch(ms -> ms <= promise.reclaimMsMax());
    out.printf(
        "Bounds         budget closed within %d ms, AI gone within %d ms: %s%n",
        promise.closeMsMax(), promise.reclaimMsMax(), kept ? "kept" : "BROKEN");
    DrillVerdict verdict =
        DrillVerdict.of(
            new DrillVerdict.Facts(
                disturber.done(),
                disturber.failure(),
                streams.size(),
                streams.stream().filter(s -> s.moves() > 0).count(),
                disturbed.size(),
                survived,
                drill.refusals().values().stream().mapToLong(count -> count).sum(),
                own.size(),
                kept));
    verdict.reasons().forEach(why -> out.println("Not proved     " + why));
    out.flush();
    return verdict.proved() ? 0 : CommandFailure.EXIT_CODE;
  }

  private static String percentiles(double[] values) {
    if (values.length == 0) {
      return "none";
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return String.format(
        Locale.ROOT,
        "p50 %.1f ms, p99 %.1f ms, max %.1f ms",
        sorted[sorted.length / 2],
        sorted[Math.min(sorted.length - 1, (int) (0.99 * sorted.length))],
        sorted[sorted.length - 1]);
  }

  /// The admin endpoint of the running grid.
  private record AdminClient(@Nullable Integer port) implements Disturber.Grid {
    private String get(String path, boolean post) {
      try {
        return AdminCall.exchange(SitesCommand.port(port), path, post ? "" : null);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandFailure("interrupted");
      }
    }

    @Override
    public List<SiteState> sites() {
      return AdminServer.parse(get("/sites", false));
    }

    @Override
    public void order(String site, String order) {
      get("/sites/" + site + "/" + order, true);
    }

    List<JsonNode> reclaims() {
      return new ObjectMapper()
          .readTree(get("/reclaims", false))
          .path("reclaims")
          .valueStream()
          .toList();
    }
  }
}
