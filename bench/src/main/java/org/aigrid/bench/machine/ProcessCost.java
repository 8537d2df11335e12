package org.aigrid.bench.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.LongStream;

/// What a process and its descendants have cost so far, from `/proc`. CPU time advances in ticks of
/// 10 ms: measure over seconds. Immutable.
///
/// @param cpuMicros user and system time since the processes started
/// @param rssBytes resident memory now
/// @param peakRssBytes the most resident memory so far
public record ProcessCost(long cpuMicros, long rssBytes, long peakRssBytes) {
  /// USER_HZ: the unit of times in `/proc/PID/stat`; 100 on every Linux that Java runs on.
  private static final long TICK_MICROS = 10_000;

  public static final ProcessCost NONE = new ProcessCost(0, 0, 0);

  /// The cost of the tree under `root`; processes that ended meanwhile count nothing.
  public static ProcessCost of(ProcessHandle root) {
    return LongStream.concat(
            LongStream.of(root.pid()), root.descendants().mapToLong(ProcessHandle::pid))
        .mapToObj(ProcessCost::ofOne)
        .reduce(NONE, ProcessCost::plus);
  }

  private ProcessCost plus(ProcessCost other) {
    return new ProcessCost(
        cpuMicros + other.cpuMicros, rssBytes + other.rssBytes, peakRssBytes + other.peakRssBytes);
  }

  private static ProcessCost ofOne(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      // The second field is the name in parentheses and may hold spaces: count from behind it.
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      long ticks = Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
      String status = Files.readString(Path.of("/proc/" + pid + "/status"));
      return new ProcessCost(ticks * TICK_MICROS, bytes(status, "VmRSS:"), bytes(status, "VmHWM:"));
    } catch (NoSuchFileException e) {
      return NONE;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the cost of process " + pid, e);
    }
  }

  private static long bytes(String status, String name) {
    return status
            .lines()
            .filter(line -> line.startsWith(name))
            .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
            .findFirst()
            .orElse(0)
        * 1024;
  }
}
