package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.charge.SpendingCap.Per;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Journal.Position;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ProjectBudgetsTest extends WithBooks {
  /// A key of a project of its own.
  private static Key projectKey(String tenant, String project) {
    tenants.project(ME, tenant, project);
    String secret = tenant + "-" + project;
    tenants.key(
        ME,
        "key-" + secret,
        tenant,
        project,
        TenantDirectory.hash(secret),
        Set.of("inference"),
        Limits.NONE,
        null);
    return find(secret);
  }

  private static Key capped(String tenant, String project, long micros, Per per) {
    tenants.budget(ME, tenant, project, new SpendingCap(micros, per));
    return find(tenant + "-" + project);
  }

  private static UsageRecord spent(String id, Key key, long micros, long begunAtMs) {
    return new UsageRecord(
        id,
        key.tenant().id(),
        key.project().id(),
        key.id(),
        "m",
        ServiceTier.STANDARD,
        "hub",
        "JP",
        "operator",
        "1",
        (int) micros,
        0,
        0,
        micros,
        micros,
        "",
        "complete",
        begunAtMs,
        begunAtMs + 1_000);
  }

  @ParameterizedTest
  @EnumSource
  void aProjectThatHasUsedItsBudgetIsCutAndRefusedWhileAnotherGoesOn(Per per) throws Exception {
    String tenant = "projects-" + per.name().toLowerCase(Locale.ROOT);
    key(tenant, tenant);
    tenants.credit(ME, tenant, 1_000_000, tenant, "");
    projectKey(tenant, "small");
    Key other = projectKey(tenant, "other");
    Key small = capped(tenant, "small", 1_000, per);
    long now = System.currentTimeMillis();
    String gateway = "gw-" + tenant;
    try (var purses = Purses.start(ledger, gateway, () -> now)) {
      Entry entry = enter(purses, small, tenant + "-1", 100, 100_000);
      assertThat(entry).isInstanceOf(Entry.Entered.class);
      if (entry instanceof Entry.Entered(Purses.Ticket ticket)) {
        int passed = 0;
        while (ticket.passes(7)) {
          passed += 7;
        }
        assertThat(passed).as("within a chunk of what 900 tokens cost").isEqualTo(896);
        assertThat(ticket.settle(100, 0, passed).micros()).isEqualTo(996);
      }
      assertThat(enter(purses, small, tenant + "-2", 100, 10))
          .isEqualTo(new Entry.NoMoney(97, true));
      assertThat(enter(purses, other, tenant + "-3", 100, 10)).isInstanceOf(Entry.Entered.class);
      ledger.apply(gateway, gateway, List.of(spent("s-" + tenant, small, 996, now)), at(1));
    }
    ledger.returnHolds(gateway);
    assertThat(ledger.spending(tenant, "small", Instant.ofEpochMilli(now)))
        .isEqualTo(new ProjectBudgets.Spending(996, 996, 0));
    try (var restarted = Purses.start(ledger, gateway, () -> now)) {
      assertThat(enter(restarted, small, tenant + "-4", 10, 10))
          .as("the cap counts from the books")
          .isEqualTo(new Entry.NoMoney(7, true));
      assertThat(enter(restarted, small, tenant + "-5", 2, 1)).isInstanceOf(Entry.Entered.class);
    }
    ledger.returnHolds(gateway);
  }

  @Test
  void aTenantThatPaysLaterIsCutByItsProjectsBudgetAndByNothingElse() throws Exception {
    tenants.create(ME, "billed", "Billed", false);
    Key free = projectKey("billed", "free");
    projectKey("billed", "held");
    Key held = capped("billed", "held", 1_000, Per.TOTAL);
    try (var purses = Purses.start(ledger, "gw-billed", System::currentTimeMillis)) {
      Entry entry = enter(purses, held, "b1", 100, 100_000);
      assertThat(entry).isInstanceOf(Entry.Entered.class);
      if (entry instanceof Entry.Entered(Purses.Ticket ticket)) {
        assertThat(ticket.passes(900)).isTrue();
        assertThat(ticket.passes(1)).isFalse();
        assertThat(ticket.settle(100, 0, 900)).isEqualTo(new Purses.Charged(1_000, 1_000, 0));
      }
      assertThat(enter(purses, held, "b2", 1, 1)).isEqualTo(new Entry.NoMoney(2, true));
      Entry other = enter(purses, free, "b3", 1, 1);
      assertThat(other instanceof Entry.Entered(Purses.Ticket ticket) && ticket.passes(1_000_000))
          .isTrue();
      assertThat(purses.state("billed", "held")).containsExactly(0, 0);
      assertThat(purses.state("billed")).containsExactly(0, 0);
    }
    ledger.returnHolds("gw-billed");
  }

  private static Position at(long offset) {
    return new Position(1, offset);
  }

  @Test
  void aChargeIsTakenOffTheHoldOfTheBudgetInForce() {
    key("switching", "switching");
    projectKey("switching", "p");
    Key key = capped("switching", "p", 1_000, Per.MONTH);
    long now = System.currentTimeMillis();
    Instant at = Instant.ofEpochMilli(now);
    String month = ProjectBudgets.Period.of(new SpendingCap(0, Per.MONTH), now).name();
    assertThat(ledger.holdBudget("gw-sw", "switching", "p", month, 400, LATER, Records.reference()))
        .isEqualTo(400);
    capped("switching", "p", 1_000, Per.TOTAL);
    assertThat(
            ledger.holdBudget("gw-sw", "switching", "p", "total", 300, LATER, Records.reference()))
        .isEqualTo(300);
    ledger.apply("gw-sw", "j-sw", List.of(spent("sw1", key, 100, now)), at(1));
    assertThat(ledger.spending("switching", "p", at))
        .as("100 of what is out is spent, once")
        .isEqualTo(new ProjectBudgets.Spending(100, 100, 600));
    assertThat(
            ledger.holdBudget(
                "gw-sw-2", "switching", "p", "total", 1_000, LATER, Records.reference()))
        .isEqualTo(300);
    ledger.returnHolds("gw-sw");
    ledger.returnHolds("gw-sw-2");
  }

  @Test
  void aMonthlyBudgetBeginsAnewWithTheMonthAndWhatBeganBeforeCountsThere() throws Exception {
    key("months", "months");
    tenants.credit(ME, "months", 1_000_000, "months", "");
    projectKey("months", "p");
    Key key = capped("months", "p", 500, Per.MONTH);
    long lastOfMonth = Instant.parse("2026-11-30T23:59:59Z").toEpochMilli();
    var now = new AtomicLong(lastOfMonth);
    try (var purses = Purses.start(ledger, "gw-months", now::get)) {
      Entry across = enter(purses, key, "m1", 100, 400);
      assertThat(across).isInstanceOf(Entry.Entered.class);
      assertThat(enter(purses, key, "m2", 1, 1)).isEqualTo(new Entry.Reserved(2, true));
      now.addAndGet(1_000);
      assertThat(enter(purses, key, "m3", 100, 400))
          .as("December's is whole")
          .isInstanceOf(Entry.Entered.class);
      if (across instanceof Entry.Entered(Purses.Ticket ticket)) {
        assertThat(ticket.passes(400)).as("it goes on with November's").isTrue();
        assertThat(ticket.passes(1)).isFalse();
        assertThat(ticket.settle(100, 0, 400).micros()).isEqualTo(500);
      }
      ledger.apply("gw-months", "jm", List.of(spent("m1", key, 500, lastOfMonth)), at(1));
      assertThat(ledger.spending("months", "p", Instant.ofEpochMilli(lastOfMonth)))
          .isEqualTo(new ProjectBudgets.Spending(500, 500, 0));
      assertThat(ledger.spending("months", "p", Instant.ofEpochMilli(now.get())))
          .isEqualTo(new ProjectBudgets.Spending(0, 500, 500));
    }
    ledger.returnHolds("gw-months");
  }

  @Test
  void aBudgetThatIsChangedOrLiftedHoldsWithTheNextDirectory() throws Exception {
    key("changing", "changing");
    tenants.credit(ME, "changing", 10_000_000, "changing", "");
    Key free = projectKey("changing", "p");
    Key capped = capped("changing", "p", 0, Per.TOTAL);
    try (var purses = Purses.start(ledger, "gw-changing", System::currentTimeMillis)) {
      assertThat(enter(purses, capped, "c1", 1, 1)).isEqualTo(new Entry.NoMoney(2, true));
      Key raised = capped("changing", "p", 3_000_000, Per.TOTAL);
      until(() -> entered(purses, raised, "c2"));
      Key lowered = capped("changing", "p", 1, Per.TOTAL);
      until(() -> !entered(purses, lowered, "c3-" + System.nanoTime()));
      tenants.budget(ME, "changing", "p", null);
      Key lifted = find("changing-p");
      assertThat(lifted.project().budget()).isNull();
      until(() -> entered(purses, lifted, "c4"));
    }
    assertThat(free.project().budget()).isNull();
    ledger.returnHolds("gw-changing");
    assertThat(ledger.spending("changing", "p", Instant.now()))
        .isEqualTo(new ProjectBudgets.Spending(0, 0, 0));
  }

  private static boolean entered(Purses purses, Key key, String id) {
    try {
      Entry entry = enter(purses, key, id, 1, 1);
      if (entry instanceof Entry.Entered(Purses.Ticket ticket)) {
        ticket.abandon();
        return true;
      }
      return false;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, 5);
  }

  /// Gateways that take, spend, tell the books late, give back, and start again, all at once.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void gatewaysTogetherSpendNoMoreThanAProjectsBudget(long seed) throws Exception {
    String tenant = "together-" + seed;
    key(tenant, tenant);
    tenants.credit(ME, tenant, 1_000_000, tenant, "");
    projectKey(tenant, "p");
    long budget = 500 + seed * 1_000;
    Key key = capped(tenant, "p", budget, Per.TOTAL);
    var charged = new AtomicLong();
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var threads = new ArrayList<Thread>();
    for (int g = 0; g < 3; g++) {
      int number = g;
      threads.add(
          Thread.startVirtualThread(
              () -> {
                try {
                  charged.addAndGet(spendAsAGateway(tenant, key, number, seed));
                } catch (RuntimeException | AssertionError e) {
                  failures.add(e);
                }
              }));
    }
    for (Thread thread : threads) {
      assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
    }
    assertThat(failures).isEmpty();
    ProjectBudgets.Spending spending = ledger.spending(tenant, "p", Instant.now());
    assertThat(spending.totalMicros()).isEqualTo(charged.get()).isLessThanOrEqualTo(budget);
    assertThat(spending.totalMicros() + spending.heldMicros()).isLessThanOrEqualTo(budget);
    assertThat(
            ledger.holdBudget(
                "gw-last-" + seed,
                tenant,
                "p",
                "total",
                Long.MAX_VALUE / 8,
                LATER,
                Records.reference()))
        .as("what nobody spent is still to be had")
        .isEqualTo(budget - charged.get() - spending.heldMicros());
    ledger.returnHolds("gw-last-" + seed);
  }

  private static long spendAsAGateway(String tenant, Key key, int number, long seed) {
    var random = new SplittableRandom(seed * 31 + number);
    String gateway = "gw-" + tenant + "-" + number;
    long held = 0;
    long charged = 0;
    long now = System.currentTimeMillis();
    var journal = new ArrayList<UsageRecord>();
    for (int i = 0; i < 40; i++) {
      switch (random.nextInt(4)) {
        case 0 ->
            held +=
                ledger.holdBudget(
                    gateway,
                    tenant,
                    "p",
                    "total",
                    random.nextLong(900),
                    LATER,
                    Records.reference());
        case 1 -> {
          long micros = random.nextLong(held + 1);
          held -= micros;
          charged += micros;
          journal.add(spent(gateway + "-" + i, key, micros, now));
        }
        case 2 -> {
          ledger.apply(gateway, gateway, journal, at(i + 1));
          journal.clear();
        }
        default -> {
          long back = random.nextLong(held + 1);
          held -= back;
          ledger.giveBackBudget(gateway, tenant, "p", "total", back, Records.reference());
        }
      }
    }
    ledger.apply(gateway, gateway, journal, at(1_000));
    return charged;
  }
}
