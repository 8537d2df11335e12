package org.aigrid.live.books;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.admit.Role;
import org.aigrid.core.admit.Scope;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.TenantDirectory.Key;
import org.aigrid.live.books.TenantDirectory.Member;
import org.aigrid.live.books.TenantDirectory.Priced;
import org.aigrid.live.books.TenantDirectory.Project;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/// Tenants, projects, keys and prices in the database: what administrators do. Each change is one
/// transaction with its line in the audit table: who, when, what. Safe for many threads; calls
/// block. An order that makes no sense is a `BooksException` of one sentence, and nothing is
/// changed.
public final class Tenants {
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final Pattern JURISDICTION = Pattern.compile("[A-Z]{2}");
  private static final int POLICY_CHARACTERS_MAX = 65_536;
  private static final Pattern NUMBERED = Pattern.compile("(.*?)([0-9]{1,9})");
  private static final int STEM_CHARACTERS_MAX = 54; // 10 digits after it

  /// A person with a longer name can be given no role, and so not be shut out: none is let in.
  static final int SUBJECT_CHARACTERS_MAX = 256;

  /// The project that every tenant has.
  public static final String DEFAULT_PROJECT = "default";

  private final Jdbi jdbi;

  public Tenants(Database database) {
    jdbi = database.jdbi();
  }

  /// Makes a tenant, with a project `default`.
  public void create(String who, String id, String name, boolean prepaid) {
    requireId("tenant", id);
    jdbi.useTransaction(
        handle -> {
          int made =
              handle.execute(
                  "insert into tenants (id, name, prepaid) values (?, ?, ?) on conflict do nothing",
                  id,
                  name,
                  prepaid);
          if (made == 0) {
            throw new BooksException("tenant '" + id + "' exists already (expected: a new id)");
          }
          handle.execute("insert into projects (tenant, id) values (?, ?)", id, DEFAULT_PROJECT);
          audit(handle, who, "tenant.create", id, name + (prepaid ? "" : ", pays later"));
        });
  }

  /// Lets a tenant in, or not.
  public void activate(String who, String tenant, boolean active) {
    change(who, active ? "tenant.open" : "tenant.close", tenant, "", "active = ?", active);
  }

  /// Sets what is not null, all of it or nothing.
  ///
  /// @param project whose limits these are; null: the tenant's, to whom a ceiling and a weight
  ///   belong in any case
  /// @param ceiling the most urgent tier that the tenant may ask for
  /// @param weight its share beside others that wait, 1 to 1,000
  public void limit(
      String who,
      String tenant,
      @Nullable String project,
      @Nullable ServiceTier ceiling,
      @Nullable Integer weight,
      @Nullable Limits limits) {
    if (weight != null && (weight < 1 || weight > 1_000)) {
      throw new BooksException("weight " + weight + " (expected: 1 to 1,000)");
    }
    jdbi.useTransaction(
        handle -> {
          if (ceiling != null) {
            String name = ceiling.name().toLowerCase(Locale.ROOT);
            change(handle, who, "tenant.ceiling", tenant, name, "tier_ceiling = ?", name);
          }
          if (weight != null) {
            change(handle, who, "tenant.weight", tenant, weight.toString(), "weight = ?", weight);
          }
          if (limits != null) {
            limits(handle, who, tenant, project, limits);
          }
        });
  }

  private void change(
      String who, String action, String tenant, String detail, String set, Object value) {
    jdbi.useTransaction(handle -> change(handle, who, action, tenant, detail, set, value));
  }

  private static void change(
      Handle handle,
      String who,
      String action,
      String tenant,
      String detail,
      String set,
      Object value) {
    requireOne(
        handle.execute("update tenants set " + set + " where id = ?", value, tenant),
        "tenant",
        tenant);
    audit(handle, who, action, tenant, detail);
  }

  /// Sets the residency of a tenant (`project` null) or of one of its projects.
  ///
  /// @param jurisdictions empty permits all that the tenant's do
  /// @param policy text, kept as it is
  public void policy(
      String who,
      String tenant,
      @Nullable String project,
      List<String> jurisdictions,
      String policy) {
    for (String code : jurisdictions) {
      if (!JURISDICTION.matcher(code).matches()) {
        throw new BooksException(
            "jurisdiction '" + code + "' (expected: two letters of ISO 3166-1, such as JP)");
      }
    }
    if (policy.length() > POLICY_CHARACTERS_MAX) {
      throw new BooksException(
          "policy of " + policy.length() + " characters (expected: at most 65,536)");
    }
    jdbi.useTransaction(
        handle -> {
          var update =
              handle
                  .createUpdate(
                      "update "
                          + (project == null ? "tenants" : "projects")
                          + " set jurisdictions = :jurisdictions, policy = :policy where id = :id"
                          + (project == null ? "" : " and tenant = :tenant"))
                  .bindArray("jurisdictions", String.class, jurisdictions)
                  .bind("policy", policy)
                  .bind("id", project == null ? tenant : project);
          if (project != null) {
            update.bind("tenant", tenant);
          }
          requireOne(
              update.execute(),
              project == null ? "tenant" : "project",
              project == null ? tenant : tenant + "/" + project);
          audit(
              handle,
              who,
              "policy.set",
              project == null ? tenant : tenant + "/" + project,
              jurisdictions + " " + policy);
        });
  }

  private static void limits(
      Handle handle, String who, String tenant, @Nullable String project, Limits limits) {
    var update =
        handle.createUpdate(
            "update "
                + (project == null ? "tenants" : "projects")
                + " set requests_per_second = ?, requests_per_minute = ?, tokens_per_minute = ?,"
                + " concurrent_max = ?"
                + (project == null ? " where id = ?" : " where tenant = ? and id = ?"));
    bind(update, 0, limits);
    update.bind(4, tenant);
    if (project != null) {
      update.bind(5, project);
    }
    String subject = project == null ? tenant : tenant + "/" + project;
    requireOne(update.execute(), project == null ? "tenant" : "project", subject);
    audit(handle, who, "limits.set", subject, limits.toString());
  }

  private static void bind(org.jdbi.v3.core.statement.Update update, int at, Limits limits) {
    update.bind(at, orNull(limits.requestsPerSecond()));
    update.bind(at + 1, orNull(limits.requestsPerMinute()));
    update.bind(at + 2, orNull(limits.tokensPerMinute()));
    update.bind(at + 3, orNull(limits.concurrentMax()));
  }

  private static @Nullable Long orNull(long limit) {
    return limit >= RateLimiter.UNLIMITED ? null : limit;
  }

  /// Tops a tenant up; see `Ledger.credit`.
  public boolean credit(String who, String tenant, long micros, String reference, String note) {
    return jdbi.inTransaction(
        handle -> {
          boolean fresh = Ledger.credit(handle, tenant, micros, reference, note);
          if (fresh) {
            audit(handle, who, "tenant.credit", tenant, micros + " " + reference);
          }
          return fresh;
        });
  }

  /// Makes a project.
  public void project(String who, String tenant, String id) {
    requireId("project", id);
    jdbi.useTransaction(
        handle -> {
          requireTenant(handle, tenant);
          if (handle.execute(
                  "insert into projects (tenant, id) values (?, ?) on conflict do nothing",
                  tenant,
                  id)
              == 0) {
            throw new BooksException("project '" + tenant + "/" + id + "' exists already");
          }
          audit(handle, who, "project.create", tenant + "/" + id, "");
        });
  }

  /// Sets the most that a project may spend of its tenant's money.
  ///
  /// @param cap null: no cap
  public void budget(String who, String tenant, String project, @Nullable SpendingCap cap) {
    String per = (cap == null ? SpendingCap.Per.TOTAL : cap.per()).name().toLowerCase(Locale.ROOT);
    jdbi.useTransaction(
        handle -> {
          requireOne(
              handle.execute(
                  "update projects set budget_micros = ?, budget_per = ? where tenant = ? and id ="
                      + " ?",
                  cap == null ? null : cap.micros(),
                  per,
                  tenant,
                  project),
              "project",
              tenant + "/" + project);
          audit(
              handle,
              who,
              "budget.set",
              tenant + "/" + project,
              cap == null ? "none" : cap.micros() + " micros per " + per);
        });
  }

  /// The scopes of their words; a word that means nothing is refused.
  static Set<Scope> scopes(Set<String> words) {
    var scopes = EnumSet.noneOf(Scope.class);
    for (String word : words) {
      Scope scope = Scope.of(word);
      if (scope == null) {
        throw new BooksException(
            "scope '" + word + "' (expected: some of " + scopeWords() + "; no other is asked for)");
      }
      scopes.add(scope);
    }
    if (scopes.isEmpty()) {
      throw new BooksException("no scope (expected: some of " + scopeWords() + ")");
    }
    return scopes;
  }

  private static List<String> scopeWords() {
    return EnumSet.allOf(Scope.class).stream().map(Scope::word).toList();
  }

  private static void requireAhead(@Nullable Instant expires) {
    if (expires != null && !expires.isAfter(Instant.now())) {
      throw new BooksException("expiry " + expires + " is over (expected: a moment ahead)");
    }
  }

  /// Takes a key in by the hash of its secret.
  ///
  /// @param expires null: never
  /// @param scopes what it may do: words of `Scope`, one or more
  public void key(
      String who,
      String id,
      String tenant,
      String project,
      byte[] sha256,
      Set<String> scopes,
      Limits limits,
      @Nullable Instant expires) {
    requireId("key", id);
    String named = scopes(scopes).stream().map(Scope::word).collect(Collectors.joining(" "));
    requireAhead(expires);
    jdbi.useTransaction(
        handle -> {
          if (handle
              .createQuery("select 1 from projects where tenant = ? and id = ?")
              .bind(0, tenant)
              .bind(1, project)
              .mapTo(Integer.class)
              .findOne()
              .isEmpty()) {
            throw new BooksException(
                "no project '" + tenant + "/" + project + "' (make it first, or its tenant)");
          }
          insert(handle, id, tenant, project, sha256, scopes, limits, expires, null);
          audit(
              handle,
              who,
              "key.create",
              id,
              tenant
                  + "/"
                  + project
                  + ", may "
                  + named
                  + (expires == null ? "" : ", until " + expires));
        });
  }

  private static void insert(
      Handle handle,
      String id,
      String tenant,
      String project,
      byte[] sha256,
      Set<String> scopes,
      Limits limits,
      @Nullable Instant expires,
      @Nullable String replaces) {
    var update =
        handle.createUpdate(
            "insert into api_keys (requests_per_second, requests_per_minute, tokens_per_minute,"
                + " concurrent_max, id, tenant, project, sha256, expires_at, replaces, scopes,"
                + " made_until) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do"
                + " nothing");
    bind(update, 0, limits);
    update
        .bind(4, id)
        .bind(5, tenant)
        .bind(6, project)
        .bind(7, sha256)
        .bind(8, expires == null ? null : expires.atOffset(ZoneOffset.UTC))
        .bind(9, replaces)
        .bindArray(10, String.class, scopes.stream().sorted().toArray())
        .bind(11, expires == null ? null : expires.atOffset(ZoneOffset.UTC));
    if (update.execute() == 0) {
      throw new BooksException(
          "key '" + id + "' or its secret exists already (expected: a new id and a new secret)");
    }
  }

  /// A key that took the place of another.
  ///
  /// @param expires of the new one; null: never
  public record Rotated(String id, @Nullable Instant expires, Instant oldUntil) {}

  /// Puts a new key in the place of another, which stays good until `oldUntil`, or until it would
  /// have expired anyway: clients change over in between, and nobody is shut out. The new one has
  /// the same project, scopes and limits. A key that opens nothing any more, or that was replaced
  /// before, is refused.
  ///
  /// @param newId null: the next number after the old one's
  /// @param expires of the new one; null: as long after its birth as the old one
  public Rotated rotate(
      String who,
      String oldId,
      @Nullable String newId,
      byte[] sha256,
      @Nullable Instant expires,
      Instant oldUntil) {
    if (newId != null) {
      requireId("key", newId);
    }
    requireAhead(expires);
    return jdbi.inTransaction(
        handle -> {
          KeyRow old = row(handle, oldId);
          requireUsable(handle, old);
          Instant now = Instant.now();
          Instant oldEnd = old.expires();
          Instant madeUntil = old.madeUntil(); // an earlier rotation has shortened `oldEnd`
          Instant end =
              expires != null || madeUntil == null
                  ? expires
                  : now.plus(Duration.between(old.created(), madeUntil))
                      .truncatedTo(ChronoUnit.SECONDS);
          String id = newId != null ? newId : nextId(handle, oldId);
          insert(
              handle,
              id,
              old.tenant(),
              old.project(),
              sha256,
              old.scopes(),
              old.limits(),
              end,
              oldId);
          Instant until = oldEnd != null && oldEnd.isBefore(oldUntil) ? oldEnd : oldUntil;
          handle.execute(
              "update api_keys set expires_at = ? where id = ?",
              until.atOffset(ZoneOffset.UTC),
              oldId);
          audit(handle, who, "key.rotate", oldId, id + ", the old one until " + until);
          return new Rotated(id, end, until);
        });
  }

  private static void requireUsable(Handle handle, KeyRow key) {
    Instant expires = key.expires();
    if (key.revoked() != null || expires != null && !expires.isAfter(Instant.now())) {
      throw new BooksException(
          "key '"
              + key.id()
              + "' opens nothing any more (expected: one in use; make a new one with keys new)");
    }
    String successor =
        handle
            .createQuery(
                "select id from api_keys where replaces = :id and revoked_at is null limit 1")
            .bind("id", key.id())
            .mapTo(String.class)
            .findOne()
            .orElse(null);
    if (successor != null) {
      throw new BooksException(
          "key '"
              + key.id()
              + "' was replaced by '"
              + successor
              + "' (expected: to rotate that one, or to revoke it first)");
    }
  }

  /// The first free id after this one: of `k-7` it is `k-8`, of `k` it is `k-2`.
  private static String nextId(Handle handle, String id) {
    Matcher numbered = NUMBERED.matcher(id);
    boolean counts = numbered.matches();
    String stem = counts ? numbered.group(1) : id + "-";
    int number = counts ? Integer.parseInt(numbered.group(2)) : 1;
    stem = stem.substring(0, Math.min(stem.length(), STEM_CHARACTERS_MAX));
    Set<String> taken =
        Set.copyOf(
            handle
                .createQuery("select id from api_keys where starts_with(id, :stem)")
                .bind("stem", stem)
                .mapTo(String.class)
                .list());
    String next;
    do {
      number++;
      next = stem + number;
    } while (taken.contains(next));
    return next;
  }

  /// Ends a key at once (as soon as gateways have the next snapshot).
  public void revoke(String who, String id) {
    jdbi.useTransaction(
        handle -> {
          requireOne(
              handle.execute(
                  "update api_keys set revoked_at = coalesce(revoked_at, now()) where id = ?", id),
              "key",
              id);
          audit(handle, who, "key.revoke", id, "");
        });
  }

  /// Sets a price from a moment on.
  ///
  /// @param model `*` for any
  /// @param tier null for any
  public void price(
      String who, String model, @Nullable ServiceTier tier, Price price, Instant from) {
    String name = tier == null ? "*" : tier.name().toLowerCase(Locale.ROOT);
    jdbi.useTransaction(
        handle -> {
          handle.execute(
              "insert into prices (model, tier, prompt_micros, cached_micros, output_micros,"
                  + " valid_from) values (?, ?, ?, ?, ?, ?)",
              model,
              name,
              price.promptMicros(),
              price.cachedMicros(),
              price.outputMicros(),
              from.atOffset(ZoneOffset.UTC));
          audit(handle, who, "price.set", model + "/" + name, price + " from " + from);
        });
  }

  /// Gives a person a role in a tenant; `none` takes it away.
  ///
  /// @param subject as the tenant's identity provider names the person (`sub`), or
  ///   `Role.EVERYBODY_ELSE`
  /// @param role a word of `Role`
  public void role(String who, String tenant, String subject, String role) {
    if (Role.of(role) == null) {
      throw new BooksException(
          "role '" + role + "' (expected: owner, admin, member, auditor or none)");
    }
    if (subject.isBlank() || subject.length() > SUBJECT_CHARACTERS_MAX) {
      throw new BooksException(
          "subject of "
              + subject.length()
              + " characters (expected: 1 to 256, as the identity provider names the person, or *"
              + " for everybody else)");
    }
    jdbi.useTransaction(
        handle -> {
          requireTenant(handle, tenant);
          handle.execute(
              "insert into members (tenant, subject, role) values (?, ?, ?)"
                  + " on conflict (tenant, subject) do update set role = excluded.role",
              tenant,
              subject,
              role);
          audit(handle, who, "role.set", tenant, subject + " " + role);
        });
  }

  /// A person's role in a tenant.
  public record MemberRow(String subject, String role) {}

  /// Who has a role in a tenant.
  public List<MemberRow> members(String tenant) {
    return jdbi.withHandle(
        handle -> {
          requireTenant(handle, tenant);
          return handle
              .createQuery("select subject, role from members where tenant = ? order by subject")
              .bind(0, tenant)
              .map((row, _) -> new MemberRow(row.getString(1), row.getString(2)))
              .list();
        });
  }

  /// Writes down an administrator's action that changes something elsewhere.
  ///
  /// @param at when it was
  public void audit(Instant at, String who, String action, String subject, String detail) {
    jdbi.useHandle(
        handle ->
            handle.execute(
                "insert into admin_actions (at, who, action, subject, detail) values (?, ?, ?, ?, ?)",
                at.atOffset(ZoneOffset.UTC),
                who,
                action,
                subject,
                detail));
  }

  static void audit(Handle handle, String who, String action, String subject, String detail) {
    handle.execute(
        "insert into admin_actions (who, action, subject, detail) values (?, ?, ?, ?)",
        who,
        action,
        subject,
        detail);
  }

  /// One line of the audit table.
  public record AdminAction(Instant at, String who, String action, String subject, String detail) {}

  /// The last actions, the newest first.
  public List<AdminAction> actions(int max) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select at, who, action, subject, detail from admin_actions order by id desc"
                        + " limit :max")
                .bind("max", max)
                .map(
                    (row, _) ->
                        new AdminAction(
                            row.getObject(1, OffsetDateTime.class).toInstant(),
                            row.getString(2),
                            row.getString(3),
                            row.getString(4),
                            row.getString(5)))
                .list());
  }

  /// A key as administrators see it.
  ///
  /// @param replaces the key whose place it took; null for none
  /// @param madeUntil what `expires` was before it was rotated; null: never
  public record KeyRow(
      String id,
      String tenant,
      String project,
      Set<String> scopes,
      Limits limits,
      Instant created,
      @Nullable Instant expires,
      @Nullable Instant revoked,
      @Nullable String replaces,
      @Nullable Instant madeUntil) {}

  /// The keys of a tenant, or all.
  public List<KeyRow> keys(@Nullable String tenant) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select * from api_keys where :tenant::text is null or tenant = :tenant"
                        + " order by tenant, project, id")
                .bind("tenant", tenant)
                .map((row, _) -> keyRow(row))
                .list());
  }

  private static KeyRow row(Handle handle, String id) {
    return handle
        .createQuery("select * from api_keys where id = :id")
        .bind("id", id)
        .map((row, _) -> keyRow(row))
        .findOne()
        .orElseThrow(() -> new BooksException(nothing("key", id)));
  }

  private static KeyRow keyRow(java.sql.ResultSet row) throws java.sql.SQLException {
    return new KeyRow(
        row.getString("id"),
        row.getString("tenant"),
        row.getString("project"),
        Set.of(texts(row, "scopes").toArray(String[]::new)),
        limits(row),
        row.getObject("created_at", OffsetDateTime.class).toInstant(),
        instant(row, "expires_at"),
        instant(row, "revoked_at"),
        row.getString("replaces"),
        instant(row, "made_until"));
  }

  private static @Nullable Instant instant(java.sql.ResultSet row, String column)
      throws java.sql.SQLException {
    OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
    return time == null ? null : time.toInstant();
  }

  private static List<String> texts(java.sql.ResultSet row, String column)
      throws java.sql.SQLException {
    return List.of((String[]) row.getArray(column).getArray());
  }

  private static Limits limits(java.sql.ResultSet row) throws java.sql.SQLException {
    return new Limits(
        limit(row, "requests_per_second"),
        limit(row, "requests_per_minute"),
        limit(row, "tokens_per_minute"),
        limit(row, "concurrent_max"));
  }

  private static long limit(java.sql.ResultSet row, String column) throws java.sql.SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? RateLimiter.UNLIMITED : value;
  }

  /// The revision of the directory now; cheap.
  public long revision() {
    return jdbi.withHandle(
        handle -> handle.createQuery("select revision from directory").mapTo(Long.class).one());
  }

  /// All of it, as one consistent snapshot.
  public TenantDirectory directory() {
    return jdbi.inTransaction(
        org.jdbi.v3.core.transaction.TransactionIsolationLevel.REPEATABLE_READ,
        Tenants::readDirectory);
  }

  private static TenantDirectory readDirectory(Handle handle) {
    record Head(long revision, String currency) {}
    Head head =
        handle
            .createQuery("select revision, currency from directory")
            .map((row, _) -> new Head(row.getLong(1), row.getString(2)))
            .one();
    var tenants = new TreeMap<String, Tenant>();
    for (Tenant tenant :
        handle
            .createQuery("select * from tenants")
            .map(
                (row, _) ->
                    new Tenant(
                        row.getString("id"),
                        row.getString("name"),
                        row.getBoolean("active"),
                        row.getBoolean("prepaid"),
                        ServiceTier.valueOf(row.getString("tier_ceiling").toUpperCase(Locale.ROOT)),
                        row.getInt("weight"),
                        limits(row),
                        texts(row, "jurisdictions"),
                        row.getString("policy")))
            .list()) {
      tenants.put(tenant.id(), tenant);
    }
    var projects = new HashMap<String, Project>();
    for (Project project :
        handle
            .createQuery("select * from projects")
            .map(
                (row, _) ->
                    new Project(
                        row.getString("tenant"),
                        row.getString("id"),
                        row.getBoolean("active"),
                        limits(row),
                        cap(row),
                        texts(row, "jurisdictions"),
                        row.getString("policy")))
            .list()) {
      projects.put(project.tenant() + "/" + project.id(), project);
    }
    record Hashed(String hex, KeyRow row) {}
    var keys = new HashMap<String, Key>();
    for (Hashed hashed :
        handle
            .createQuery("select * from api_keys where revoked_at is null")
            .map(
                (row, _) ->
                    new Hashed(HexFormat.of().formatHex(row.getBytes("sha256")), keyRow(row)))
            .list()) {
      KeyRow row = hashed.row();
      Tenant tenant = tenants.get(row.tenant());
      Project project = projects.get(row.tenant() + "/" + row.project());
      if (tenant != null && project != null) {
        Instant expires = row.expires();
        keys.put(
            hashed.hex(),
            new Key(
                row.id(),
                tenant,
                project,
                row.scopes(),
                row.limits(),
                expires == null ? Long.MAX_VALUE : expires.toEpochMilli()));
      }
    }
    return new TenantDirectory(
        head.revision(), head.currency(), tenants, projects, roles(handle), keys, priced(handle));
  }

  private static @Nullable SpendingCap cap(java.sql.ResultSet row) throws java.sql.SQLException {
    long micros = row.getLong("budget_micros");
    return row.wasNull()
        ? null
        : new SpendingCap(
            micros, SpendingCap.Per.valueOf(row.getString("budget_per").toUpperCase(Locale.ROOT)));
  }

  private static Map<Member, Role> roles(Handle handle) {
    var roles = new HashMap<Member, Role>();
    handle
        .createQuery("select tenant, subject, role from members")
        .map(
            (row, _) -> {
              Role role = Role.of(row.getString(3));
              // a word of a newer schema opens nothing here
              return Map.entry(
                  new Member(row.getString(1), row.getString(2)), role == null ? Role.NONE : role);
            })
        .forEach(entry -> roles.put(entry.getKey(), entry.getValue()));
    return roles;
  }

  /// A price list for each moment at which a price changes.
  private static List<Priced> priced(Handle handle) {
    record Row(long fromMs, PriceList.Line line) {}
    List<Row> rows =
        handle
            .createQuery("select * from prices order by valid_from, id")
            .map(
                (row, _) -> {
                  String tier = row.getString("tier");
                  return new Row(
                      row.getObject("valid_from", OffsetDateTime.class).toInstant().toEpochMilli(),
                      new PriceList.Line(
                          row.getString("id"),
                          row.getString("model"),
                          tier.equals("*")
                              ? null
                              : ServiceTier.valueOf(tier.toUpperCase(Locale.ROOT)),
                          new Price(
                              row.getLong("prompt_micros"),
                              row.getLong("cached_micros"),
                              row.getLong("output_micros"))));
                })
            .list();
    var priced = new ArrayList<Priced>();
    var lines = new ArrayList<PriceList.Line>();
    for (int i = 0; i < rows.size(); i++) {
      lines.add(rows.get(i).line());
      if (i + 1 == rows.size() || rows.get(i + 1).fromMs() > rows.get(i).fromMs()) {
        priced.add(new Priced(rows.get(i).fromMs(), new PriceList(lines)));
      }
    }
    return priced;
  }

  /// Refuses a tenant that does not exist.
  public void requireTenant(String tenant) {
    jdbi.useHandle(handle -> requireTenant(handle, tenant));
  }

  private static void requireTenant(Handle handle, String tenant) {
    if (handle
        .createQuery("select 1 from tenants where id = ?")
        .bind(0, tenant)
        .mapTo(Integer.class)
        .findOne()
        .isEmpty()) {
      throw new BooksException(nothing("tenant", tenant));
    }
  }

  private static void requireOne(int changed, String what, String id) {
    if (changed == 0) {
      throw new BooksException(nothing(what, id));
    }
  }

  private static String nothing(String what, String id) {
    return "no " + what + " '" + id + "' (expected: one that exists)";
  }

  private static void requireId(String what, String id) {
    if (!ID.matcher(id).matches()) {
      throw new BooksException(
          what + " '" + id + "' (expected: 1 to 64 letters, digits, '.', '_' or '-')");
    }
  }
}
