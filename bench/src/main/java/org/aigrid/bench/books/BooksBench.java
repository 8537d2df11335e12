package org.aigrid.bench.books;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import org.HdrHistogram.ConcurrentHistogram;
import org.aigrid.bench.machine.Machine;
import org.aigrid.core.charge.Budget;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Journal;
import org.aigrid.live.books.UsageRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench books`: nanoseconds of a reservation with its settlement, and records a second and
/// latency of the journal with so many requests waiting for the disk at a time.
@Command(
    name = "books",
    description = "Reserve and settle; the journal's group commit.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class BooksBench implements Callable<Integer> {
  private static final int PAIRS = 2_000_000;

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description = "Where the journal is written: its disk is what is measured. Default: here.")
  private Path folder = Path.of(".");

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "3",
      description = "For each number of waiting requests (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Override
  public Integer call() throws IOException, InterruptedException {
    System.out.println("## Books, " + Machine.read(Path.of(".")).date());
    System.out.println();
    reserveAndSettle();
    reserveAndSettle();
    System.out.println();
    System.out.println("| waiting at a time | records/s | p50 ms | p99 ms |");
    System.out.println("|--:|--:|--:|--:|");
    for (int waiting : new int[] {1, 16, 128, 1_024}) {
      journal(waiting);
    }
    return 0;
  }

  private static void reserveAndSettle() {
    var budget = new Budget();
    budget.grant(Budget.UNLIMITED_MICROS / 2, Long.MAX_VALUE);
    var ids = new String[1_024];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = "request-" + i;
    }
    long charged = 0;
    long begun = System.nanoTime();
    for (int i = 0; i < PAIRS; i++) {
      // 512 requests are always open, as under load
      budget.reserve(ids[i & 1_023], 10, 100, i + 600_000, i);
      Budget.Settled settled = budget.settle(ids[i - 512 & 1_023], 50);
      charged += settled == null ? 0 : settled.chargedMicros();
      if ((i & 0xFFFF) == 0) {
        budget.tidy();
      }
    }
    double nanos = (double) (System.nanoTime() - begun) / PAIRS;
    System.out.printf(
        Locale.ROOT, "reserve + settle: %.0f ns (512 open, %d charged)%n", nanos, charged);
  }

  private void journal(int waiting) throws IOException, InterruptedException {
    Path own = Files.createTempDirectory(folder.toAbsolutePath(), "bench-journal");
    var latency = new ConcurrentHistogram(60_000_000_000L, 3);
    var slots = new Semaphore(waiting);
    long records = 0;
    long begun = System.nanoTime();
    try (Journal journal = Journal.open(own, Journal.Settings.USUAL)) {
      while (System.nanoTime() - begun < seconds * 1_000_000_000L) {
        slots.acquire();
        long at = System.nanoTime();
        boolean taken =
            journal.append(
                record(records),
                _ -> {
                  latency.recordValue(System.nanoTime() - at);
                  slots.release();
                });
        if (!taken) {
          slots.release();
          break; // full
        }
        records++;
      }
      slots.acquire(waiting);
    }
    double passed = (System.nanoTime() - begun) / 1e9;
    System.out.printf(
        Locale.ROOT,
        "| %d | %.0f | %.2f | %.2f |%n",
        waiting,
        records / passed,
        latency.getValueAtPercentile(50) / 1e6,
        latency.getValueAtPercentile(99) / 1e6);
    try (var files = Files.list(own)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(own);
  }

  private static UsageRecord record(long number) {
    return new UsageRecord(
        "chatcmpl-0123456789abcdef-" + number,
        "ministry",
        "default",
        "ministry-1",
        "llama-3.1-8b",
        ServiceTier.STANDARD,
        "cell-minato",
        "JP",
        "operator",
        "1",
        1_200,
        400,
        300,
        48_000,
        48_000,
        "cell-minato:1200/300",
        "complete",
        1_800_000_000_000L,
        1_800_000_002_000L);
  }
}
