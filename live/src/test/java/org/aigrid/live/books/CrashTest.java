package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kills a grid that serves, and its PostgreSQL, with SIGKILL at random points, again and again on
/// the same folder. `-Dgrid.crashes=N` says how often (default 50).
class CrashTest {
  private static final int CRASHES = Integer.getInteger("grid.crashes", 50);
  private static final long CREDIT = 1_000_000_000;

  @TempDir Path folder;

  @Test
  void nothingAnsweredIsLostOrDoubledAndNothingStaysReserved() throws Exception {
    try (Database database = Database.embedded(folder)) {
      var ledger = new Ledger(database);
      for (int tenant = 0; tenant < CrashChild.TENANTS; tenant++) {
        String name = "t" + tenant;
        database
            .jdbi()
            .useHandle(h -> h.execute("insert into tenants (id, name) values (?, ?)", name, name));
        ledger.credit(name, CREDIT, "first-" + name, "");
      }
    }
    var random = new SplittableRandom(2026);
    for (int round = 0; round < CRASHES; round++) {
      Process child = start(round);
      try (var lines = child.inputReader(StandardCharsets.UTF_8)) {
        awaitServing(lines, round, random);
        int who = random.nextInt(3);
        if (who == 0) {
          killPostgres();
          Thread.sleep(random.nextInt(40));
        }
        child.destroyForcibly().waitFor();
        if (who == 1) {
          killPostgres();
        } // else an orphan stays, for the next start to deal with
      } finally {
        child.destroyForcibly();
      }
    }
    var answered = new HashMap<String, Long>();
    for (String line : Files.readAllLines(folder.resolve("answered"))) {
      String[] parts = line.split(" ");
      assertThat(answered.put(parts[0], Long.parseLong(parts[1]))).as(parts[0]).isNull();
    }
    assertThat(answered).hasSizeGreaterThan(CRASHES);
    try (Database database = Database.embedded(folder);
        Journal journal = Journal.open(folder.resolve("journal"), Journal.Settings.USUAL)) {
      var ledger = new Ledger(database);
      BookKeeper keeper = BookKeeper.start(ledger, journal, CrashChild.GATEWAY);
      assertThat(keeper.settle(Duration.ofSeconds(60))).isTrue();
      keeper.close();
      Map<String, Long> booked = new HashMap<>();
      var charged = new HashMap<String, Long>();
      database
          .jdbi()
          .useHandle(
              h ->
                  h.createQuery("select request_id, charged_micros, tenant from requests")
                      .map(
                          (row, _) -> {
                            booked.put(row.getString(1), row.getLong(2));
                            return charged.merge(row.getString(3), row.getLong(2), Long::sum);
                          })
                      .list());
      assertThat(booked).containsAllEntriesOf(answered);
      assertThat(ledger.check()).isEmpty();
      for (int tenant = 0; tenant < CrashChild.TENANTS; tenant++) {
        String name = "t" + tenant;
        assertThat(ledger.balance(name))
            .isEqualTo(new Ledger.Balance(CREDIT - charged.getOrDefault(name, 0L), 0, 0));
      }
      List<String> holds =
          database
              .jdbi()
              .withHandle(
                  h -> h.createQuery("select tenant from holds").mapTo(String.class).list());
      assertThat(holds).isEmpty();
    }
  }

  /// Some rounds are killed while they still recover.
  private static void awaitServing(BufferedReader lines, int round, SplittableRandom random)
      throws IOException, InterruptedException {
    if (round % 5 == 4) {
      Thread.sleep(300 + random.nextInt(700));
      return;
    }
    var seen = new StringBuilder();
    for (@Nullable String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.equals("serving")) {
        Thread.sleep(random.nextInt(250));
        return;
      }
      seen.append(line).append('\n');
    }
    throw new AssertionError("round " + round + " did not come up:\n" + seen);
  }

  private Process start(int round) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            CrashChild.class.getName(),
            folder.toString(),
            Integer.toString(round))
        .redirectErrorStream(true)
        .start();
  }

  private void killPostgres() throws IOException {
    Path pidFile = folder.resolve("postgres").resolve("postmaster.pid");
    if (!Files.exists(pidFile)) {
      return;
    }
    List<String> lines = Files.readAllLines(pidFile);
    if (lines.isEmpty()) {
      return;
    }
    ProcessHandle.of(Long.parseLong(lines.getFirst().strip()))
        .filter(process -> process.info().command().orElse("").endsWith("postgres"))
        .ifPresent(
            process -> {
              List<ProcessHandle> workers = process.descendants().toList();
              process.destroyForcibly();
              workers.forEach(ProcessHandle::destroyForcibly);
            });
  }
}
