package org.aigrid.bench.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.aigrid.bench.load.LoadGenerator;
import org.aigrid.bench.load.LoadPlan;
import org.aigrid.bench.load.LoadResult;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.ProcessCost;

/// Holds many paced streams open through the gateway at once: do all frames come, and what does an
/// open stream cost? The gateway gets 1 GiB of heap.
///
/// A stream takes one file descriptor in the load and in the mock and two in the gateway, and a
/// port for each of its two connections: the load connects from, and the mock listens on, several
/// addresses 127.0.0.x, 10,000 streams each.
///
/// @param folder for logs
/// @param streams open at once
/// @param beginPerSecond how fast they are begun
/// @param holdSeconds from a stream's first to its last frame
/// @param paceMs between two frames
/// @param sites in the gateway's view
/// @param heap largest heap of the gateway, as `-Xmx` takes it
record StreamsBench(
    Path folder,
    int streams,
    int beginPerSecond,
    int holdSeconds,
    double paceMs,
    int sites,
    String heap) {
  private static final int STREAMS_PER_ADDRESS = 10_000;

  /// Descriptors of a JVM besides its connections.
  private static final int OTHER_DESCRIPTORS = 500;

  /// How much longer than its pace a stream may take before it counts as broken.
  private static final int LATE_SECONDS = 60;

  private static final long MIB = 1 << 20;

  StreamsBench {
    if (holdSeconds <= (double) streams / beginPerSecond) {
      throw new IllegalArgumentException(
          "--hold-seconds "
              + holdSeconds
              + " is too short to have "
              + streams
              + " streams open together (expected: more than "
              + streams / beginPerSecond
              + ")");
    }
  }

  /// Appends what came out; true when every frame of every stream came.
  boolean run(StringBuilder block) {
    int addresses = Math.min(200, streams / STREAMS_PER_ADDRESS + 1);
    List<String> prefix = moreDescriptors(2 * streams + OTHER_DESCRIPTORS);
    int mockPort = ChildProcess.freePort();
    int frames = Math.max(2, (int) Math.round(holdSeconds * 1_000 / paceMs) + 1);
    try (var mock = GatewayBench.startMock(folder, prefix, mockPort, addresses);
        var gateway =
            GatewayArm.start(
                Arm.GATEWAY,
                GatewayArm.classPath(),
                folder,
                prefix,
                List.of("-Xmx" + heap),
                mockPort,
                sites,
                addresses,
                false,
                false,
                false);
        var generator = LoadGenerator.start(folder, prefix)) {
      System.err.println("Warming up ...");
      generator.run(
          new LoadPlan("127.0.0.1", gateway.port(), Measure.KEY, 64, 10_000, 16, 0, 1, 0, 1));
      System.err.println("Holding " + streams + " streams ...");
      long cpuBefore = gateway.cost().cpuMicros();
      var plan =
          new LoadPlan(
              "127.0.0.1",
              gateway.port(),
              Measure.KEY,
              streams,
              (holdSeconds + (int) Math.ceil(rampSeconds()) + LATE_SECONDS) * 1_000,
              frames,
              (int) Math.round(paceMs * 1_000),
              addresses,
              1,
              beginPerSecond);
      var halfway = CompletableFuture.supplyAsync(() -> memoryHalfway(gateway));
      LoadResult load = generator.run(plan);
      ProcessCost cost = gateway.cost();
      block.append(table(load, frames, cost, cost.cpuMicros() - cpuBefore));
      block
          .append(
              "Memory of the gateway while the streams were open, which takes a full collection")
          .append(" and shows in the longest gap: ")
          .append(halfway.join())
          .append(".\n");
      return load.errors() == 0;
    }
  }

  private double rampSeconds() {
    return (double) streams / beginPerSecond;
  }

  private String memoryHalfway(Arm gateway) {
    try {
      Thread.sleep((long) ((rampSeconds() + holdSeconds) * 500));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return GatewayArm.memory(gateway);
  }

  private String table(LoadResult load, int frames, ProcessCost cost, long cpuMicros) {
    return String.format(
        Locale.ROOT,
        """
        | | |
        |---|--:|
        | streams asked for, begun at %,d a second, all open together for about %.0f s | %,d |
        | complete, every frame and `[DONE]` | %,d |
        | broken | %,d (first: %s) |
        | frames of each, one each %.0f ms | %,d |
        | TTFT p50, p99, max | %,.0f ms, %,.0f ms, %,.0f ms |
        | gap p50, p99, max | %,.0f ms, %,.0f ms, %,.0f ms |
        | gateway: most resident memory (heap limit %s) | %,d MiB |
        | gateway: CPU in all, per frame | %.1f s, %.1f us |

        """,
        beginPerSecond,
        holdSeconds - rampSeconds(),
        streams,
        load.requests(),
        load.errors(),
        load.firstError().replace('_', ' '),
        paceMs,
        frames + 2,
        load.firstFrame().p50() / 1e3,
        load.firstFrame().p99() / 1e3,
        load.firstFrame().max() / 1e3,
        load.gap().p50() / 1e3,
        load.gap().p99() / 1e3,
        load.gap().max() / 1e3,
        heap,
        cost.peakRssBytes() / MIB,
        cpuMicros / 1e6,
        load.gap().count() == 0 ? 0.0 : (double) cpuMicros / load.gap().count());
  }

  /// What to put before a command so that it may open `needed` descriptors: nothing when this
  /// process may already, else `prlimit`, which only a privileged user can use to raise the limit.
  private static List<String> moreDescriptors(int needed) {
    long limit = descriptorLimit();
    if (limit >= needed) {
      return List.of();
    }
    List<String> raise = List.of("prlimit", "--nofile=" + needed + ":" + needed);
    try {
      var test = new java.util.ArrayList<>(raise);
      test.add("true");
      Process process = new ProcessBuilder(test).redirectErrorStream(true).start();
      if (process.waitFor() == 0) {
        System.err.println(
            "Open files: the limit here is " + limit + "; raised to " + needed + " by prlimit.");
        return raise;
      }
    } catch (IOException e) {
      // No prlimit on this machine: fall through to the advice.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new IllegalStateException(
        "a process may open "
            + limit
            + " files here, and the gateway needs "
            + needed
            + " (two for each stream). Raise the limit first, for example 'ulimit -n "
            + needed
            + "' as root, or nofile in /etc/security/limits.conf; or take fewer --streams");
  }

  /// The hard limit: a JVM raises its soft limit to it by itself.
  private static long descriptorLimit() {
    try (var lines = Files.lines(Path.of("/proc/self/limits"))) {
      String limit =
          lines
              .filter(line -> line.startsWith("Max open files"))
              .map(line -> line.substring(26).strip().split("\\s+")[1])
              .findFirst()
              .orElse("unlimited");
      return limit.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(limit);
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }
}
