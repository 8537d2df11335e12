package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.live.books.Journal.Position;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  private static final Instant LATER = Instant.now().plusSeconds(3_600);

  @TempDir static Path folder;
  private static Database database;
  private static Ledger ledger;

  @BeforeAll
  static void open() {
    database = Database.embedded(folder);
    ledger = new Ledger(database);
    for (String tenant : List.of("a", "b", "c", "d", "e", "f", "g", "older")) {
      database
          .jdbi()
          .useHandle(
              h -> h.execute("insert into tenants (id, name) values (?, ?)", tenant, tenant));
    }
    database
        .jdbi()
        .useHandle(
            h ->
                h.execute(
                    "insert into tenants (id, name, prepaid) values ('later', 'Later', false),"
                        + " ('owing', 'Owing', false)"));
  }

  @AfterAll
  static void close() {
    assertThat(ledger.check()).isEmpty();
    database.close();
  }

  private static String text(String query) {
    return database.jdbi().withHandle(h -> h.createQuery(query).mapTo(String.class).one());
  }

  @Test
  void theEmbeddedServerWritesThroughAndAsksForItsPassword() {
    for (String setting : List.of("fsync", "synchronous_commit", "full_page_writes")) {
      assertThat(text("show " + setting)).as(setting).isEqualTo("on");
    }
    String url = "jdbc:postgresql://localhost:" + database.port() + "/postgres";
    assertThatThrownBy(() -> Database.at(url, "postgres", "guessed").close())
        .isInstanceOf(BooksException.class)
        .hasMessageContaining("cannot connect")
        .hasMessageNotContaining("guessed");
    assertThatThrownBy(() -> Database.embedded(folder))
        .isInstanceOf(BooksException.class)
        .hasMessageContaining("in use by another grid");
  }

  @Test
  void aPaymentThatIsToldTwiceCountsOnce() {
    assertThat(ledger.credit("a", 1_000, "invoice-1", "")).isTrue();
    assertThat(ledger.credit("a", 1_000, "invoice-1", "")).isFalse();
    assertThat(ledger.balance("a")).isEqualTo(new Ledger.Balance(1_000, 0, 0));
    assertThatThrownBy(() -> ledger.credit("nobody", 1, "x", "")).hasMessageContaining("no tenant");
    assertThatThrownBy(() -> ledger.credit("a", -1_001, "back", ""))
        .as("nobody takes back what is not there")
        .hasMessageContaining("check constraint");
  }

  @Test
  void usageIsChargedOnceHoweverOftenItIsApplied() {
    ledger.credit("b", 1_000, "b", "");
    assertThat(ledger.hold("g1", "b", 600, LATER, Records.reference())).isEqualTo(600);
    List<UsageRecord> records = List.of(Records.of("b1", "b", 100), Records.of("b2", "b", 50));
    assertThat(ledger.apply("g1", "j1", records, new Position(1, 10))).isEqualTo(2);
    assertThat(ledger.apply("g1", "j1", records, new Position(1, 10))).isZero();
    assertThat(
            ledger.apply(
                "g1",
                "j2",
                List.of(
                    Records.of("b2", "b", 50), Records.of("b3", "b", 1), Records.of("b3", "b", 1)),
                new Position(1, 20)))
        .isEqualTo(1);
    assertThat(ledger.balance("b")).isEqualTo(new Ledger.Balance(400, 449, 0));
    assertThat(ledger.applied("j2")).isEqualTo(new Position(1, 20));
    assertThat(ledger.returnHolds("g1")).isEqualTo(449);
    assertThat(ledger.balance("b")).isEqualTo(new Ledger.Balance(849, 0, 0));
    assertThat(ledger.check()).isEmpty();
  }

  @Test
  void whatAnOlderGridHeldComesBackUnlessItStillRuns() throws Exception {
    ledger.credit("older", 1_000, "older", "");
    assertThat(ledger.hold("gateway", "older", 400, LATER, Records.reference())).isEqualTo(400);
    assertThat(ledger.hold("gateway-of-another", "older", 100, LATER, Records.reference()))
        .isEqualTo(100);
    String url = "jdbc:postgresql://localhost:" + database.port() + "/postgres";
    String password = Files.readString(folder.resolve("postgres.password")).strip();
    try (Connection older =
        DriverManager.getConnection(
            url + "?ApplicationName=" + Database.SESSIONS_OF_OLDER, "postgres", password)) {
      assertThat(older.isValid(1)).isTrue();
      assertThat(ledger.returnHoldsOfOlder()).isZero();
    }
    long end = System.nanoTime() + 20_000_000_000L;
    while (ledger.balance("older").heldMicros() != 100 && System.nanoTime() < end) {
      assertThat(ledger.returnHoldsOfOlder()).isIn(0L, 400L); // its session ends in a moment
    }
    assertThat(ledger.balance("older")).isEqualTo(new Ledger.Balance(900, 100, 0));
    assertThat(ledger.returnHolds("gateway-of-another")).isEqualTo(100);
  }

  @Test
  void aJournalThatIsReadAgainMovesOnAndLeavesNoEmptyTransaction() {
    List<UsageRecord> records = List.of(Records.of("again1", "a", 0), Records.of("again2", "a", 0));
    assertThat(ledger.apply("g1", "again-1", records, new Position(1, 10))).isEqualTo(2);
    String before = text("select count(*) from transactions");
    assertThat(ledger.apply("g1", "again-2", records, new Position(3, 7))).isZero();
    assertThat(ledger.applied("again-2")).isEqualTo(new Position(3, 7));
    assertThat(text("select count(*) from transactions")).isEqualTo(before);
    assertThatThrownBy(
            () ->
                ledger.apply(
                    "g1", "again-1", List.of(Records.of("again3", "a", 0)), new Position(1, 10)))
        .isInstanceOf(BooksException.class)
        .hasMessageContaining("do not belong together");
    assertThat(ledger.applied("again-1")).isEqualTo(new Position(1, 10));
  }

  @Test
  void everyRequestIsInTheBooksOnceHoweverBatchesOverlap() {
    for (int seed = 0; seed < 20; seed++) {
      var random = new SplittableRandom(seed);
      var ids = new java.util.TreeSet<String>();
      for (int batch = 0; batch < 10; batch++) {
        var records = new ArrayList<UsageRecord>();
        var news = new java.util.TreeSet<String>();
        for (int i = random.nextInt(12); i >= 0; i--) {
          String id = "overlap-" + seed + "-" + random.nextInt(60);
          records.add(Records.of(id, "owing", 3));
          news.add(id);
        }
        news.removeAll(ids);
        ids.addAll(news);
        assertThat(ledger.apply("g", "overlap-" + seed, records, new Position(1, batch + 1)))
            .as("seed %d batch %d", seed, batch)
            .isEqualTo(news.size());
      }
      assertThat(
              text(
                  "select count(*) || ' ' || sum(charged_micros) from requests where request_id like"
                      + " 'overlap-"
                      + seed
                      + "-%'"))
          .as("seed %d", seed)
          .isEqualTo(ids.size() + " " + 3 * ids.size());
      assertThat(
              text(
                  "select -sum(micros) from entries e join transactions t on t.id ="
                      + " e.transaction_id where t.reference like 'journal/overlap-"
                      + seed
                      + "/%' and account = 'tenant/owing/owed'"))
          .as("seed %d", seed)
          .isEqualTo("" + 3 * ids.size());
    }
  }

  @Test
  void whatWasServedBeyondTheMoneyIsWrittenOffAndNeverStopsTheBooks() {
    ledger.credit("c", 100, "c", "");
    ledger.hold("g2", "c", 60, LATER, Records.reference());
    ledger.apply(
        "g2",
        "j3",
        List.of(
            Records.of("c1", "c", 130),
            Records.of("c2", "unknown", 7),
            Records.of("c3", "later", 9)),
        new Position(1, 1));
    assertThat(ledger.balance("c")).isEqualTo(new Ledger.Balance(0, 0, 0));
    assertThat(ledger.balance("later")).isEqualTo(new Ledger.Balance(0, 0, 9));
    assertThat(text("select micros from balances where account = 'grid/written-off'"))
        .isEqualTo("-37");
  }

  @Test
  void theBooksRefuseToBeChangedOrUnbalanced() {
    ledger.credit("d", 10, "d", "");
    for (String wrong :
        List.of(
            "update entries set micros = 1",
            "delete from entries",
            "truncate entries",
            "delete from requests",
            "update transactions set note = ''",
            "delete from admin_actions")) {
      assertThatThrownBy(() -> database.jdbi().useHandle(h -> h.execute(wrong)))
          .as(wrong)
          .hasMessageContaining("append-only");
    }
    assertThatThrownBy(
            () ->
                database
                    .jdbi()
                    .useHandle(
                        h ->
                            h.execute(
                                "insert into entries select max(id), 'tenant/d/other', 5 from"
                                    + " transactions")))
        .hasMessageContaining("do not sum to zero");
  }

  @Test
  void aGatewayThatIsSilentLosesItsHoldSomeTimeAfterItsLease() {
    ledger.credit("e", 100, "e", "");
    Instant now = Instant.now();
    ledger.hold("g3", "e", 70, now, Records.reference());
    assertThat(ledger.returnExpired(now.plusMillis(Ledger.LEASE_GRACE_MS - 1_000))).isZero();
    assertThat(ledger.returnExpired(now.plusMillis(Ledger.LEASE_GRACE_MS + 1_000))).isEqualTo(1);
    assertThat(ledger.balance("e")).isEqualTo(new Ledger.Balance(100, 0, 0));
  }

  @Test
  void gatewaysNeverHoldMoreThanTheBalanceTogether() throws Exception {
    ledger.credit("f", 10_000, "f", "");
    var held = new java.util.concurrent.atomic.AtomicLong();
    var threads = new ArrayList<Thread>();
    for (int g = 0; g < 4; g++) {
      int seed = g;
      threads.add(
          Thread.startVirtualThread(
              () -> {
                var random = new SplittableRandom(seed);
                for (int i = 0; i < 25; i++) {
                  held.addAndGet(
                      ledger.hold(
                          "g-f-" + seed,
                          "f",
                          1 + random.nextLong(500),
                          LATER,
                          Records.reference()));
                }
              }));
    }
    for (Thread thread : threads) {
      assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
    }
    assertThat(held.get()).isEqualTo(10_000);
    assertThat(ledger.balance("f")).isEqualTo(new Ledger.Balance(0, 10_000, 0));
  }

  @Test
  void theKeeperBringsTheJournalIntoTheBooksAndForgetsWhatIsThere(@TempDir Path journalFolder)
      throws Exception {
    ledger.credit("g", 100_000, "g", "");
    try (var journal = Journal.open(journalFolder, new Journal.Settings(4_096, 1 << 20, 4_096));
        var keeper = BookKeeper.start(ledger, journal, "g4")) {
      ledger.hold("g4", "g", 50_000, LATER, Records.reference());
      var done = new CountDownLatch(2_000);
      long end = System.nanoTime() + 60_000_000_000L;
      for (int i = 0; i < 2_000; i++) {
        while (!journal.append(Records.of("g" + i, "g", 10), _ -> done.countDown())) {
          assertThat(System.nanoTime() - end)
              .as("the journal has room within a minute")
              .isNegative();
          LockSupport.parkNanos(1_000_000);
        }
      }
      assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(keeper.settle(Duration.ofSeconds(30))).isTrue();
      assertThat(ledger.balance("g")).isEqualTo(new Ledger.Balance(50_000, 30_000, 0));
      // the keeper forgets files after it has said that their records are in the books
      while (journal.bytes() >= 200_000) {
        assertThat(System.nanoTime() - end).as("files are forgotten in time").isNegative();
        LockSupport.parkNanos(1_000_000);
      }
    }
    try (var journal = Journal.open(journalFolder, Journal.Settings.USUAL);
        var keeper = BookKeeper.start(ledger, journal, "g4")) {
      assertThat(keeper.settle(Duration.ofSeconds(30))).isTrue();
      assertThat(ledger.balance("g")).isEqualTo(new Ledger.Balance(80_000, 0, 0));
    }
  }
}
