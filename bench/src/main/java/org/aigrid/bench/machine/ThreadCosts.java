package org.aigrid.bench.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;

/// What the threads of some processes have cost so far, by the name of their group, from
/// `/proc/PID/task`. In nanoseconds, not ticks; a thread that ends between two readings counts
/// nothing of what it did meanwhile. Immutable; reading costs some 30 us a thread.
///
/// @param groups by name
public record ThreadCosts(Map<String, Cost> groups) {
  public static final ThreadCosts NONE = new ThreadCosts(Map.of());

  /// What one group has cost.
  ///
  /// @param cpuNanos on a processor
  /// @param waitNanos ready to run, and waiting for a processor
  /// @param sleeps times that a thread gave its processor up to wait for something, each of which
  ///   somebody has to wake it from
  public record Cost(long cpuNanos, long waitNanos, long sleeps) {
    static final Cost NONE = new Cost(0, 0, 0);

    Cost plus(Cost other) {
      return combine(other, 1);
    }

    Cost minus(Cost other) {
      return combine(other, -1);
    }

    private Cost combine(Cost other, int sign) {
      return new Cost(
          cpuNanos + sign * other.cpuNanos,
          waitNanos + sign * other.waitNanos,
          sleeps + sign * other.sleeps);
    }
  }

  public ThreadCosts {
    groups = Map.copyOf(groups);
  }

  /// The threads of processes now.
  ///
  /// @param groupOf the group of a thread, by the name of its process as the kernel shows it (at
  ///   most 15 characters) and its own
  public static ThreadCosts of(Stream<ProcessHandle> processes, BinaryOperator<String> groupOf) {
    var groups = new TreeMap<String, Cost>();
    processes.forEach(process -> addAll(process.pid(), groupOf, groups));
    return new ThreadCosts(groups);
  }

  /// What was added since.
  public ThreadCosts since(ThreadCosts before) {
    var added = new TreeMap<String, Cost>();
    groups.forEach(
        (group, cost) ->
            added.put(group, cost.minus(before.groups.getOrDefault(group, Cost.NONE))));
    return new ThreadCosts(added);
  }

  private static void addAll(long pid, BinaryOperator<String> groupOf, Map<String, Cost> groups) {
    Path process = Path.of("/proc/" + pid);
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(process.resolve("task"))) {
      String name = Files.readString(process.resolve("comm")).strip();
      for (Path thread : threads) {
        add(thread, name, groupOf, groups);
      }
    } catch (IOException e) {
      if (Files.exists(process)) {
        throw new UncheckedIOException("cannot read the threads of process " + pid, e);
      }
    }
  }

  private static void add(
      Path thread, String process, BinaryOperator<String> groupOf, Map<String, Cost> groups)
      throws IOException {
    try {
      String name = Files.readString(thread.resolve("comm")).strip();
      String[] times = Files.readString(thread.resolve("schedstat")).strip().split(" ");
      var cost =
          new Cost(
              Long.parseLong(times[0]),
              Long.parseLong(times[1]),
              number(thread.resolve("status"), "voluntary_ctxt_switches:"));
      groups.merge(groupOf.apply(process, name), cost, Cost::plus);
    } catch (IOException e) {
      if (Files.exists(thread)) {
        throw e;
      }
    }
  }

  private static long number(Path file, String name) throws IOException {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .mapToLong(line -> Long.parseLong(line.substring(name.length()).strip()))
          .findFirst()
          .orElse(0);
    }
  }
}
