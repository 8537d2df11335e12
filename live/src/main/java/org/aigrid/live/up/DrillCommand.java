package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.Governor;
import org.aigrid.live.chat.ChatClient;
import org.aigrid.live.drill.Drill;
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
      "The exit code is 1 when fewer than 99 % of the disturbed streams survive unchanged, or a"
          + " reclaim breaks its bound.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DrillCommand implements Callable<Integer> {
  private static final double SURVIVED_LEAST = 0.99;
  private static final long DISTURBED_FOR_MS = 4_000;
  private static final double SURGE_SHARE = 0.97;
  private static final long SURGE_MS = 1_500;

  private enum Disturbance {
    KILL,
    SURGE,
    MUTE
  }

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
    PrintWriter out = spec.commandLine().getOut();
    var admin = new AdminClient(adminPort);
    List<SiteState> sites = admin.sites();
    String model;
    try (var client = new ChatClient(target.url(), target.key())) {
      model = target.model(client);
    }
    List<String> cells = serving(sites, model);
    if (sites.stream().filter(site -> serves(site, model)).count() < 2) {
      throw new CommandFailure(
          "only one site serves " + model + " (expected: two or more, or nothing can move)");
    }
    Map<String, Integer> done = new TreeMap<>();
    long beganMs = System.currentTimeMillis();
    try (var drill =
        new Drill(
            new Drill.Settings(
                target.url(),
                target.key(),
                model,
                cells,
                prompts,
                promptWords,
                tokens,
                rate,
                seconds,
                10_000,
                1))) {
      out.printf("Asking %d prompts of %s, left alone.%n", prompts, model);
      out.flush();
      try {
        drill.askUndisturbed();
      } catch (IOException e) {
        throw new CommandFailure("the drill cannot begin: " + e.getMessage());
      }
      out.printf(
          Locale.ROOT,
          "Disturbing the grid for %d s under %.0f streams a second.%n",
          seconds,
          rate);
      out.flush();
      Thread disturber =
          Thread.ofPlatform()
              .daemon()
              .name("disturber")
              .start(() -> disturb(admin, model, done, out));
      drill.run();
      disturber.interrupt();
      disturber.join();
      return report(drill, admin.reclaims(), done, beganMs, out);
    }
  }

  private static List<String> serving(List<SiteState> sites, String model) {
    return sites.stream()
        .filter(site -> site.tier() == Tier.CELL && serves(site, model))
        .map(SiteState::id)
        .toList();
  }

  private static boolean serves(SiteState site, String model) {
    return site.endpoints().stream().anyMatch(endpoint -> endpoint.model().equals(model));
  }

  /// Until interrupted: one disturbance after the other where most streams are, and everything made
  /// good again.
  private void disturb(
      AdminClient admin, String model, Map<String, Integer> done, PrintWriter out) {
    List<Runnable> mends = new ArrayList<>();
    try {
      for (int turn = 0; ; turn++) {
        Thread.sleep(everyMs);
        SiteState busiest = busiest(admin.sites(), model);
        if (busiest == null) {
          continue;
        }
        String site = busiest.id();
        Disturbance what = Disturbance.values()[turn % Disturbance.values().length];
        if (what == Disturbance.SURGE && busiest.radio() < 0) {
          what = Disturbance.KILL;
        }
        done.merge(what.name().toLowerCase(Locale.ROOT), 1, Integer::sum);
        out.println("  " + what.name().toLowerCase(Locale.ROOT) + " " + site);
        out.flush();
        switch (what) {
          case KILL -> {
            admin.order(site, "kill");
            mends.add(after(() -> admin.order(site, "revive")));
          }
          case SURGE -> admin.order(site, "surge/" + SURGE_SHARE + "/" + SURGE_MS);
          case MUTE -> {
            admin.order(site, "mute");
            mends.add(after(() -> admin.order(site, "unmute")));
          }
        }
      }
    } catch (InterruptedException e) {
      mends.forEach(Runnable::run);
    } catch (CommandFailure e) {
      out.println("  the disturbance ended: " + e.getMessage());
    }
  }

  /// Runs it after a while; what it returns waits for that.
  private static Runnable after(Runnable mend) {
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try {
                    Thread.sleep(DISTURBED_FOR_MS);
                  } catch (InterruptedException e) {
                    // at once, then
                  }
                  mend.run();
                });
    return () -> {
      thread.interrupt();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    };
  }

  /// Base stations first: a hub has room for all, and its death is the last thing to try.
  private static @Nullable SiteState busiest(List<SiteState> sites, String model) {
    return sites.stream()
        .filter(site -> site.state() == SiteState.Condition.UP && !site.muted())
        .filter(site -> site.leaseMs() > 0 && serves(site, model) && running(site) > 0)
        .max(
            Comparator.comparing((SiteState site) -> site.tier() == Tier.CELL)
                .thenComparingInt(DrillCommand::running))
        .orElse(null);
  }

  private static int running(SiteState site) {
    return site.endpoints().stream().mapToInt(SiteState.EndpointState::running).sum();
  }

  private int report(
      Drill drill,
      List<JsonNode> reclaims,
      Map<String, Integer> done,
      long beganMs,
      PrintWriter out) {
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
    out.printf("%nDisturbances   %s%n", done);
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
    out.flush();
    boolean enough = survived >= SURVIVED_LEAST * disturbed.size();
    return enough && kept ? 0 : CommandFailure.EXIT_CODE;
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
  private record AdminClient(@Nullable Integer port) {
    private String get(String path, boolean post) {
      try {
        return SitesCommand.exchange(SitesCommand.port(port), path, post);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandFailure("interrupted");
      }
    }

    List<SiteState> sites() {
      return AdminServer.parse(get("/sites", false));
    }

    void order(String site, String order) {
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
