package org.aigrid.live.books;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.aigrid.live.books.Journal.Position;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/// The books: double-entry, append-only. Every amount is in micro-units of the grid's currency and
/// moves between accounts in transactions whose entries sum to zero; the database refuses others,
/// refuses to change or delete what was written, and keeps each account's balance, which for a
/// tenant's accounts is never negative.
///
/// ```
/// credit   grid/paid-in      -> tenant/T/balance
/// hold     tenant/T/balance  -> tenant/T/held/G     (gateway G may spend it until its lease ends)
/// return   tenant/T/held/G   -> tenant/T/balance
/// usage    tenant/T/held/G   -> grid/revenue        (one for each batch of a journal)
/// ```
///
/// A project's budget is no account (`ProjectBudgets`).
///
/// Whoever locks more than one of these in a transaction does it in this order, so that none waits
/// for another in a circle: `projects`, `project_spending`, `project_holds`, `holds`, `balances` by
/// account.
///
/// Safe for many threads; calls block. What the database refuses is an exception of JDBI's.
public final class Ledger implements SliceSource {
  /// How long a gateway may spend what it holds without hearing from control.
  public static final long LEASE_MS = 12 * 3_600_000L;

  /// After the lease ends, control waits this long before it takes the rest back, for clocks
  /// differ.
  public static final long LEASE_GRACE_MS = 600_000;

  /// The most that one top-up may be.
  public static final long CREDIT_MICROS_MAX = 1_000_000_000_000_000_000L;

  private static final String BEFORE_USAGE = "before_usage";

  /// The name of every gateway before each had one of its own.
  private static final String OLDER_GATEWAY = "gateway";

  private static final long OLDER_LOCK = 0x61_69_67_72_69_64_01L;

  private static final String REVENUE = "grid/revenue";
  private static final String PAID_IN = "grid/paid-in";
  private static final String WRITTEN_OFF = "grid/written-off";

  private final Jdbi jdbi;
  private final ProjectBudgets budgets;

  public Ledger(Database database) {
    jdbi = database.jdbi();
    budgets = new ProjectBudgets(jdbi);
  }

  private static String balanceOf(String tenant) {
    return "tenant/" + tenant + "/balance";
  }

  private static String heldBy(String gateway, String tenant) {
    return "tenant/" + tenant + "/held/" + gateway;
  }

  private static String owedBy(String tenant) {
    return "tenant/" + tenant + "/owed";
  }

  /// Tops a tenant up. False when the reference was used before: then nothing happens, so that a
  /// payment that is told twice counts once.
  ///
  /// @param micros positive; negative takes back what nobody holds
  public boolean credit(String tenant, long micros, String reference, String note) {
    return jdbi.inTransaction(handle -> credit(handle, tenant, micros, reference, note));
  }

  /// As above, in a transaction that has more to do.
  static boolean credit(Handle handle, String tenant, long micros, String reference, String note) {
    if (micros == 0 || Math.abs(micros) > CREDIT_MICROS_MAX) {
      throw new BooksException(
          "credit of " + micros + " micros (expected: not 0, at most " + CREDIT_MICROS_MAX + ")");
    }
    requireTenant(handle, tenant);
    Long transaction = begin(handle, "credit", "credit/" + reference, note);
    if (transaction == null) {
      return false;
    }
    var entries = new TreeMap<String, Long>();
    entries.put(balanceOf(tenant), micros);
    entries.put(PAID_IN, -micros);
    post(handle, transaction, entries);
    return true;
  }

  private static void requireTenant(Handle handle, String tenant) {
    if (handle
        .createQuery("select 1 from tenants where id = :tenant")
        .bind("tenant", tenant)
        .mapTo(Integer.class)
        .findOne()
        .isEmpty()) {
      throw new BooksException(
          "no tenant '" + tenant + "' (expected: one of those that ./grid tenants list shows)");
    }
  }

  @Override
  public long hold(
      String gateway, String tenant, long wantMicros, Instant leaseEnd, String reference) {
    return jdbi.inTransaction(
        handle -> {
          handle
              .createUpdate(
                  "insert into holds (gateway, tenant, expires_at) values (:gateway, :tenant, :end)"
                      + " on conflict (gateway, tenant) do update set"
                      + " expires_at = greatest(holds.expires_at, excluded.expires_at)")
              .bind("gateway", gateway)
              .bind("tenant", tenant)
              .bind("end", leaseEnd.atOffset(ZoneOffset.UTC))
              .execute();
          // locked first: a first try of the same move is through or gone then
          long free = locked(handle, balanceOf(tenant));
          Long before = moved(handle, reference, heldBy(gateway, tenant));
          if (before != null) {
            return before;
          }
          long micros = Math.min(wantMicros, free);
          if (micros <= 0) {
            return 0L;
          }
          move(handle, "hold", reference, balanceOf(tenant), heldBy(gateway, tenant), micros);
          return micros;
        });
  }

  @Override
  public void giveBack(String gateway, String tenant, long micros, String reference) {
    jdbi.useTransaction(
        handle -> {
          long held = lockedHeld(handle, gateway, tenant);
          if (moved(handle, reference, balanceOf(tenant)) == null) {
            long back = Math.min(micros, held); // less where the lease had ended
            if (back > 0) {
              move(handle, "return", reference, heldBy(gateway, tenant), balanceOf(tenant), back);
            }
          }
        });
  }

  /// What a transaction of that reference has moved to an account; null: there is none.
  private static @Nullable Long moved(Handle handle, String reference, String account) {
    return handle
        .createQuery(
            "select e.micros from transactions t join entries e on e.transaction_id = t.id"
                + " where t.reference = :reference and e.account = :account")
        .bind("reference", reference)
        .bind("account", account)
        .mapTo(Long.class)
        .findOne()
        .orElse(null);
  }

  @Override
  public long holdBudget(
      String gateway,
      String tenant,
      String project,
      String period,
      long wantMicros,
      Instant leaseEnd,
      String reference) {
    return budgets.hold(gateway, tenant, project, period, wantMicros, leaseEnd, reference);
  }

  @Override
  public void giveBackBudget(
      String gateway, String tenant, String project, String period, long micros, String reference) {
    budgets.giveBack(gateway, tenant, project, period, micros, reference);
  }

  /// What a project was charged, and what gateways may spend of its budget now.
  public ProjectBudgets.Spending spending(String tenant, String project, Instant now) {
    return budgets.spending(tenant, project, now);
  }

  /// Returns everything that a gateway holds: it has ended, and its journal is in the books.
  public long returnHolds(String gateway) {
    return jdbi.inTransaction(handle -> returnHolds(handle, gateway));
  }

  private static long returnHolds(Handle handle, String gateway) {
    ProjectBudgets.drop(handle, gateway);
    long sum = 0;
    for (String tenant :
        handle
            .createQuery("select tenant from holds where gateway = :gateway order by tenant")
            .bind("gateway", gateway)
            .mapTo(String.class)
            .list()) {
      sum += returnHold(handle, gateway, tenant);
    }
    return sum;
  }

  /// Returns what was held under the one name that all gateways had before each had its own, unless
  /// a grid of that time is connected and may still spend it: then its lease has to end. To be
  /// called before the journal is applied: what it has that was served from those holds is charged
  /// to the balance then.
  public long returnHoldsOfOlder() {
    return jdbi.inTransaction(
        handle -> {
          handle
              .createQuery("select true from (select pg_advisory_xact_lock(:lock)) as locked")
              .bind("lock", OLDER_LOCK)
              .mapTo(Boolean.class)
              .one();
          boolean connected =
              handle
                  .createQuery(
                      "select exists (select from pg_stat_activity where datname ="
                          + " current_database() and application_name = :older)")
                  .bind("older", Database.SESSIONS_OF_OLDER)
                  .mapTo(Boolean.class)
                  .one();
          return connected ? 0L : returnHolds(handle, OLDER_GATEWAY);
        });
  }

  /// Returns what gateways held whose leases ended some time ago. Returns how many holds it were.
  public int returnExpired(Instant now) {
    record Hold(String gateway, String tenant) {}
    return jdbi.inTransaction(
        handle -> {
          ProjectBudgets.dropExpired(handle, now);
          List<Hold> expired =
              handle
                  .createQuery(
                      "select gateway, tenant from holds where expires_at < :before"
                          + " order by tenant, gateway for update")
                  .bind("before", now.minusMillis(LEASE_GRACE_MS).atOffset(ZoneOffset.UTC))
                  .map((row, _) -> new Hold(row.getString(1), row.getString(2)))
                  .list();
          for (Hold hold : expired) {
            returnHold(handle, hold.gateway(), hold.tenant());
          }
          return expired.size();
        });
  }

  private static long returnHold(Handle handle, String gateway, String tenant) {
    long held = lockedHeld(handle, gateway, tenant);
    if (held > 0) {
      move(handle, "return", null, heldBy(gateway, tenant), balanceOf(tenant), held);
    }
    handle
        .createUpdate("delete from holds where gateway = :gateway and tenant = :tenant")
        .bind("gateway", gateway)
        .bind("tenant", tenant)
        .execute();
    return held;
  }

  /// How far a journal has been applied; null when the books have never seen it.
  public @Nullable Position applied(String journal) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("select segment, position from journals where journal = :journal")
                .bind("journal", journal)
                .map((row, _) -> new Position(row.getLong(1), row.getLong(2)))
                .findOne()
                .orElse(null));
  }

  /// Takes records of a journal into the books and remembers how far: both or neither. A request
  /// that the books know already changes nothing. Returns how many were new.
  public int apply(String gateway, String journal, List<UsageRecord> records, Position next) {
    return jdbi.inTransaction(
        handle -> {
          int fresh = records.isEmpty() ? 0 : post(handle, gateway, journal, records, next);
          handle
              .createUpdate(
                  "insert into journals (journal, segment, position) values (:journal, :segment,"
                      + " :position) on conflict (journal) do update set segment ="
                      + " excluded.segment, position = excluded.position")
              .bind("journal", journal)
              .bind("segment", next.segment())
              .bind("position", next.offset())
              .execute();
          return fresh;
        });
  }

  private static int post(
      Handle handle, String gateway, String journal, List<UsageRecord> records, Position next) {
    var distinct = new LinkedHashMap<String, UsageRecord>();
    for (UsageRecord record : records) {
      distinct.putIfAbsent(record.requestId(), record);
    }
    handle.savepoint(BEFORE_USAGE);
    Long transaction =
        begin(
            handle,
            "usage",
            "journal/" + journal + "/" + next.segment() + "/" + next.offset(),
            distinct.size() + " requests of " + gateway);
    if (transaction == null) {
      if (known(handle, distinct.keySet()) == distinct.size()) {
        return 0;
      }
      throw new BooksException(
          "the books have a usage transaction for "
              + journal
              + " up to "
              + next
              + " but not its requests (the journal's folder and the database do not belong"
              + " together)");
    }
    int fresh = insert(handle, gateway, transaction, distinct.values());
    if (fresh == 0) {
      handle.rollbackToSavepoint(BEFORE_USAGE);
      return 0;
    }
    if (fresh < distinct.size()) {
      distinct.keySet().retainAll(of(handle, transaction));
    }
    charge(handle, gateway, transaction, distinct);
    return fresh;
  }

  private static int known(Handle handle, Set<String> ids) {
    return handle
        .createQuery("select count(*) from requests where request_id = any(:ids)")
        .bindArray("ids", String.class, ids.toArray())
        .mapTo(Integer.class)
        .one();
  }

  private static Set<String> of(Handle handle, long transaction) {
    return handle
        .createQuery("select request_id from requests where transaction_id = :transaction")
        .bind("transaction", transaction)
        .mapTo(String.class)
        .set();
  }

  /// Writes down those requests that the books do not have yet; returns how many.
  ///
  /// One statement over arrays, since statements and their parameters are most of what a row costs.
  /// And the unique index itself says what is new: asked before, in a query, PostgreSQL reads the
  /// whole table for each batch as soon as its statistics are of a smaller one.
  private static int insert(
      Handle handle, String gateway, long transaction, Collection<UsageRecord> records) {
    UsageRecord[] rows = records.toArray(UsageRecord[]::new);
    return handle
        .createUpdate(
            "insert into requests (request_id, transaction_id, gateway, tenant, project, api_key,"
                + " model, tier, site, jurisdiction, operator, price, prompt_tokens,"
                + " cached_tokens, output_tokens, charged_micros, list_micros, attempts, outcome,"
                + " begun_at, ended_at) select id, :transaction, :gateway, tenant, project, key,"
                + " model, tier, site, jurisdiction, operator, price, prompt, cached, output,"
                + " charged, list, attempts, outcome,"
                + " timestamptz 'epoch' + begun * interval '1 millisecond',"
                + " timestamptz 'epoch' + ended * interval '1 millisecond'"
                + " from unnest(:id, :tenant, :project, :key, :model, :tier, :site,"
                + " :jurisdiction, :operator, :price, :prompt, :cached, :output, :charged, :list,"
                + " :attempts, :outcome, :begun, :ended) as fresh (id, tenant, project, key,"
                + " model, tier, site, jurisdiction, operator, price, prompt, cached, output,"
                + " charged, list, attempts, outcome, begun, ended)"
                + " on conflict (request_id) do nothing")
        .bind("transaction", transaction)
        .bind("gateway", gateway)
        .bindArray("id", String.class, column(rows, UsageRecord::requestId))
        .bindArray("tenant", String.class, column(rows, UsageRecord::tenant))
        .bindArray("project", String.class, column(rows, UsageRecord::project))
        .bindArray("key", String.class, column(rows, UsageRecord::key))
        .bindArray("model", String.class, column(rows, UsageRecord::model))
        .bindArray(
            "tier", String.class, column(rows, r -> r.tier().name().toLowerCase(Locale.ROOT)))
        .bindArray("site", String.class, column(rows, UsageRecord::site))
        .bindArray("jurisdiction", String.class, column(rows, UsageRecord::jurisdiction))
        .bindArray("operator", String.class, column(rows, UsageRecord::operator))
        .bindArray("price", String.class, column(rows, UsageRecord::price))
        .bindArray("prompt", Integer.class, column(rows, UsageRecord::promptTokens))
        .bindArray("cached", Integer.class, column(rows, UsageRecord::cachedTokens))
        .bindArray("output", Integer.class, column(rows, UsageRecord::outputTokens))
        .bindArray("charged", Long.class, column(rows, UsageRecord::chargedMicros))
        .bindArray("list", Long.class, column(rows, UsageRecord::listMicros))
        .bindArray("attempts", String.class, column(rows, UsageRecord::attempts))
        .bindArray("outcome", String.class, column(rows, UsageRecord::outcome))
        .bindArray("begun", Long.class, column(rows, UsageRecord::begunAtMs))
        .bindArray("ended", Long.class, column(rows, UsageRecord::endedAtMs))
        .execute();
  }

  private static Object[] column(UsageRecord[] rows, Function<UsageRecord, Object> value) {
    var column = new Object[rows.length];
    for (int i = 0; i < rows.length; i++) {
      column[i] = value.apply(rows[i]);
    }
    return column;
  }

  /// From what the gateway holds, else from the balance, else written off: a record never waits for
  /// money, it has been served.
  private static void charge(
      Handle handle, String gateway, long transaction, Map<String, UsageRecord> fresh) {
    var byTenant = new TreeMap<String, Long>();
    for (UsageRecord record : fresh.values()) {
      byTenant.merge(record.tenant(), record.chargedMicros(), Math::addExact);
    }
    Set<String> later =
        new HashSet<>(
            handle
                .createQuery("select id from tenants where id = any(:ids) and not prepaid")
                .bindArray("ids", String.class, byTenant.keySet().toArray())
                .mapTo(String.class)
                .list());
    var wanted = new TreeSet<String>();
    for (String tenant : byTenant.keySet()) {
      if (!later.contains(tenant)) {
        wanted.add(balanceOf(tenant));
        wanted.add(heldBy(gateway, tenant));
      }
    }
    Map<String, Long> balances = locked(handle, wanted);
    var entries = new TreeMap<String, Long>();
    byTenant.forEach(
        (tenant, micros) -> {
          entries.merge(REVENUE, micros, Math::addExact);
          if (later.contains(tenant)) {
            entries.merge(owedBy(tenant), -micros, Math::addExact);
            return;
          }
          long left = micros;
          for (String account : List.of(heldBy(gateway, tenant), balanceOf(tenant))) {
            long from = Math.clamp(balances.getOrDefault(account, 0L), 0, left);
            entries.merge(account, -from, Math::addExact);
            left -= from;
          }
          entries.merge(WRITTEN_OFF, -left, Math::addExact);
        });
    post(handle, transaction, entries);
  }

  private static @Nullable Long begin(
      Handle handle, String kind, @Nullable String reference, String note) {
    return handle
        .createQuery(
            "insert into transactions (kind, reference, note) values (:kind, :reference, :note)"
                + " on conflict (reference) do nothing returning id")
        .bind("kind", kind)
        .bind("reference", reference)
        .bind("note", note)
        .mapTo(Long.class)
        .findOne()
        .orElse(null);
  }

  private static void move(
      Handle handle, String kind, @Nullable String reference, String from, String to, long micros) {
    Long transaction = begin(handle, kind, reference, "");
    if (transaction == null) {
      throw new BooksException("move " + reference + " is made elsewhere, too");
    }
    var entries = new TreeMap<String, Long>();
    entries.put(from, -micros);
    entries.put(to, micros);
    post(handle, transaction, entries);
  }

  /// All entries of a transaction in one statement, which the database checks as a whole.
  private static void post(Handle handle, long transaction, Map<String, Long> entries) {
    var accounts = new ArrayList<String>();
    var micros = new ArrayList<Long>();
    entries.forEach(
        (account, amount) -> {
          if (amount != 0) {
            accounts.add(account);
            micros.add(amount);
          }
        });
    if (accounts.isEmpty()) {
      return;
    }
    handle
        .createUpdate(
            "insert into entries (transaction_id, account, micros)"
                + " select :transaction, * from unnest(:accounts, :micros)")
        .bind("transaction", transaction)
        .bindArray("accounts", String.class, accounts)
        .bindArray("micros", Long.class, micros)
        .execute();
  }

  /// What a gateway holds; its account and the balance are locked, as whoever charges locks them.
  private static long lockedHeld(Handle handle, String gateway, String tenant) {
    String held = heldBy(gateway, tenant);
    return locked(handle, Set.of(balanceOf(tenant), held)).getOrDefault(held, 0L);
  }

  private static long locked(Handle handle, String account) {
    return locked(handle, Set.of(account)).getOrDefault(account, 0L);
  }

  private static Map<String, Long> locked(Handle handle, Set<String> accounts) {
    var balances = new HashMap<String, Long>();
    handle
        .createQuery(
            "select account, micros from balances where account = any(:accounts)"
                + " order by account for update")
        .bindArray("accounts", String.class, accounts.toArray())
        .map((row, _) -> Map.entry(row.getString(1), row.getLong(2)))
        .forEach(entry -> balances.put(entry.getKey(), entry.getValue()));
    return balances;
  }

  /// What a tenant has.
  ///
  /// @param freeMicros what nobody holds
  /// @param heldMicros what gateways may spend now
  /// @param owedMicros what a tenant that pays later owes
  public record Balance(long freeMicros, long heldMicros, long owedMicros) {}

  public Balance balance(String tenant) {
    Map<String, Long> all = new HashMap<>();
    jdbi.useHandle(
        handle ->
            handle
                .createQuery(
                    "select split_part(account, '/', 3), sum(micros)::bigint from balances"
                        + " where starts_with(account, :prefix) group by 1")
                .bind("prefix", "tenant/" + tenant + "/")
                .map((row, _) -> Map.entry(row.getString(1), row.getLong(2)))
                .forEach(entry -> all.put(entry.getKey(), entry.getValue())));
    return new Balance(
        all.getOrDefault("balance", 0L),
        all.getOrDefault("held", 0L),
        -all.getOrDefault("owed", 0L));
  }

  /// Every rule of the books that does not hold; none when all is well. Reads everything.
  public List<String> check() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    """
                    select 'transaction ' || transaction_id || ' sums to ' || sum(micros)
                      from entries group by transaction_id having sum(micros) <> 0
                    union all
                    select 'account ' || coalesce(e.account, b.account) || ' has balance '
                        || coalesce(b.micros, 0) || ' but its entries sum to ' || coalesce(e.micros, 0)
                      from (select account, sum(micros) as micros from entries group by account) e
                      full join balances b on b.account = e.account
                      where coalesce(b.micros, 0) <> coalesce(e.micros, 0)
                    union all
                    select 'usage transaction ' || t.id || ' earned ' || coalesce(e.micros, 0)
                        || ' but its requests were charged ' || coalesce(r.micros, 0)
                      from transactions t
                      left join entries e on e.transaction_id = t.id and e.account = 'grid/revenue'
                      left join (select transaction_id, sum(charged_micros) as micros from requests
                        group by transaction_id) r on r.transaction_id = t.id
                      where t.kind = 'usage' and coalesce(e.micros, 0) <> coalesce(r.micros, 0)
                    union all
                    select 'project ' || coalesce(s.tenant || '/' || s.project, r.tenant || '/'
                        || r.project) || ' has spent ' || coalesce(s.micros, 0)
                        || ' but its requests were charged ' || coalesce(r.micros, 0)
                      from (select tenant, project, sum(micros) as micros from project_spending
                        group by 1, 2) s
                      full join (select tenant, project, sum(charged_micros) as micros from requests
                        group by 1, 2) r on r.tenant = s.tenant and r.project = s.project
                      where coalesce(s.micros, 0) <> coalesce(r.micros, 0)
                    """)
                .mapTo(String.class)
                .list());
  }
}
