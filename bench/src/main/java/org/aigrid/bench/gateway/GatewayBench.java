package org.aigrid.bench.gateway;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.aigrid.bench.load.LoadGenerator;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.Machine;
import org.aigrid.bench.mock.MockEngine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `bench gateway`: our gateway beside a direct connection and HAProxy, over one mock site, with
/// one load, in one run. Mock, arm and load are processes of their own; on a machine of few cores
/// they share them, which is the same for every arm.
@Command(
    name = "gateway",
    description = {
      "Our gateway beside a direct connection and HAProxy: one mock, one load, one run.",
      "With --streams, many paced streams held open through the gateway alone."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class GatewayBench implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--rounds",
      defaultValue = "5",
      description = "Rounds; in each the arms take turns (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--seconds",
      defaultValue = "5",
      description = "Length of one measurement (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--warmup",
      defaultValue = "20",
      description =
          "Seconds of load on each arm before the first round (default: ${DEFAULT-VALUE}).")
  private int warmupSeconds;

  @Option(
      names = "--concurrency",
      split = ",",
      defaultValue = "1,16,128",
      description = "Requests in flight (default: ${DEFAULT-VALUE}).")
  private List<Integer> concurrencies = List.of();

  @Option(
      names = "--accounts",
      description =
          "The gateway serves a tenant with an account: limits, reservation, residency by policy,"
              + " journal before the last byte, receipts. PostgreSQL shares the cores, too.")
  private boolean accounts;

  @Option(
      names = "--arms",
      split = ",",
      defaultValue = "direct,haproxy,gateway",
      description = "What to compare, in this order (default: ${DEFAULT-VALUE}).")
  private List<String> armNames = List.of();

  @Option(
      names = "--sites",
      defaultValue = "13",
      description = "Sites in the gateway's view, all at the mock (default: ${DEFAULT-VALUE}).")
  private int sites;

  @Option(
      names = "--frames",
      defaultValue = "32",
      description = "Frames of a stream (default: ${DEFAULT-VALUE}).")
  private int frames;

  @Option(
      names = "--pace-ms",
      defaultValue = "20",
      description = "Time between frames of paced streams (default: ${DEFAULT-VALUE}).")
  private double paceMs;

  @Option(
      names = "--streams",
      defaultValue = "0",
      description = "Hold so many streams open through the gateway instead.")
  private int streams;

  @Option(
      names = "--heap",
      defaultValue = "1g",
      description = "Largest heap of the gateway, as -Xmx takes it (default: ${DEFAULT-VALUE}).")
  private String heap = "";

  @Option(
      names = "--begin-per-second",
      defaultValue = "1000",
      description = "How fast --streams are begun (default: ${DEFAULT-VALUE}).")
  private int beginPerSecond;

  @Option(
      names = "--hold-seconds",
      defaultValue = "60",
      description = "How long each of --streams lasts (default: ${DEFAULT-VALUE}).")
  private int holdSeconds;

  @Option(
      names = "--access-log",
      description = "Every request writes its line; by default it is off, as in ./grid up.")
  private boolean accessLog;

  @Option(names = "--out", description = "File to append the Markdown block to.")
  private @Nullable Path out;

  @Override
  public Integer call() throws IOException {
    check();
    Path folder = Files.createTempDirectory("grid-bench-");
    System.err.println("Logs of the processes: " + folder);
    Path root = Path.of(System.getProperty("grid.root", "")).toAbsolutePath();
    StringBuilder block = new StringBuilder();
    boolean clean;
    if (streams > 0) {
      block.append("## Open streams, ").append(Machine.read(root).date()).append("\n\n");
      block.append(Machine.read(root).markdown(command())).append('\n');
      clean =
          new StreamsBench(folder, streams, beginPerSecond, holdSeconds, paceMs, sites, heap)
              .run(block);
    } else {
      block.append("## Gateway, ").append(Machine.read(root).date()).append("\n\n");
      block.append(Machine.read(root).markdown(command())).append('\n');
      clean = compare(folder, block);
    }
    System.out.print(block);
    if (out != null) {
      Files.writeString(
          out,
          "\n" + block,
          StandardCharsets.UTF_8,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
    return clean ? 0 : 1;
  }

  private boolean compare(Path folder, StringBuilder block) {
    Path wrk = Wrk.program().orElse(null);
    if (wrk == null) {
      System.err.println(Wrk.HOW_TO_INSTALL);
    }
    int mockPort = ChildProcess.freePort();
    var arms = new ArrayList<Arm>();
    try (var mock = startMock(folder, mockPort, 1);
        var generator = LoadGenerator.start(folder, List.of())) {
      for (String name : armNames) {
        startArm(name, folder, mockPort, arms);
      }
      var measure = new Measure(arms, generator, wrk, folder, rounds, seconds * 1_000);
      System.err.println("Warming up, " + warmupSeconds + " s an arm ...");
      measure.warmUp(warmupSeconds);
      System.err.println("Not streamed:");
      Series plain = measure.plain(concurrencies);
      System.err.println("Streamed, as fast as it goes:");
      Series fast = measure.streamed(concurrencies, frames, 0);
      System.err.println("Streamed, paced:");
      Series paced = measure.streamed(concurrencies, frames, (int) Math.round(paceMs * 1_000));
      List<String> names = arms.stream().map(Arm::name).toList();
      block.append(method(wrk != null, arms)).append('\n');
      block.append(GatewayReport.plain(plain, concurrencies, names)).append('\n');
      block.append(GatewayReport.streamed(fast, concurrencies, names, frames)).append('\n');
      block.append(GatewayReport.paced(paced, concurrencies, names, frames, paceMs)).append('\n');
      block.append(GatewayReport.goals(plain, fast, concurrencies));
      return List.of(plain, fast, paced).stream()
          .allMatch(
              series ->
                  concurrencies.stream()
                      .allMatch(c -> names.stream().allMatch(arm -> series.errors(c, arm) == 0)));
    } finally {
      arms.forEach(Arm::close);
    }
  }

  private void startArm(String name, Path folder, int mockPort, List<Arm> arms) {
    switch (name) {
      case Arm.DIRECT -> arms.add(Arm.direct(mockPort));
      case Arm.GATEWAY ->
          arms.add(
              GatewayArm.start(
                  folder,
                  List.of(),
                  List.of("-Xmx" + heap),
                  mockPort,
                  sites,
                  1,
                  accessLog,
                  accounts));
      case Arm.HAPROXY ->
          Haproxy.program()
              .ifPresentOrElse(
                  program -> arms.add(Haproxy.start(program, folder, mockPort)),
                  () -> System.err.println(Haproxy.HOW_TO_INSTALL));
      default -> throw new IllegalArgumentException("--arms: '" + name + "' is no arm");
    }
  }

  static ChildProcess startMock(Path folder, int port, int addresses) {
    return startMock(folder, List.of(), port, addresses);
  }

  static ChildProcess startMock(Path folder, List<String> prefix, int port, int addresses) {
    ChildProcess mock =
        ChildProcess.java(
            "mock",
            folder,
            prefix,
            List.of("-Xmx1g", "-XX:+UseSerialGC"),
            MockEngine.class,
            port,
            addresses);
    mock.answer(30);
    return mock;
  }

  /// How it was measured, for readers of the numbers.
  private String method(boolean wrk, List<Arm> arms) {
    var text = new StringBuilder();
    text.append(
        """
        Rounds: %d of %d s, the arms in turn in each round; cells are the median (least to most) of
        the rounds, "added" and shares are taken within a round. Every arm was loaded for %d s first.
        Mock, arm and load are processes on the same cores. Latency: closed loop, HdrHistogram, one
        generator for all arms. Requests/s and CPU per request without streams: %s.
        Gateway: authentication, routing over %d sites and metering on, access log %s; %s.
        """
            .formatted(
                rounds,
                seconds,
                warmupSeconds,
                wrk ? "wrk" : "the same generator",
                sites,
                accessLog ? "on" : "off",
                GatewayArm.binary()));
    for (Arm arm : arms) {
      if (arm.name().equals(Arm.GATEWAY)) {
        text.append("Heap of the gateway after the run: ").append(GatewayArm.memory(arm));
        text.append(".\n");
      }
    }
    return text.toString();
  }

  private String command() {
    return "./grid bench gateway"
        + (streams > 0
            ? " --streams "
                + streams
                + " --begin-per-second "
                + beginPerSecond
                + " --hold-seconds "
                + holdSeconds
                + " --pace-ms "
                + paceMs
                + " --heap "
                + heap
            : " --rounds "
                + rounds
                + " --seconds "
                + seconds
                + " --warmup "
                + warmupSeconds
                + " --arms "
                + String.join(",", armNames)
                + (accounts ? " --accounts" : "")
                + " --sites "
                + sites
                + " --frames "
                + frames
                + " --pace-ms "
                + paceMs
                + " --heap "
                + heap
                + (accessLog ? " --access-log" : ""));
  }

  private void check() {
    requireAtLeastOne("--rounds", rounds);
    requireAtLeastOne("--seconds", seconds);
    requireAtLeastOne("--warmup", warmupSeconds);
    requireAtLeastOne("--sites", sites);
    requireAtLeastOne("--hold-seconds", holdSeconds);
    requireAtLeastOne("--begin-per-second", beginPerSecond);
    concurrencies.forEach(c -> requireAtLeastOne("--concurrency", c));
    if (frames < 2 || !(paceMs > 0) || streams < 0) {
      throw wrong("--frames takes 2 or more, --pace-ms more than 0, --streams 0 or more");
    }
    if (!heap.matches("[1-9][0-9]*[kmgKMG]")) {
      throw wrong("--heap: '" + heap + "' (expected: such as 512m or 1g)");
    }
    for (String name : armNames) {
      if (!Set.of(Arm.DIRECT, Arm.HAPROXY, Arm.GATEWAY).contains(name)) {
        throw wrong("--arms: '" + name + "' (expected: direct, haproxy, gateway)");
      }
    }
  }

  private void requireAtLeastOne(String option, int value) {
    if (value < 1) {
      throw wrong(option + ": " + value + " (expected: 1 or more)");
    }
  }

  private CommandLine.ParameterException wrong(String what) {
    return new CommandLine.ParameterException(
        java.util.Objects.requireNonNull(spec).commandLine(), what);
  }
}
