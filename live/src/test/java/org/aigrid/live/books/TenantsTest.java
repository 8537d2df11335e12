package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.admit.Role;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.TenantDirectory.Key;
import org.junit.jupiter.api.Test;

class TenantsTest extends WithBooks {
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
    tenants.limit(ME, "ministry", null, ServiceTier.STANDARD, 7, null);
    tenants.policy(ME, "ministry", null, List.of("JP"), "permit (jurisdiction == \"JP\");");
    tenants.project(ME, "ministry", "tax");
    tenants.policy(ME, "ministry", "tax", List.of("JP"), "");
    tenants.limit(
        ME, "ministry", "tax", null, null, new Limits(5, RateLimiter.UNLIMITED, 1_000, 2));
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
}
