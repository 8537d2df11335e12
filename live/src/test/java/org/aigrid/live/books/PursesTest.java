package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Quota;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.charge.SpendingCap.Per;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.Purses.Ticket;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PursesTest extends WithBooks {
  private static final int AT_ONCE = 50;

  private static Key tenant(String tenant, long micros) {
    Key key = key(tenant, tenant);
    if (micros > 0) {
      tenants.credit(ME, tenant, micros, tenant, "");
    }
    return key;
  }

  private static Entry enter(Purses purses, Key key, String id, int output) {
    return purses.enter(key, PRICES, id, "m", ServiceTier.STANDARD, 1, output);
  }

  /// What requests that come at once are told, each after as many waits as a gateway grants.
  private static List<Entry> burst(Purses purses, Key key, int output) throws Exception {
    var told = new ArrayList<Entry>();
    for (int i = 0; i < AT_ONCE; i++) {
      told.add(enter(purses, key, "burst-" + i, output));
    }
    for (int wait = 0; wait < Purses.FUNDING_WAITS_MAX; wait++) {
      var funded = new CountDownLatch(1);
      assertThat(purses.whenFunded(key.tenant().id(), funded::countDown)).isTrue();
      assertThat(funded.await(20, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < AT_ONCE; i++) {
        if (told.get(i) instanceof Entry.Funding) {
          told.set(i, enter(purses, key, "burst-" + i, output));
        }
      }
    }
    return told;
  }

  @Test
  void aBurstOfATenantWithMoneyIsServedAsAWhole() throws Exception {
    Key key = tenant("bursting", 1_000_000_000);
    try (var purses = Purses.start(ledger, "gw-bursting", System::currentTimeMillis)) {
      // each may cost more than the usual slice
      assertThat(burst(purses, key, 3_000_000))
          .allSatisfy(entry -> assertThat(entry).isInstanceOf(Entry.Entered.class));
    }
    ledger.returnHolds("gw-bursting");
  }

  @Test
  void whatOthersHoldIsNotGone() throws Exception {
    Key key = tenant("sharing", 1_000);
    try (var purses = Purses.start(ledger, "gw-sharing", System::currentTimeMillis)) {
      List<Entry> told = burst(purses, key, 100);
      assertThat(told)
          .anySatisfy(entry -> assertThat(entry).isInstanceOf(Entry.Entered.class))
          .anySatisfy(entry -> assertThat(entry).isInstanceOf(Entry.Reserved.class))
          .noneSatisfy(entry -> assertThat(entry).isInstanceOf(Entry.NoMoney.class));
      for (Entry entry : told) {
        if (entry instanceof Entry.Entered(Purses.Ticket ticket)) {
          ticket.abandon();
        }
      }
      assertThat(enter(purses, key, "later", 100)).isInstanceOf(Entry.Entered.class);
      assertThat(enter(purses, key, "too-much", 100)).isInstanceOf(Entry.Entered.class);
    }
    ledger.returnHolds("gw-sharing");
    Key poor = tenant("poor", 0);
    try (var purses = Purses.start(ledger, "gw-poor", System::currentTimeMillis)) {
      assertThat(burst(purses, poor, 100))
          .allSatisfy(entry -> assertThat(entry).isInstanceOf(Entry.NoMoney.class));
    }
  }

  /// A database that dies before or after it has done what it was told, and says neither.
  private static final class Mute implements SliceSource {
    private final AtomicInteger deafCalls = new AtomicInteger(); // it does nothing
    private final AtomicInteger muteCalls = new AtomicInteger(); // it does it, and does not say so

    private <T> T lost(Supplier<T> move) {
      if (deafCalls.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw new BooksException("gone before");
      }
      T answer = move.get();
      if (muteCalls.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw new BooksException("gone after");
      }
      return answer;
    }

    @Override
    public long hold(String gateway, String tenant, long want, Instant end, String reference) {
      return lost(() -> ledger.hold(gateway, tenant, want, end, reference));
    }

    @Override
    public void giveBack(String gateway, String tenant, long micros, String reference) {
      assertThat(
              lost(
                  () -> {
                    ledger.giveBack(gateway, tenant, micros, reference);
                    return true;
                  }))
          .isTrue();
    }

    @Override
    public long holdBudget(
        String gateway,
        String tenant,
        String project,
        String period,
        long want,
        Instant end,
        String reference) {
      return lost(() -> ledger.holdBudget(gateway, tenant, project, period, want, end, reference));
    }

    @Override
    public void giveBackBudget(
        String gateway, String tenant, String project, String period, long back, String reference) {
      assertThat(
              lost(
                  () -> {
                    ledger.giveBackBudget(gateway, tenant, project, period, back, reference);
                    return true;
                  }))
          .isTrue();
    }
  }

  /// Waits until the thread of the purses has looked at everything as it is now.
  private static void settle(Purses purses, String tenant) throws Exception {
    for (int i = 0; i < 3; i++) {
      var looked = new CountDownLatch(1);
      assertThat(purses.whenFunded(tenant, looked::countDown)).isTrue();
      assertThat(looked.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static Ticket entered(Purses purses, Key key, String id, int output) throws Exception {
    for (int i = 0; i < 100; i++) {
      if (enter(purses, key, id, output) instanceof Entry.Entered(Ticket ticket)) {
        return ticket;
      }
      settle(purses, key.tenant().id());
    }
    throw new AssertionError("never entered");
  }

  @Test
  void aReturnWhoseAnswerIsLostIsMadeOnce() throws Exception {
    Key key = tenant("returning", 5_000_000);
    var now = new AtomicLong(System.currentTimeMillis());
    var mute = new Mute();
    try (var purses = Purses.start(mute, "gw-returning", now::get)) {
      entered(purses, key, "once", 100).abandon();
      settle(purses, "returning");
      mute.muteCalls.set(2);
      now.addAndGet(61_000);
      settle(purses, "returning");
      assertThat(mute.muteCalls).as("a return was told to nobody").hasValueLessThan(2);
      assertThat(purses.state("returning")).as("nobody knows").containsExactly(0, 0);
      now.addAndGet(1_000);
      settle(purses, "returning");
      now.addAndGet(1_000);
      settle(purses, "returning");
      assertThat(ledger.balance("returning")).isEqualTo(new Ledger.Balance(5_000_000, 0, 0));
      entered(purses, key, "again", 5_000_000 - 1).abandon();
      assertThat(purses.state("returning")).containsExactly(5_000_000, 0);
    }
    assertThat(ledger.returnHolds("gw-returning")).isEqualTo(5_000_000);
  }

  @Test
  void aSliceWhoseAnswerIsLostIsMovedOnce() throws Exception {
    Key key = tenant("asking", 5_000_000);
    var mute = new Mute();
    mute.muteCalls.set(3);
    try (var purses = Purses.start(mute, "gw-asking", System::currentTimeMillis)) {
      entered(purses, key, "once", 100).abandon();
      settle(purses, "asking");
      long[] here = purses.state("asking");
      assertThat(ledger.balance("asking").heldMicros()).isEqualTo(here[0] + here[1]);
    }
    ledger.returnHolds("gw-asking");
  }

  /// A gateway that serves on while the books are away for longer than its lease holds nothing that
  /// the ledger has taken back meanwhile.
  @Test
  void whatIsLeftOfALeaseThatHasEndedIsNotSpentUnderTheNextOne() throws Exception {
    Key key = tenant("lapsing", 5_000_000);
    var now = new AtomicLong(System.currentTimeMillis());
    var mute = new Mute();
    try (var purses = Purses.start(mute, "gw-lapsing", now::get)) {
      entered(purses, key, "first", 1_000_000).abandon();
      mute.deafCalls.set(Integer.MAX_VALUE);
      long until = now.get() + Ledger.LEASE_MS + Ledger.LEASE_GRACE_MS + 60_000;
      for (int i = 0; now.get() < until; i++) {
        now.addAndGet(30_000); // it is never idle
        if (enter(purses, key, "away-" + i, 100) instanceof Entry.Entered(Ticket ticket)) {
          ticket.abandon();
        }
      }
      assertThat(ledger.returnExpired(Instant.ofEpochMilli(now.get()))).isPositive();
      assertThat(ledger.balance("lapsing").heldMicros()).isZero();
      mute.deafCalls.set(0);
      entered(purses, key, "again", 100).abandon();
      settle(purses, "lapsing");
      long[] here = purses.state("lapsing");
      assertThat(here[0] + here[1]).isEqualTo(ledger.balance("lapsing").heldMicros());
    }
    ledger.returnHolds("gw-lapsing");
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void whateverAnswersAreLostNothingIsLostOrDoubled(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    String tenant = "lossy-" + seed;
    long credit = 50_000_000;
    tenant(tenant, credit);
    tenants.budget(ME, tenant, Tenants.DEFAULT_PROJECT, new SpendingCap(credit, Per.TOTAL));
    Key key = tenants.directory().find(tenant, System.currentTimeMillis());
    assertThat(key).isNotNull();
    if (key == null) {
      return;
    }
    var now = new AtomicLong(System.currentTimeMillis());
    var mute = new Mute();
    long spent = 0;
    try (var purses = Purses.start(mute, "gw-" + tenant, now::get)) {
      entered(purses, key, tenant, 1).abandon();
      for (int step = 0; step < 60; step++) {
        switch (random.nextInt(4)) {
          case 0 -> mute.deafCalls.set(random.nextInt(3));
          case 1 -> mute.muteCalls.set(random.nextInt(3));
          case 2 -> now.addAndGet(random.nextLong(70_000));
          default -> {
            Ticket ticket = entered(purses, key, tenant + "-" + step, random.nextInt(2_000_000));
            spent += ticket.settle(1, 0, random.nextInt(300_000)).micros();
          }
        }
        settle(purses, tenant);
      }
      mute.deafCalls.set(0);
      mute.muteCalls.set(0);
      for (int i = 0; i < 3; i++) {
        now.addAndGet(61_000);
        settle(purses, tenant);
      }
      assertThat(purses.state(tenant)).containsExactly(0, 0);
      assertThat(ledger.balance(tenant)).isEqualTo(new Ledger.Balance(credit - spent, spent, 0));
      assertThat(ledger.spending(tenant, Tenants.DEFAULT_PROJECT, Instant.ofEpochMilli(now.get())))
          .isEqualTo(new ProjectBudgets.Spending(0, 0, spent));
    }
    ledger.returnHolds("gw-" + tenant);
  }

  @Test
  void aStreamThatOverspendsIsCutWithinOneChunkOfItsBudget() throws Exception {
    Key key = key("spender", "spender-secret");
    tenants.credit(ME, "spender", 1_000, "spender-1", "");
    try (var purses = Purses.start(ledger, "gw-cut", System::currentTimeMillis)) {
      Entry entry = enter(purses, key, "cut-1", 100, 100_000);
      assertThat(entry).isInstanceOf(Entry.Entered.class);
      if (entry instanceof Entry.Entered(Purses.Ticket ticket)) {
        int passed = 0;
        while (ticket.passes(7)) {
          passed += 7;
        }
        assertThat(passed).isEqualTo(896); // 900 tokens are paid for after a prompt of 100
        assertThat(ticket.settle(100, 0, passed).micros()).isEqualTo(996);
        assertThat(ticket.settle(100, 0, passed).micros()).isZero();
      }
      assertThat(enter(purses, key, "cut-2", 100, 10)).isInstanceOf(Entry.NoMoney.class);
      assertThat(purses.state("spender")).containsExactly(4, 0);
      tenants.credit(ME, "spender", 1_000, "spender-2", "");
      until(
          () -> {
            try {
              return enter(purses, key, "cut-3", 100, 10) instanceof Entry.Entered;
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          });
    }
    assertThat(ledger.returnHolds("gw-cut")).isPositive();
  }

  @Test
  void aLedgerThatHasSaidNothingIsAskedAgainAfterAWhileAndNotByEachRequest() throws Exception {
    Key key = key("again", "again-secret");
    var now = new AtomicLong(System.currentTimeMillis());
    try (var purses = Purses.start(ledger, "gw-again", now::get)) {
      assertThat(enter(purses, key, "a1", 1, 1)).isEqualTo(new Entry.NoMoney(2, false));
      tenants.credit(ME, "again", 1_000, "again-1", "");
      now.addAndGet(249);
      assertThat(enter(purses, key, "a2", 1, 1)).isEqualTo(new Entry.NoMoney(2, false));
      now.addAndGet(1);
      assertThat(enter(purses, key, "a3", 1, 1)).isInstanceOf(Entry.Entered.class);
    }
    ledger.returnHolds("gw-again");
  }

  @Test
  void limitsOfTheTenantHoldOverItsKeysAndNothingIsSoldWithoutAPrice() throws Exception {
    Key key = key("limited", "limited-secret");
    tenants.credit(ME, "limited", 1_000_000, "limited-1", "");
    tenants.limit(
        ME,
        "limited",
        null,
        null,
        null,
        new Limits(RateLimiter.UNLIMITED, RateLimiter.UNLIMITED, RateLimiter.UNLIMITED, 1));
    Key limited = find("limited-secret");
    assertThat(key.tenant().limits()).isEqualTo(Limits.NONE);
    try (var purses = Purses.start(ledger, "gw-limit", System::currentTimeMillis)) {
      Entry first = enter(purses, limited, "l1", 1, 1);
      assertThat(first).isInstanceOf(Entry.Entered.class);
      assertThat(enter(purses, limited, "l2", 1, 1))
          .isInstanceOfSatisfying(
              Entry.Limited.class,
              no -> {
                assertThat(no.scope()).isEqualTo(2);
                assertThat(no.limit()).isEqualTo(Quota.Limit.CONCURRENT);
              });
      if (first instanceof Entry.Entered(Purses.Ticket ticket)) {
        ticket.abandon();
      }
      assertThat(enter(purses, limited, "l3", 1, 1)).isInstanceOf(Entry.Entered.class);
      assertThat(
              purses.enter(
                  limited, new PriceList(List.of()), "l4", "m", ServiceTier.STANDARD, 1, 1))
          .isEqualTo(new Entry.NotSold("m", ServiceTier.STANDARD));
    }
  }
}
