package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import java.time.YearMonth;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Quota;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Journal.Position;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TenantsTest {
  private static final String ME = "admin@example";
  private static final Instant LATER = Instant.now().plusSeconds(3_600);

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

  private static Key key(String tenant, String secret) {
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

  private static Key find(String secret) {
    Key key = tenants.directory().find(secret, System.currentTimeMillis());
    if (key == null) {
      throw new AssertionError("no key");
    }
    return key;
  }

  @Test
  void aKeyIsRotatedWithoutATimeInWhichNeitherWorks() {
    key("rotating", "old");
    long now = System.currentTimeMillis();
    tenants.rotate(
        ME,
        "key-rotating",
        "key-2",
        TenantDirectory.hash("new"),
        Instant.ofEpochMilli(now + 60_000));
    TenantDirectory directory = tenants.directory();
    assertThat(directory.find("old", now)).isNotNull();
    assertThat(directory.find("new", now)).isNotNull();
    assertThat(directory.find("old", now + 60_001)).isNull();
    assertThat(directory.find("new", now + 60_001)).isNotNull();
    assertThat(directory.find("guess", now)).isNull();
    tenants.revoke(ME, "key-2");
    assertThat(tenants.directory().find("new", now)).isNull();
    assertThat(tenants.actions(3))
        .extracting(Tenants.AdminAction::action)
        .containsExactly("key.revoke", "key.rotate", "key.create");
    assertThatThrownBy(() -> tenants.revoke(ME, "none")).hasMessageContaining("no key 'none'");
  }

  @Test
  void aClosedTenantsKeysOpenNothing() {
    Key key = key("closing", "closing-secret");
    assertThat(key.tenant().active()).isTrue();
    tenants.activate(ME, "closing", false);
    assertThat(tenants.directory().find("closing-secret", 0)).isNull();
  }

  @Test
  void whatATenantIsStandsInTheDirectory() {
    key("ministry", "ministry-secret");
    tenants.ceiling(ME, "ministry", ServiceTier.STANDARD);
    tenants.weight(ME, "ministry", 7);
    tenants.policy(ME, "ministry", null, List.of("JP"), "permit (jurisdiction == \"JP\");");
    tenants.project(ME, "ministry", "tax");
    tenants.policy(ME, "ministry", "tax", List.of("JP"), "");
    tenants.limits(ME, "ministry", "tax", new Limits(5, RateLimiter.UNLIMITED, 1_000, 2));
    tenants.role(ME, "ministry", "auditor@example", "auditor");
    TenantDirectory directory = tenants.directory();
    TenantDirectory.Tenant tenant = find("ministry-secret").tenant();
    assertThat(tenant.weight()).isEqualTo(7);
    assertThat(tenant.jurisdictions()).containsExactly("JP");
    assertThat(tenant.policy()).startsWith("permit");
    assertThat(tenant.tier(ServiceTier.REALTIME)).isEqualTo(ServiceTier.STANDARD);
    assertThat(tenant.tier(ServiceTier.HARVEST)).isEqualTo(ServiceTier.HARVEST);
    assertThat(directory.project("ministry", "tax"))
        .isNotNull()
        .satisfies(
            project ->
                assertThat(project == null ? Limits.NONE : project.limits())
                    .isEqualTo(new Limits(5, RateLimiter.UNLIMITED, 1_000, 2)));
    assertThatThrownBy(() -> tenants.policy(ME, "ministry", null, List.of("Japan"), ""))
        .hasMessageContaining("two letters");
    assertThatThrownBy(() -> tenants.create(ME, "ministry", "again", true))
        .hasMessageContaining("exists already");
    assertThatThrownBy(() -> tenants.create(ME, "no spaces", "", true))
        .hasMessageContaining("64 letters");
  }

  @Test
  void aPriceHoldsFromItsMomentOn() {
    long now = System.currentTimeMillis();
    tenants.price(ME, "m-price", null, new Price(1, 1, 1), Instant.ofEpochMilli(now - 1_000));
    tenants.price(ME, "m-price", null, new Price(2, 2, 2), Instant.ofEpochMilli(now + 1_000));
    TenantDirectory directory = tenants.directory();
    assertThat(price(directory.prices(now - 2_000))).isEqualTo(Price.FREE);
    assertThat(price(directory.prices(now))).isEqualTo(new Price(1, 1, 1));
    assertThat(price(directory.prices(now + 1_000))).isEqualTo(new Price(2, 2, 2));
  }

  private static Price price(PriceList list) {
    PriceList.Line line = list.of("m-price", ServiceTier.STANDARD);
    return line == null ? Price.FREE : line.price();
  }

  @Test
  void theDirectoryIsFreshSoonAndStaysWhenTheDatabaseIsAway() throws Exception {
    Path other = folder.resolve("other");
    try (Database own = Database.embedded(other)) {
      var there = new Tenants(own);
      var changed = new CountDownLatch(1);
      try (var keeper = DirectoryKeeper.start(there, _ -> changed.countDown())) {
        there.create(ME, "fresh", "Fresh", true);
        assertThat(changed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(keeper.current().tenant("fresh")).isNotNull();
        own.close();
        Thread.sleep(3 * DirectoryKeeper.PERIOD.toMillis());
        assertThat(keeper.current().tenant("fresh")).isNotNull();
        assertThat(keeper.age()).isGreaterThan(DirectoryKeeper.PERIOD);
      }
    }
  }

  /// A purse that has entered as it must be, having waited for its first slice.
  private static Entry enter(Purses purses, Key key, String id, int prompt, int output)
      throws InterruptedException {
    PriceList prices = PriceList.of(new Price(1_000_000, 1_000_000, 1_000_000));
    Entry first = purses.enter(key, prices, id, "m", ServiceTier.STANDARD, prompt, output);
    if (!(first instanceof Entry.Funding)) {
      return first;
    }
    var funded = new CountDownLatch(1);
    assertThat(purses.whenFunded(key.tenant().id(), funded::countDown)).isTrue();
    assertThat(funded.await(20, TimeUnit.SECONDS)).isTrue();
    return purses.enter(key, prices, id, "m", ServiceTier.STANDARD, prompt, output);
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
      Thread.sleep(300);
      assertThat(enter(purses, key, "cut-3", 100, 10)).isInstanceOf(Entry.Entered.class);
    }
    assertThat(ledger.returnHolds("gw-cut")).isPositive();
  }

  @Test
  void limitsOfTheTenantHoldOverItsKeysAndNothingIsSoldWithoutAPrice() throws Exception {
    Key key = key("limited", "limited-secret");
    tenants.credit(ME, "limited", 1_000_000, "limited-1", "");
    tenants.limits(
        ME,
        "limited",
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

  @Test
  void usageIsSummedAndExportedAsFocus() {
    tenants.create(ME, "focus", "Focus, \"quoted\"", true);
    tenants.credit(ME, "focus", 10_000_000, "focus-1", "");
    UsageRecord full = Records.of("f1", "focus", 1_200);
    UsageRecord second = Records.of("f2", "focus", 300);
    var cheap =
        new UsageRecord(
            "f3",
            "focus",
            "default",
            "k",
            "llama-3.1-8b",
            ServiceTier.HARVEST,
            "hub",
            "JP",
            "operator",
            "1",
            10,
            0,
            5,
            100,
            700,
            "",
            "complete",
            full.begunAtMs(),
            full.endedAtMs());
    ledger.hold("gw-focus", "focus", 5_000, LATER);
    ledger.apply("gw-focus", "jf", List.of(full, second, cheap), new Position(1, 1));
    var reports = new UsageReports(database);
    YearMonth month = UsageReports.monthOf(Instant.ofEpochMilli(full.endedAtMs()));
    assertThat(month).isEqualTo(YearMonth.of(2023, 11));
    assertThat(
            reports.csv(
                new UsageReports.Query("focus", null, month, List.of("model", "site", "day"))))
        .isEqualTo(
            """
            model,site,day,requests,prompt_tokens,cached_tokens,output_tokens,charged,list
            llama-3.1-8b,cell-1,2023-11-14,2,200,40,60,0.0015,0.0015
            llama-3.1-8b,hub,2023-11-14,1,10,0,5,0.0001,0.0007
            """);
    List<String> lines = reports.focusCsv("focus", month).lines().toList();
    List<String> head = Arrays.asList(lines.getFirst().split(","));
    assertThat(head).startsWith(UsageReports.FOCUS_COLUMNS.toArray(String[]::new));
    assertThat(UsageReports.FOCUS_COLUMNS).hasSize(57).doesNotHaveDuplicates();
    assertThat(head.subList(57, head.size())).allMatch(column -> column.startsWith("x_"));
    assertThat(lines).hasSize(4); // head, two of usage, one credit
    assertThat(lines.get(3))
        .contains("\"Focus, \"\"quoted\"\"\"", "2023-11-14T00:00:00Z", ",0.0015,");
    String credit = lines.stream().filter(line -> line.contains(",Credit,")).findFirst().orElse("");
    assertThat(credit.split(",-0.0006", -1)).as("every cost of the credit").hasSize(6);
    assertThat(reports.focusJson("focus", month)).contains("\"CommitmentDiscountId\":null");
    assertThatThrownBy(() -> new UsageReports.Query(null, null, month, List.of("colour")))
        .hasMessageContaining("'colour' (expected:");
  }
}
