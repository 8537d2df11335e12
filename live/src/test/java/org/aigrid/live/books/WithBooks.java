package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/// Tests of books with tenants, in an embedded PostgreSQL of the class's own. When all of a class's
/// tests are over, every rule of the books holds.
abstract class WithBooks {
  static final String ME = "admin@example";
  // PostgreSQL keeps microseconds
  static final Instant LATER = Instant.now().truncatedTo(ChronoUnit.MILLIS).plusSeconds(3_600);

  /// A token costs a micro.
  static final PriceList PRICES = PriceList.of(new Price(1_000_000, 1_000_000, 1_000_000));

  @TempDir static Path folder;
  static Database database;
  static Tenants tenants;
  static Ledger ledger;

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

  static Key key(String tenant, String secret) {
    tenants.create(ME, tenant, tenant, true);
    tenants.key(
        ME,
        "key-" + tenant,
        tenant,
        Tenants.DEFAULT_PROJECT,
        TenantDirectory.hash(secret),
        Set.of("inference"),
        Limits.NONE,
        null);
    return find(secret);
  }

  static Key find(String secret) {
    Key key = tenants.directory().find(secret, System.currentTimeMillis());
    if (key == null) {
      throw new AssertionError("no key");
    }
    return key;
  }

  static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 20 s");
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// A purse that has entered as it must be, having waited for its first slice.
  static Entry enter(Purses purses, Key key, String id, int prompt, int output)
      throws InterruptedException {
    Entry first = purses.enter(key, PRICES, id, "m", ServiceTier.STANDARD, prompt, output);
    if (!(first instanceof Entry.Funding)) {
      return first;
    }
    var funded = new CountDownLatch(1);
    assertThat(purses.whenFunded(key.tenant().id(), funded::countDown)).isTrue();
    assertThat(funded.await(20, TimeUnit.SECONDS)).isTrue();
    return purses.enter(key, PRICES, id, "m", ServiceTier.STANDARD, prompt, output);
  }
}
