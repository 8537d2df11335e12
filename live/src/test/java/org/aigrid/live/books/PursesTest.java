package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.charge.SpendingCap.Per;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.Purses.Ticket;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PursesTest {
  private static final String ME = "admin@example";
  private static final int AT_ONCE = 50;

  /// A token costs a micro.
  private static final PriceList PRICES = PriceList.of(new Price(1_000_000, 1_000_000, 1_000_000));

  @TempDir static Path folder;
  private static Database database;
  private static Tenants tenants;
  private static Ledger ledger;

  @BeforeAll
  static void open() {
    database = Database.embedded(folder);
    tenants = new Tenants(database);
    ledger = new Ledger(database);
  }

  @AfterAll
  static void close() {
    assertThat(ledger.check()).isEmpty();
    database.close();
  }

  private static Key tenant(String tenant, long micros) {
    tenants.create(ME, tenant, tenant, true);
    tenants.key(
        ME,
        "key-" + tenant,
        tenant,
        Tenants.DEFAULT_PROJECT,
        TenantDirectory.hash(tenant),
        Set.of("inference"),
        Limits.NONE,
        null);
    if (micros > 0) {
      tenants.credit(ME, tenant, micros, tenant, "");
    }
    Key key = tenants.directory().find(tenant, System.currentTimeMillis());
    if (key == null) {
      throw new AssertionError("no key");
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
          .isEqualTo(new Ledger.Spending(0, 0, spent));
    }
    ledger.returnHolds("gw-" + tenant);
  }
}
