package org.aigrid.bench.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.charge.Price;
import org.aigrid.live.books.BookKeeper;
import org.aigrid.live.books.Database;
import org.aigrid.live.books.DirectoryKeeper;
import org.aigrid.live.books.Journal;
import org.aigrid.live.books.Ledger;
import org.aigrid.live.books.Purses;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.TenantResidencies;
import org.aigrid.live.books.Tenants;
import org.aigrid.live.gateway.Tenancy;
import org.aigrid.live.proof.LogSettings;
import org.aigrid.live.proof.Offer;
import org.aigrid.live.proof.TransparencyLog;

/// A tenant with everything on, as `grid up --data` would open it: limits that do not bind, money
/// that does not end, a policy, the journal on the disk of the benchmark's folder, books and
/// receipts.
final class BenchAccounts {
  private static final String TENANT = "bench";
  private static final long MUCH_MICROS = 1_000_000_000_000_000L;

  private BenchAccounts() {}

  /// @param apart what stands behind the journal stands still: the journal fills, and receipts are
  ///   made and dropped
  static Tenancy open(Path folder, boolean apart) throws IOException {
    Files.createDirectories(folder);
    Database database = Database.embedded(folder.resolve("books"));
    var tenants = new Tenants(database);
    tenants.create("bench", TENANT, "Bench", true);
    tenants.price(
        "bench", "*", null, new Price(1_000_000, 500_000, 4_000_000), java.time.Instant.now());
    boolean fresh = tenants.credit("bench", TENANT, MUCH_MICROS, "bench", "");
    if (!fresh) {
      throw new IllegalStateException("the folder " + folder + " is not fresh");
    }
    tenants.policy(
        "bench",
        TENANT,
        null,
        java.util.List.of(),
        "permit (principal, action, resource) when { resource.jurisdiction == \"JP\" };");
    tenants.limit(
        "bench",
        TENANT,
        null,
        null,
        null,
        new Limits(1_000_000, 60_000_000, 60_000_000_000L, 100_000));
    tenants.key(
        "bench",
        "bench-1",
        TENANT,
        Tenants.DEFAULT_PROJECT,
        TenantDirectory.hash(Measure.KEY),
        Set.of("inference"),
        Limits.NONE,
        null);
    var ledger = new Ledger(database);
    Journal journal = Journal.open(folder.resolve("journal"), Journal.Settings.USUAL);
    if (!apart) {
      BookKeeper.start(ledger, journal, "gateway");
    }
    DirectoryKeeper directory = DirectoryKeeper.start(tenants, _ -> {});
    Purses purses = Purses.start(ledger, "gateway", System::currentTimeMillis);
    TransparencyLog log =
        TransparencyLog.open(
            LogSettings.under(folder, "bench.local/log"), System::currentTimeMillis);
    return new Tenancy(
        directory::current,
        purses,
        journal,
        new TenantResidencies("JP"),
        null,
        log::digestsOf,
        receipt -> {
          if (!apart && log.offer(receipt) == Offer.CLOSED) {
            throw new IllegalStateException("the log is closed");
          }
        },
        "bench",
        null);
  }
}
