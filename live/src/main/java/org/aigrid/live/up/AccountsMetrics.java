package org.aigrid.live.up;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.aigrid.live.books.BookKeeper;
import org.aigrid.live.books.Database;
import org.aigrid.live.books.DirectoryKeeper;
import org.aigrid.live.books.Journal;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.proof.WitnessClient;

/// What a monitoring system reads of journal, books, transparency log and witnesses:
/// docs/operate.md lists the metrics and what to do about each. Counters are of this run. Reading
/// them asks nobody but memory and, for the backlog, the file system. Thread-safe.
final class AccountsMetrics implements MeterBinder {
  private static final Duration[] FSYNC_BUCKETS = {
    Duration.ofNanos(100_000),
    Duration.ofNanos(200_000),
    Duration.ofNanos(500_000),
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(2)
  };

  private final Database database;
  private final DirectoryKeeper directory;
  private final Journal journal;
  private final BookKeeper keeper;
  private final TransparencyLog proof;
  private final WitnessClient witnesses;
  private final AtomicLong refused;
  private final LongSupplier nowMs;

  /// @param refused entries that the log did not take
  /// @param nowMs UTC milliseconds
  AccountsMetrics(
      Database database,
      DirectoryKeeper directory,
      Journal journal,
      BookKeeper keeper,
      TransparencyLog proof,
      WitnessClient witnesses,
      AtomicLong refused,
      LongSupplier nowMs) {
    this.database = database;
    this.directory = directory;
    this.journal = journal;
    this.keeper = keeper;
    this.proof = proof;
    this.witnesses = witnesses;
    this.refused = refused;
    this.nowMs = nowMs;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    journal(registry);
    books(registry);
    log(registry);
    witnesses.health().keySet().forEach(name -> witness(registry, name));
  }

  private void journal(MeterRegistry registry) {
    counter(registry, "grid_journal_records", "Records written", journal, Journal::recordsWritten);
    counter(
        registry, "grid_journal_written_bytes", "Bytes written", journal, Journal::bytesWritten);
    Timer fsync =
        Timer.builder("grid_journal_fsync")
            .description("How long the disk takes to confirm a group of records")
            .serviceLevelObjectives(FSYNC_BUCKETS)
            .register(registry);
    journal.timeForces(nanos -> fsync.record(nanos, TimeUnit.NANOSECONDS));
    gauge(registry, "grid_journal_disk_bytes", "Bytes of its files", journal::bytes);
    gauge(
        registry,
        "grid_journal_backlog_bytes",
        "Bytes that are not in the books yet",
        keeper::backlogBytes);
    gauge(
        registry,
        "grid_journal_accepting",
        "Whether it takes records: 1, or 0 and requests of tenants are refused",
        () -> flag(journal.accepting()));
  }

  private void books(MeterRegistry registry) {
    counter(
        registry,
        "grid_books_applied_records",
        "Records carried into the books",
        keeper,
        BookKeeper::appliedRecords);
    gauge(
        registry,
        "grid_books_oldest_unapplied_seconds",
        "Since the request ended whose record has waited longest for the books; 0: none waits",
        () -> keeper.oldestWaitingMs() == 0 ? 0 : age(keeper.oldestWaitingMs()));
    gauge(
        registry,
        "grid_database_up",
        "Whether the database answered within the last two seconds",
        () -> flag(directory.reachable()));
    gauge(
        registry,
        "grid_directory_age_seconds",
        "Since the database confirmed tenants, keys and policies",
        () -> directory.age().toMillis() / 1e3);
    counter(
        registry,
        "grid_database_restarts",
        "Times that the grid's own PostgreSQL ended and was started again",
        database,
        Database::restarts);
  }

  private void log(MeterRegistry registry) {
    gauge(registry, "grid_log_entries", "Size of the tree", () -> proof.status().entries());
    gauge(
        registry,
        "grid_log_queue_entries",
        "Entries that wait to be written",
        () -> proof.status().queued());
    gauge(
        registry,
        "grid_log_checkpoint_age_seconds",
        "Since the last commit of this run; none yet: not a number",
        () -> age(proof.status().lastCommitMs()));
    counter(
        registry,
        "grid_log_refused_entries",
        "Receipts and changes that the log did not take",
        refused,
        count -> count.get() + proof.status().refusedEntries());
    counter(
        registry,
        "grid_log_failed_commits",
        "Commits that the disk refused; each is tried again",
        proof,
        log -> log.status().failedCommits());
    gauge(
        registry,
        "grid_log_running",
        "Whether its writer runs",
        () -> flag(proof.status().broken() == null));
  }

  private void witness(MeterRegistry registry, String name) {
    Supplier<WitnessClient.Health> health =
        () -> {
          WitnessClient.Health known = witnesses.health().get(name);
          if (known == null) {
            throw new IllegalStateException("no witness " + name);
          }
          return known;
        };
    gauge(
        registry,
        "grid_witness_cosigned_entries",
        "Size of the tree that it signed last",
        () -> Math.max(0, health.get().lastSize()),
        "witness",
        name);
    gauge(
        registry,
        "grid_witness_behind_entries",
        "Entries of the log that it has not signed for",
        () -> Math.max(0, proof.status().entries() - Math.max(0, health.get().lastSize())),
        "witness",
        name);
    gauge(
        registry,
        "grid_witness_cosigned_age_seconds",
        "Since it signed last; not in this run: not a number",
        () -> age(health.get().lastMs()),
        "witness",
        name);
    gauge(
        registry,
        "grid_witness_ahead",
        "Whether it signed what the log does not have: it was put back, or there is a second one",
        () -> flag(health.get().ahead()),
        "witness",
        name);
    FunctionCounter.builder("grid_witness_failures", witnesses, client -> health.get().failures())
        .description("Times that it was asked and did not sign")
        .tags("witness", name)
        .register(registry);
  }

  private double age(long sinceMs) {
    return sinceMs <= 0 ? Double.NaN : Math.max(0, nowMs.getAsLong() - sinceMs) / 1e3;
  }

  private static double flag(boolean on) {
    return on ? 1 : 0;
  }

  private static void gauge(
      MeterRegistry registry,
      String name,
      String description,
      Supplier<Number> value,
      String... tags) {
    Gauge.builder(name, value).description(description).tags(tags).register(registry);
  }

  private static <T> void counter(
      MeterRegistry registry,
      String name,
      String description,
      T counted,
      ToDoubleFunction<T> value) {
    FunctionCounter.builder(name, counted, value).description(description).register(registry);
  }
}
