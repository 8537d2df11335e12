package org.aigrid.live.books;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Role;
import org.aigrid.core.admit.Scope;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// What a gateway knows of tenants, keys and prices: one snapshot of the database, good until the
/// next one, whether the database is there or not. Immutable, safe for many threads. A look-up by
/// secret is one SHA-256 and one hash look-up, about 1 us; hashes are compared in constant time.
public final class TenantDirectory {
  /// Who pays.
  ///
  /// @param active false: its requests are refused
  /// @param prepaid true: it spends what it paid in; false: it is billed later and not cut
  /// @param tierCeiling the most urgent service tier that it may ask for
  /// @param weight its share beside others that wait, 1 to 1,000
  /// @param jurisdictions where its requests may be processed; empty permits all
  /// @param policy text of its residency policy; empty for none
  public record Tenant(
      String id,
      String name,
      boolean active,
      boolean prepaid,
      ServiceTier tierCeiling,
      int weight,
      Limits limits,
      List<String> jurisdictions,
      String policy) {
    /// The tier that a request is served in: what it asks for, but not above the ceiling.
    public ServiceTier tier(ServiceTier asked) {
      return tierCeiling.yieldsTo(asked) ? tierCeiling : asked;
    }
  }

  /// A part of a tenant with its own keys, limits and policy, which can only narrow the tenant's.
  ///
  /// @param budget the most that it may spend of the tenant's money; null for all of it
  public record Project(
      String tenant,
      String id,
      boolean active,
      Limits limits,
      @Nullable SpendingCap budget,
      List<String> jurisdictions,
      String policy) {}

  /// An API key; never the secret.
  ///
  /// @param scopes what it may do: the words of `Scope`
  /// @param expiresAtMs epoch milliseconds; `Long.MAX_VALUE` for never
  public record Key(
      String id,
      Tenant tenant,
      Project project,
      Set<String> scopes,
      Limits limits,
      long expiresAtMs) {
    /// Whether it opens the door now.
    public boolean usable(long nowMs) {
      return nowMs < expiresAtMs && tenant.active() && project.active();
    }

    /// Whether it may do that.
    public boolean may(Scope scope) {
      return scopes.contains(scope.word());
    }
  }

  /// Prices from a moment on.
  record Priced(long fromMs, PriceList prices) {}

  private record Hashed(byte[] sha256, Key key) {}

  /// A person in a tenant.
  ///
  /// @param subject as the tenant's identity provider names them, or `Role.EVERYBODY_ELSE`
  record Member(String tenant, String subject) {}

  /// Knows nobody.
  public static final TenantDirectory EMPTY =
      new TenantDirectory(0, "", Map.of(), Map.of(), Map.of(), Map.of(), List.of());

  private final long revision;
  private final String currency;
  private final Map<String, Tenant> tenants;
  private final Map<String, Project> projects;
  private final Map<Member, Role> roles;
  private final Map<Long, Hashed[]> keys;
  private final List<Priced> priced;

  /// @param keys by their hash in hexadecimal
  TenantDirectory(
      long revision,
      String currency,
      Map<String, Tenant> tenants,
      Map<String, Project> projects,
      Map<Member, Role> roles,
      Map<String, Key> keys,
      List<Priced> priced) {
    this.revision = revision;
    this.currency = currency;
    this.tenants = Map.copyOf(tenants);
    this.projects = Map.copyOf(projects);
    this.roles = Map.copyOf(roles);
    this.priced = List.copyOf(priced);
    this.keys = HashMap.newHashMap(keys.size());
    keys.forEach(
        (hex, key) -> {
          byte[] hash = java.util.HexFormat.of().parseHex(hex);
          this.keys.merge(
              prefix(hash),
              new Hashed[] {new Hashed(hash, key)},
              (a, b) -> {
                Hashed[] both = Arrays.copyOf(a, a.length + 1);
                both[a.length] = b[0];
                return both;
              });
        });
  }

  /// The key of a presented secret, if it is usable now, or null.
  public @Nullable Key find(String secret, long nowMs) {
    byte[] hash = hash(secret);
    Hashed[] candidates = keys.get(prefix(hash));
    if (candidates == null) {
      return null;
    }
    Key found = null;
    for (Hashed candidate : candidates) {
      if (MessageDigest.isEqual(candidate.sha256(), hash)) {
        found = candidate.key();
      }
    }
    return found != null && found.usable(nowMs) ? found : null;
  }

  /// All tenants, by id.
  public Map<String, Tenant> tenants() {
    return tenants;
  }

  public @Nullable Tenant tenant(String id) {
    return tenants.get(id);
  }

  public @Nullable Project project(String tenant, String id) {
    return projects.get(tenant + "/" + id);
  }

  /// The projects of a tenant, by id; of an unknown one none.
  public List<Project> projects(String tenant) {
    return projects.values().stream()
        .filter(project -> project.tenant().equals(tenant))
        .sorted(java.util.Comparator.comparing(Project::id))
        .toList();
  }

  /// What a person is in a tenant: their own role, else the tenant's for everybody else, else a
  /// member's.
  public Role role(String tenant, String subject) {
    return Role.inForce(
        roles.get(new Member(tenant, subject)), roles.get(new Member(tenant, Role.EVERYBODY_ELSE)));
  }

  /// The prices that hold at that moment; nothing is sold before the first.
  public PriceList prices(long nowMs) {
    for (int i = priced.size() - 1; i >= 0; i--) {
      if (priced.get(i).fromMs() <= nowMs) {
        return priced.get(i).prices();
      }
    }
    return NO_PRICES;
  }

  private static final PriceList NO_PRICES = new PriceList(List.of());

  /// Grows with every change.
  public long revision() {
    return revision;
  }

  /// ISO 4217, or the name of a credit.
  public String currency() {
    return currency;
  }

  /// SHA-256 of a secret.
  public static byte[] hash(String secret) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JDK without SHA-256", e);
    }
  }

  private static long prefix(byte[] hash) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | hash[i] & 0xFF;
    }
    return value;
  }
}
