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
import org.aigrid.bench.machine.DiskFloor;
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
      names = "--before",
      paramLabel = "CHECKOUT",
      description =
          "For the arm 'before': a folder with another build of this project, to compare with.")
  private @Nullable Path before;

  @Option(
      names = "--answers",
      split = ",",
      defaultValue = "whole,fast,paced",
      description =
          "What is asked for: whole answers, streams as fast as they go, paced streams (default: all).")
  private List<String> tables = List.of();

  @Option(
      names = "--syncs",
      description =
          "With --accounts: also how long each fdatasync of the journal took, which costs a"
              + " little of what is measured.")
  private boolean syncs;

  @Option(
      names = "--jvm",
      paramLabel = "OPTION",
      description = "An option for the gateway's JVM, such as a recording; may be repeated.")
  private List<String> jvmOptions = List.of();

  @Option(
      names = "--arms",
      split = ",",
      defaultValue = "direct,haproxy,gateway",
      description =
          "What to compare, in this order (default: ${DEFAULT-VALUE}). Also 'plain': the gateway"
              + " without --accounts; 'apart': with them, but books and log stand still;"
              + " 'before': that of another build.")
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

  private boolean compare(Path folder, StringBuilder block) throws IOException {
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
      var measure =
          new Measure(arms, generator, wrk, folder, rounds, seconds * 1_000, accounts && syncs);
      System.err.println("Warming up, " + warmupSeconds + " s an arm ...");
      measure.warmUp(warmupSeconds);
      DiskFloor disk = accounts ? DiskFloor.measure(folder) : null;
      System.err.println("Not streamed:");
      Series plain = tables.contains("whole") ? measure.plain(concurrencies) : new Series();
      System.err.println("Streamed, as fast as it goes:");
      Series fast =
          tables.contains("fast") ? measure.streamed(concurrencies, frames, 0) : new Series();
      System.err.println("Streamed, paced:");
      Series paced =
          tables.contains("paced")
              ? measure.streamed(concurrencies, frames, (int) Math.round(paceMs * 1_000))
              : new Series();
      List<String> names = arms.stream().map(Arm::name).toList();
      block.append(method(wrk != null, arms, disk)).append('\n');
      if (tables.contains("whole")) {
        block.append(GatewayReport.plain(plain, concurrencies, names)).append('\n');
        for (String arm : names) {
          if (Set.of(Arm.GATEWAY, Arm.PLAIN, Arm.APART, Arm.BEFORE).contains(arm)) {
            block.append(GatewayParts.table(plain, concurrencies, arm));
          }
        }
        if (!measure.heard().isEmpty()) {
          block.append("Each `fdatasync` of the journal, by round (how many; how long):\n\n");
          measure.heard().forEach(line -> block.append("- ").append(line).append('\n'));
          block.append('\n');
        }
      }
      if (tables.contains("fast")) {
        block.append(GatewayReport.streamed(fast, concurrencies, names, frames)).append('\n');
      }
      if (tables.contains("paced")) {
        block.append(GatewayReport.paced(paced, concurrencies, names, frames, paceMs)).append('\n');
      }
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

  private void startArm(String name, Path folder, int mockPort, List<Arm> arms) throws IOException {
    switch (name) {
      case Arm.DIRECT -> arms.add(Arm.direct(mockPort));
      case Arm.GATEWAY ->
          arms.add(gateway(name, GatewayArm.classPath(), folder, mockPort, accounts));
      case Arm.APART -> arms.add(gateway(name, GatewayArm.classPath(), folder, mockPort, true));
      case Arm.PLAIN -> arms.add(gateway(name, GatewayArm.classPath(), folder, mockPort, false));
      case Arm.BEFORE -> {
        if (before == null) {
          throw wrong("--arms: 'before' needs --before CHECKOUT");
        }
        arms.add(gateway(name, GatewayArm.classPathOf(before), folder, mockPort, accounts));
      }
      case Arm.HAPROXY ->
          Haproxy.program()
              .ifPresentOrElse(
                  program -> arms.add(Haproxy.start(program, folder, mockPort)),
                  () -> System.err.println(Haproxy.HOW_TO_INSTALL));
      default -> throw new IllegalArgumentException("--arms: '" + name + "' is no arm");
    }
  }

  private Arm gateway(
      String name, String classPath, Path folder, int mockPort, boolean withAccounts) {
    var options = new ArrayList<>(List.of("-Xmx" + heap));
    options.addAll(jvmOptions);
    return GatewayArm.start(
        name,
        classPath,
        folder,
        List.of(),
        options,
        mockPort,
        sites,
        1,
        accessLog,
        withAccounts,
        withAccounts && syncs && !name.equals(Arm.BEFORE));
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
  private String method(boolean wrk, List<Arm> arms, @Nullable DiskFloor disk) {
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
    if (disk != null) {
      text.append("The disk, alone, after the warm-up, one small write and `fdatasync`, where ");
      text.append(disk.text()).append(".\n");
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
                + (armNames.contains(Arm.BEFORE) ? " --before CHECKOUT" : "")
                + (syncs ? " --syncs" : "")
                + (tables.size() == 3 ? "" : " --answers " + String.join(",", tables))
                + String.join("", jvmOptions.stream().map(option -> " --jvm " + option).toList())
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
      if (!Set.of(Arm.DIRECT, Arm.HAPROXY, Arm.GATEWAY, Arm.PLAIN, Arm.APART, Arm.BEFORE)
          .contains(name)) {
        throw wrong(
            "--arms: '" + name + "' (expected: direct, haproxy, gateway, plain, apart, before)");
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
