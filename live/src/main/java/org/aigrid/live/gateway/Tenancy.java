package org.aigrid.live.gateway;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.aigrid.live.books.BearerTokens;
import org.aigrid.live.books.Journal;
import org.aigrid.live.books.Purses;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.TenantResidencies;
import org.aigrid.live.books.TenantUsage;
import org.aigrid.live.proof.LogEntry;
import org.aigrid.live.proof.TenantDigests;
import org.jspecify.annotations.Nullable;

/// What a gateway knows of tenants whose accounts are in the books: their keys, what they may spend
/// and where their work may run, the journal, and where receipts go. Goes on with what it has while
/// the database is away. Safe for many threads.
public final class Tenancy {
  /// Keys remembered in the gateway's own form; when there are more, all are made anew.
  private static final int KEYS_MAX = 200_000;

  private final Supplier<TenantDirectory> directory;
  private final Purses purses;
  private final Journal journal;
  private final TenantResidencies residencies;
  private final @Nullable BearerTokens tokens;
  private final Function<String, TenantDigests> digests;
  private final Consumer<LogEntry> receipts;
  private final String operator;
  private final @Nullable TenantUsage usage;
  private final Map<String, KeyEntry> entries = new ConcurrentHashMap<>();
  private final Map<String, TenantDigests> digestsByTenant = new ConcurrentHashMap<>();

  /// @param directory of now
  /// @param tokens of an identity provider, taken in the place of keys; null for none
  /// @param digests keyed digests of a tenant; a costly call, made once for each
  /// @param receipts takes a receipt; never waits
  /// @param operator in whose name receipts are issued
  /// @param usage answers tenants that ask what they have used; null: nobody is answered
  public Tenancy(
      Supplier<TenantDirectory> directory,
      Purses purses,
      Journal journal,
      TenantResidencies residencies,
      @Nullable BearerTokens tokens,
      Function<String, TenantDigests> digests,
      Consumer<LogEntry> receipts,
      String operator,
      @Nullable TenantUsage usage) {
    this.directory = directory;
    this.purses = purses;
    this.journal = journal;
    this.residencies = residencies;
    this.tokens = tokens;
    this.digests = digests;
    this.receipts = receipts;
    this.operator = operator;
    this.usage = usage;
  }

  /// The key of a presented secret that is usable now, or null.
  @Nullable KeyEntry find(String secret) {
    TenantDirectory now = directory.get();
    long nowMs = System.currentTimeMillis();
    TenantDirectory.Key found =
        tokens != null && BearerTokens.looksLikeOne(secret)
            ? tokens.find(secret, now, nowMs)
            : now.find(secret, nowMs);
    return found == null ? null : entry(found);
  }

  /// A key of the directory in the gateway's form.
  KeyEntry entry(TenantDirectory.Key key) {
    KeyEntry known = entries.get(key.id());
    // mostly the very same object: to compare what it holds would cost a microsecond a request
    if (known != null && (known.booked() == key || key.equals(known.booked()))) {
      return known;
    }
    if (entries.size() >= KEYS_MAX) {
      entries.clear();
    }
    var fresh = new KeyEntry(key);
    entries.put(key.id(), fresh);
    return fresh;
  }

  /// Where the work of a key may run by the directory of now, whatever held when its request came;
  /// null for nowhere.
  TenantResidencies.@Nullable Ruled rules(KeyEntry key) {
    return residencies.of(directory.get(), key.tenant(), key.project());
  }

  TenantDigests digests(String tenant) {
    TenantDigests known = digestsByTenant.get(tenant);
    return known != null ? known : digestsByTenant.computeIfAbsent(tenant, digests);
  }

  TenantDirectory directory() {
    return directory.get();
  }

  Purses purses() {
    return purses;
  }

  Journal journal() {
    return journal;
  }

  @Nullable TenantUsage usage() {
    return usage;
  }

  void issue(LogEntry receipt) {
    receipts.accept(receipt);
  }

  String operator() {
    return operator;
  }
}
