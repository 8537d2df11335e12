package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
}
