package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Quota;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.admit.Role;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.charge.SpendingCap.Per;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Journal.Position;
import org.aigrid.live.books.Purses.Entry;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TenantsTest {
  private static final String ME = "admin@example";
  // PostgreSQL keeps microseconds
  private static final Instant LATER =
      Instant.now().truncatedTo(ChronoUnit.MILLIS).plusSeconds(3_600);

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
    Tenants.Rotated rotated =
        tenants.rotate(
            ME,
            "key-rotating",
            "key-2",
            TenantDirectory.hash("new"),
            null,
            Instant.ofEpochMilli(now + 60_000));
    assertThat(rotated)
        .isEqualTo(new Tenants.Rotated("key-2", null, Instant.ofEpochMilli(now + 60_000)));
    TenantDirectory directory = tenants.directory();
    for (long at = now; at < now + 120_000; at += 1_000) {
      assertThat(directory.find("old", at) != null || directory.find("new", at) != null)
          .as("%d ms after", at - now)
          .isTrue();
    }
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

  private static Tenants.KeyRow row(String tenant, String id) {
    return tenants.keys(tenant).stream()
        .filter(key -> key.id().equals(id))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aSuccessorHasTheRightsOfItsPredecessorAndAsLongALife() {
    tenants.create(ME, "heirs", "Heirs", true);
    var limits = new Limits(7, RateLimiter.UNLIMITED, RateLimiter.UNLIMITED, 3);
    Instant end = LATER.plusSeconds(90 * 86_400);
    byte[] secret = TenantDirectory.hash("heirs-1");
    tenants.key(ME, "heir-9", "heirs", "default", secret, Set.of("usage"), limits, end);
    Tenants.Rotated next =
        tenants.rotate(ME, "heir-9", null, TenantDirectory.hash("heirs-2"), null, LATER);
    assertThat(next.id()).isEqualTo("heir-10");
    Tenants.KeyRow heir = row("heirs", "heir-10");
    assertThat(heir.scopes()).containsExactly("usage");
    assertThat(heir.limits()).isEqualTo(limits);
    assertThat(heir.replaces()).isEqualTo("heir-9");
    assertThat(heir.expires()).isBetween(end.minusSeconds(1), end.plusSeconds(60));
    assertThat(row("heirs", "heir-9").expires()).isBeforeOrEqualTo(LATER);
    Instant sooner = LATER.minusSeconds(600);
    Tenants.Rotated third =
        tenants.rotate(ME, "heir-10", null, TenantDirectory.hash("heirs-3"), sooner, end);
    assertThat(third.expires()).isEqualTo(sooner);
    assertThat(third.oldUntil()).as("an overlap prolongs no key").isBeforeOrEqualTo(heir.expires());
  }

  @Test
  void aSecondRotationGivesAsLongALifeAsTheFirst() {
    tenants.create(ME, "lives", "Lives", true);
    Instant end = LATER.plusSeconds(90 * 86_400);
    for (Instant until : new Instant[] {end, null}) {
      String id = until == null ? "for-ever" : "for-a-season";
      Set<String> scope = Set.of("inference");
      byte[] secret = TenantDirectory.hash(id);
      tenants.key(ME, id, "lives", "default", secret, scope, Limits.NONE, until);
      tenants.revoke(
          ME, tenants.rotate(ME, id, null, TenantDirectory.hash(id + 1), null, LATER).id());
      Tenants.Rotated again =
          tenants.rotate(ME, id, null, TenantDirectory.hash(id + 2), null, LATER);
      if (until == null) {
        assertThat(again.expires()).isNull();
      } else {
        assertThat(again.expires()).isBetween(until.minusSeconds(1), until.plusSeconds(60));
      }
      assertThat(row("lives", id).expires()).isEqualTo(LATER);
    }
  }

  @Test
  void onlyAKeyInUseThatHasNoSuccessorIsRotated() {
    key("lineage", "lineage-1");
    tenants.rotate(ME, "key-lineage", null, TenantDirectory.hash("lineage-2"), null, LATER);
    assertThatThrownBy(
            () ->
                tenants.rotate(
                    ME, "key-lineage", null, TenantDirectory.hash("lineage-3"), null, LATER))
        .hasMessageContaining("was replaced by 'key-lineage-2'");
    tenants.revoke(ME, "key-lineage-2");
    assertThat(
            tenants
                .rotate(ME, "key-lineage", null, TenantDirectory.hash("lineage-4"), null, LATER)
                .id())
        .as("the ids of revoked keys are not used again")
        .isEqualTo("key-lineage-3");
    assertThatThrownBy(
            () ->
                tenants.rotate(
                    ME, "key-lineage-2", null, TenantDirectory.hash("lineage-5"), null, LATER))
        .hasMessageContaining("opens nothing any more");
  }

  @Test
  void aScopeThatMeansNothingIsRefusedAndNotStored() {
    tenants.create(ME, "scoped", "Scoped", true);
    for (Set<String> wrong : List.of(Set.of("batch"), Set.of("usage", "admin"), Set.<String>of())) {
      assertThatThrownBy(
              () ->
                  tenants.key(
                      ME,
                      "scoped-1",
                      "scoped",
                      "default",
                      TenantDirectory.hash("scoped"),
                      wrong,
                      Limits.NONE,
                      null))
          .as("%s", wrong)
          .hasMessageContaining("expected: some of [inference, usage]");
    }
    assertThatThrownBy(
            () ->
                tenants.key(
                    ME,
                    "scoped-1",
                    "scoped",
                    "default",
                    TenantDirectory.hash("scoped"),
                    Set.of("usage"),
                    Limits.NONE,
                    Instant.now().minusSeconds(1)))
        .hasMessageContaining("is over");
    assertThat(tenants.keys("scoped")).isEmpty();
    assertThatThrownBy(
            () ->
                database
                    .jdbi()
                    .useHandle(
                        h ->
                            h.execute(
                                "insert into api_keys (id, tenant, project, sha256, scopes) values"
                                    + " ('x', 'scoped', 'default', sha256('x'), '{batch}')")))
        .as("the database refuses it, too")
        .hasMessageContaining("api_keys_scopes_check");
  }

  @Test
  void rolesStandInTheDirectoryAndAreTakenAwayInIt() {
    tenants.create(ME, "people", "People", true);
    tenants.create(ME, "others", "Others", true);
    tenants.role(ME, "people", "ann", "auditor");
    tenants.role(ME, "people", "*", "none");
    long before = tenants.revision();
    TenantDirectory directory = tenants.directory();
    assertThat(directory.role("people", "ann")).isEqualTo(Role.AUDITOR);
    assertThat(directory.role("people", "bob")).isEqualTo(Role.NONE);
    assertThat(directory.role("others", "ann")).isEqualTo(Role.MEMBER);
    tenants.role(ME, "people", "ann", "none");
    assertThat(tenants.revision()).as("gateways see that it changed").isGreaterThan(before);
    assertThat(tenants.directory().role("people", "ann")).isEqualTo(Role.NONE);
    assertThat(tenants.members("people"))
        .containsExactly(new Tenants.MemberRow("*", "none"), new Tenants.MemberRow("ann", "none"));
    assertThatThrownBy(() -> tenants.role(ME, "people", "ann", "root"))
        .hasMessageContaining("member, auditor or none");
    assertThatThrownBy(() -> tenants.role(ME, "people", " ", "admin"))
        .hasMessageContaining("1 to 256");
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
        // it has looked in vain by then
        until(() -> keeper.age().compareTo(DirectoryKeeper.PERIOD.multipliedBy(2)) > 0);
        assertThat(keeper.current().tenant("fresh")).isNotNull();
      }
    }
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 20 s");
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
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
    Key key = key("asking", "asking-secret");
    var now = new AtomicLong(System.currentTimeMillis());
    try (var purses = Purses.start(ledger, "gw-asking", now::get)) {
      assertThat(enter(purses, key, "a1", 1, 1)).isEqualTo(new Entry.NoMoney(2, false));
      tenants.credit(ME, "asking", 1_000, "asking-1", "");
      now.addAndGet(249);
      assertThat(enter(purses, key, "a2", 1, 1)).isEqualTo(new Entry.NoMoney(2, false));
      now.addAndGet(1);
      assertThat(enter(purses, key, "a3", 1, 1)).isInstanceOf(Entry.Entered.class);
    }
    ledger.returnHolds("gw-asking");
  }

  @Test
  void questionsAboutUsageWaitWithinBoundsAndNoTenantTakesThemAll() throws Exception {
    YearMonth month = YearMonth.of(2026, 11);
    var answers = new ConcurrentLinkedQueue<TenantUsage.Answer>();
    var held = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    Thread locker =
        Thread.ofVirtual()
            .start(
                () ->
                    database
                        .jdbi()
                        .useTransaction(
                            handle -> {
                              handle.execute("lock table requests in access exclusive mode");
                              held.countDown();
                              await(release);
                            }));
    int taken = 0;
    try (var usage = new TenantUsage(new UsageReports(database))) {
      assertThat(held.await(20, TimeUnit.SECONDS)).isTrue();
      for (int tenant = 0; tenant < 100; tenant++) {
        int ofTenant = 0;
        for (int i = 0; i < 10; i++) {
          var question =
              new TenantUsage.Question(
                  "t" + tenant, null, month, List.of("day"), TenantUsage.Format.JSON);
          ofTenant += usage.ask(question, answers::add) ? 1 : 0;
        }
        assertThat(ofTenant).isLessThanOrEqualTo(TenantUsage.OF_TENANT_MAX);
        assertThat(ofTenant).as("the first is served").isEqualTo(tenant == 0 ? 4 : ofTenant);
        taken += ofTenant;
      }
      assertThat(taken).isBetween(TenantUsage.WAITING_MAX, TenantUsage.WAITING_MAX + 2);
      release.countDown();
      int expected = taken;
      until(() -> answers.size() == expected);
      assertThat(answers).allMatch(answer -> answer instanceof TenantUsage.Answer.Text);
      var after =
          new TenantUsage.Question("t0", null, month, List.of("day"), TenantUsage.Format.FOCUS);
      assertThat(usage.ask(after, answers::add)).as("what was answered is not counted").isTrue();
      until(() -> answers.size() == expected + 1);
    } finally {
      release.countDown();
      assertThat(locker.join(Duration.ofSeconds(20))).isTrue();
    }
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
        .isEqualTo(new Ledger.Spending(996, 996, 0));
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
    String month = Ledger.month(at);
    assertThat(ledger.holdBudget("gw-sw", "switching", "p", month, 400, LATER)).isEqualTo(400);
    capped("switching", "p", 1_000, Per.TOTAL);
    assertThat(ledger.holdBudget("gw-sw", "switching", "p", "total", 300, LATER)).isEqualTo(300);
    ledger.apply("gw-sw", "j-sw", List.of(spent("sw1", key, 100, now)), at(1));
    assertThat(ledger.spending("switching", "p", at))
        .as("100 of what is out is spent, once")
        .isEqualTo(new Ledger.Spending(100, 100, 600));
    assertThat(ledger.holdBudget("gw-sw-2", "switching", "p", "total", 1_000, LATER))
        .isEqualTo(300);
    ledger.returnHolds("gw-sw");
    ledger.returnHolds("gw-sw-2");
  }

  @Test
  void aTokenThatAnotherGridRevokesIsRefusedHereToo() {
    var here = new AdminTokens(database);
    var there = new AdminTokens(database);
    try (var keeper = DirectoryKeeper.start(tenants, _ -> here.refresh())) {
      there.create(ME, "elsewhere", TenantDirectory.hash("elsewhere"), null);
      until(() -> "elsewhere".equals(here.find("elsewhere", 0)));
      there.revoke(ME, "elsewhere");
      until(() -> here.find("elsewhere", 0) == null);
      assertThat(keeper.reachable()).isTrue();
    }
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
          .isEqualTo(new Ledger.Spending(500, 500, 0));
      assertThat(ledger.spending("months", "p", Instant.ofEpochMilli(now.get())))
          .isEqualTo(new Ledger.Spending(0, 500, 500));
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
        .isEqualTo(new Ledger.Spending(0, 0, 0));
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
    Ledger.Spending spending = ledger.spending(tenant, "p", Instant.now());
    assertThat(spending.totalMicros()).isEqualTo(charged.get()).isLessThanOrEqualTo(budget);
    assertThat(spending.totalMicros() + spending.heldMicros()).isLessThanOrEqualTo(budget);
    assertThat(
            ledger.holdBudget("gw-last-" + seed, tenant, "p", "total", Long.MAX_VALUE / 8, LATER))
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
            held += ledger.holdBudget(gateway, tenant, "p", "total", random.nextLong(900), LATER);
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
          ledger.giveBackBudget(gateway, tenant, "p", "total", back);
        }
      }
    }
    ledger.apply(gateway, gateway, journal, at(1_000));
    return charged;
  }

  @Test
  void aQuestionAboutUsageThatTakesTooLongIsRefusedWithAdvice() {
    var hasty = new UsageReports(database, 100);
    var query = new UsageReports.Query(null, null, YearMonth.of(2026, 11), List.of("tenant"));
    try (var other = database.jdbi().open()) {
      other.useTransaction(
          handle -> {
            handle.execute("lock table requests in access exclusive mode");
            assertThatThrownBy(() -> hasty.rows(query))
                .isInstanceOf(BooksException.class)
                .hasMessageContaining("expected: fewer dimensions");
          });
    }
    assertThat(hasty.rows(query)).isNotNull();
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
    assertThat(reports.list(new UsageReports.Query("focus", null, month, List.of("site"))))
        .isEqualTo(
            "{\"object\":\"list\",\"month\":\"2023-11\",\"currency\":\"JPY\",\"data\":["
                + "{\"object\":\"usage\",\"site\":\"cell-1\",\"num_model_requests\":2,"
                + "\"input_tokens\":200,\"input_cached_tokens\":40,\"output_tokens\":60,"
                + "\"charged\":\"0.0015\",\"list\":\"0.0015\"},"
                + "{\"object\":\"usage\",\"site\":\"hub\",\"num_model_requests\":1,"
                + "\"input_tokens\":10,\"input_cached_tokens\":0,\"output_tokens\":5,"
                + "\"charged\":\"0.0001\",\"list\":\"0.0007\"}],\"has_more\":false}");
    assertThatThrownBy(
            () -> reports.csv(new UsageReports.Query("focus", null, month, List.of("site"), 1)))
        .hasMessageContaining("more than 1 rows");
    assertThatThrownBy(() -> new UsageReports.Query(null, null, month, List.of("colour")))
        .hasMessageContaining("'colour' (expected:");
  }
}
