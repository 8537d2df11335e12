package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The grid lives on when its own PostgreSQL is killed: it is started again on the same data and
/// port, and what was served meanwhile is in the books, each request once.
@Timeout(180)
@EnabledOnOs(OS.LINUX)
class DatabaseRestartTest {
  private static final String GATEWAY = "gateway-1";
  private static final String TENANT = "t";
  private static final long CREDIT = 1_000_000_000;

  @TempDir static Path folder;
  private static Database database;
  private static Ledger ledger;
  private static Journal journal;
  private static BookKeeper keeper;
  private static final Map<String, Long> ANSWERED = new ConcurrentHashMap<>();
  private static final AtomicInteger SERVED = new AtomicInteger();

  @BeforeAll
  static void start() {
    database = Database.embedded(folder);
    ledger = new Ledger(database);
    journal = Journal.open(folder.resolve("journal"), Journal.Settings.USUAL);
    database
        .jdbi()
        .useHandle(h -> h.execute("insert into tenants (id, name) values (?, ?)", TENANT, TENANT));
    ledger.credit(TENANT, CREDIT, "first", "");
    keeper = BookKeeper.start(ledger, journal, GATEWAY);
    until(() -> hold(1_000_000) == 1_000_000);
  }

  @AfterAll
  static void stop() {
    journal.close();
    keeper.close();
    database.close();
  }

  private static long hold(long micros) {
    try {
      return ledger.hold(
          GATEWAY, TENANT, micros, Instant.now().plusMillis(Ledger.LEASE_MS), Records.reference());
    } catch (RuntimeException e) {
      return -1; // the database is away
    }
  }

  private static void serve(String id, long micros) {
    SERVED.incrementAndGet();
    boolean taken =
        journal.append(
            Records.of(id, TENANT, micros),
            durable -> {
              if (durable) {
                ANSWERED.put(id, micros);
              }
            });
    assertThat(taken).isTrue();
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 60 s");
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  private static long postmaster() {
    try {
      Path file = folder.resolve("postgres").resolve("postmaster.pid");
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      return lines.isEmpty() ? -1 : Long.parseLong(lines.getFirst().strip());
    } catch (IOException e) {
      return -1;
    }
  }

  private static void kill(boolean workersToo) {
    ProcessHandle.of(postmaster())
        .filter(process -> process.info().command().orElse("").endsWith("postgres"))
        .ifPresent(
            process -> {
              List<ProcessHandle> workers = process.descendants().toList();
              process.destroyForcibly();
              if (workersToo) {
                workers.forEach(ProcessHandle::destroyForcibly);
              }
            });
  }

  /// Whether a process of the server is in the middle of that long query.
  private static boolean computes(long pid) {
    return database
            .jdbi()
            .withHandle(
                h ->
                    h.createQuery(
                            "select count(*) from pg_stat_activity where pid = ? and state = 'active'"
                                + " and query like '%generate_series%'")
                        .bind(0, (int) pid)
                        .mapTo(Long.class)
                        .one())
        == 1;
  }

  /// All that was answered stands in the books, once, and the sums agree.
  private static void assertBooked() {
    until(() -> ANSWERED.size() == SERVED.get()); // the disk has them all
    assertThat(keeper.settle(Duration.ofSeconds(60))).isTrue();
    var booked = new HashMap<String, Long>();
    database
        .jdbi()
        .useHandle(
            h ->
                h.createQuery("select request_id, charged_micros from requests")
                    .map((row, _) -> booked.put(row.getString(1), row.getLong(2)))
                    .list());
    assertThat(booked).containsExactlyInAnyOrderEntriesOf(ANSWERED);
    assertThat(ledger.check()).isEmpty();
  }

  @Test
  void aKilledServerIsStartedAgainOnItsDataAndPortAndTheBooksGoOn() {
    serve("before", 10);
    assertBooked();
    long before = database.restarts();
    long pid = postmaster();
    int port = database.port();
    kill(false);
    for (int i = 0; i < 50; i++) {
      serve("while-away-" + i, 7);
    }
    until(() -> database.restarts() == before + 1);
    assertThat(database.port()).isEqualTo(port);
    assertThat(postmaster()).isNotEqualTo(pid);
    serve("after", 11);
    assertBooked();
    assertThat(hold(5_000)).as("purses are filled again").isEqualTo(5_000);
  }

  @Test
  void aProcessOfTheKilledServerThatGoesOnWorkingIsEndedBeforeTheNextServer() throws Exception {
    long before = database.restarts();
    var busyPid = new long[1];
    var opened = new java.util.concurrent.CountDownLatch(1);
    Thread busy =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    database
                        .jdbi()
                        .useHandle(
                            h -> {
                              busyPid[0] =
                                  h.createQuery("select pg_backend_pid()").mapTo(Long.class).one();
                              opened.countDown();
                              // computes without ever looking whether its server lives
                              h.createQuery(
                                      "select count(*) from generate_series(1, 1000000000) a"
                                          + " where a % 7 = 3")
                                  .mapTo(Long.class)
                                  .one();
                            });
                  } catch (RuntimeException e) {
                    // its connection is cut
                  }
                });
    opened.await();
    until(() -> computes(busyPid[0]));
    kill(false);
    serve("beside-an-orphan", 3);
    until(() -> database.restarts() == before + 1);
    // of a zombie the link is there and leads nowhere
    assertThat(Files.exists(Path.of("/proc/" + busyPid[0] + "/cwd"))).isFalse();
    busy.join();
    assertBooked();
  }

  @Test
  void whoeverElseStandsInTheFolderOfTheDataOutlivesARestart() throws Exception {
    long before = database.restarts();
    Process bystander =
        new ProcessBuilder("sleep", "60").directory(folder.resolve("postgres").toFile()).start();
    try {
      kill(false);
      until(() -> database.restarts() == before + 1);
      assertThat(bystander.isAlive()).isTrue();
      assertBooked();
    } finally {
      bystander.destroyForcibly().waitFor();
    }
  }

  @Test
  void whereNobodySaysWhereAProcessWorksALiveServersPidFileStays(@TempDir Path data)
      throws Exception {
    Path program = data.resolve("postgres"); // a process that is called so, wherever it works
    Files.copy(Path.of("/bin/bash").toRealPath(), program);
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Process server = new ProcessBuilder(program.toString(), "-c", "read line").start();
    Process other = new ProcessBuilder("sleep", "60").directory(data.toFile()).start();
    Path pidFile = data.resolve("postmaster.pid");
    try {
      Files.writeString(pidFile, server.pid() + "\n");
      assertThatThrownBy(() -> OwnPostgres.stopLeftover(data, false))
          .isInstanceOf(BooksException.class)
          .hasMessageContaining("process " + server.pid())
          .hasMessageContaining("kill -INT");
      assertThat(pidFile).exists();
      assertThat(server.isAlive()).isTrue();
      // With /proc it is seen that it works elsewhere; one of another name is no server at all.
      OwnPostgres.stopLeftover(data, true);
      assertThat(pidFile).doesNotExist();
      for (boolean proc : new boolean[] {true, false}) {
        Files.writeString(pidFile, other.pid() + "\n");
        OwnPostgres.stopLeftover(data, proc);
        assertThat(pidFile).doesNotExist();
      }
      assertThat(server.isAlive() && other.isAlive()).isTrue();
    } finally {
      server.destroyForcibly().waitFor();
      other.destroyForcibly().waitFor();
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void howeverAndWheneverItIsKilledUnderLoadEachRequestIsBookedOnce(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    long kills = 0;
    long before = database.restarts();
    for (int i = 0; i < 300; i++) {
      serve("load-" + seed + "-" + i, random.nextInt(100));
      if (random.nextInt(100) == 0 && database.restarts() == before + kills) {
        kill(random.nextBoolean());
        kills++;
      }
      Thread.sleep(random.nextInt(8));
    }
    long all = before + kills;
    until(() -> database.restarts() == all);
    assertBooked();
  }

  @Test
  void aDirectoryAndBooksThatCannotBeReachedSaySo(@TempDir Path other) {
    Database away = Database.embedded(other);
    Journal full = Journal.open(other.resolve("journal"), Journal.Settings.USUAL);
    try (DirectoryKeeper directory = DirectoryKeeper.start(new Tenants(away), _ -> {});
        BookKeeper late = BookKeeper.start(new Ledger(away), full, GATEWAY)) {
      assertThat(directory.reachable()).isTrue();
      assertThat(late.backlogBytes()).isZero();
      assertThat(late.oldestWaitingMs()).isZero();
      away.close();
      assertThat(full.append(Records.of("waits", TENANT, 5), _ -> {})).isTrue();
      until(() -> !directory.reachable() && late.oldestWaitingMs() > 0);
      assertThat(late.oldestWaitingMs()).isEqualTo(Records.of("waits", TENANT, 5).endedAtMs());
      assertThat(full.recordsWritten()).isEqualTo(1);
      assertThat(late.appliedRecords()).isZero();
      assertThat(late.backlogBytes()).isEqualTo(full.bytesWritten()).isPositive();
    } finally {
      full.close();
      away.close();
    }
  }

  @Test
  void aDatabaseThatLetsWaitIsNotReachableBeforeItsCallComesBack() {
    try (DirectoryKeeper directory = DirectoryKeeper.start(new Tenants(database), _ -> {})) {
      database
          .jdbi()
          .useTransaction(
              h -> {
                h.execute("lock table directory in access exclusive mode");
                long locked = System.nanoTime();
                until(() -> !directory.reachable());
                assertThat(Duration.ofNanos(System.nanoTime() - locked))
                    .as("the call waits for this lock, and gives up after 30 s")
                    .isLessThan(Duration.ofSeconds(20));
              });
      until(directory::reachable);
    }
  }

  @Test
  void whoClosesItWhileItIsDownWaitsForNothing(@TempDir Path other) throws Exception {
    Database closing = Database.embedded(other);
    long pid =
        Long.parseLong(
            Files.readAllLines(other.resolve("postgres/postmaster.pid")).getFirst().strip());
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    Thread.sleep(new SplittableRandom(7).nextInt(200));
    closing.close();
    // And its folder is free for the next one, with nothing left running on it.
    try (Database next = Database.embedded(other)) {
      assertThat(next.restarts()).isZero();
      assertThat(new Ledger(next).check()).isEmpty();
    }
  }
}
