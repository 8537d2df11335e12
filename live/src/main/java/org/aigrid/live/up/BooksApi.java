package org.aigrid.live.up;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.time.Instant;
import java.time.YearMonth;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.AdminTokens;
import org.aigrid.live.books.BooksException;
import org.aigrid.live.books.Database;
import org.aigrid.live.books.Ledger;
import org.aigrid.live.books.ProjectBudgets;
import org.aigrid.live.books.TenantDirectory.Project;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.aigrid.live.books.Tenants;
import org.aigrid.live.books.UsageReports;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The orders of the admin endpoint about tenants, keys, prices, usage and administrators: `POST
/// /books/ORDER` with a JSON object. Answers are `{"columns":[...],"rows":[[...]]}` or
/// `{"text":"..."}`. Every order that changes something, or hands out a secret, is in the audit
/// table; so is what the admin endpoint does with sites (`did`). Orders are for one thread and wait
/// for the database; `did` and `administrator` are for any and wait for nothing.
///
/// Money comes in and goes out as decimal text in the grid's currency, prices for a million tokens.
final class BooksApi implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ACTIONS_MAX = 100;
  private static final long OVERLAP_SECONDS = 86_400;

  private final Tenants tenants;
  private final Ledger ledger;
  private final UsageReports reports;
  private final Consumer<String> checkPolicy;
  private final Changes changes;
  private final Function<String, byte[]> digestKeys;
  private final AdminTokens administrators;
  private final AdminAudit audit;

  /// Who is told of what administrators have changed.
  interface Changes {
    void changed(AdminChange change);
  }

  /// Orders that change nothing.
  private static final Set<String> LOOKS =
      Set.of(
          "tenants.list",
          "tenants.show",
          "tenants.roles",
          "tenants.projects",
          "keys.list",
          "admin-tokens.list",
          "usage",
          "audit");

  /// @param checkPolicy throws an `IllegalArgumentException` that says where a policy's text is
  ///   wrong
  /// @param changes told of each order that has changed something
  /// @param digestKeys the key of a tenant's digests in receipts
  BooksApi(
      Database database,
      Consumer<String> checkPolicy,
      Changes changes,
      Function<String, byte[]> digestKeys) {
    this.changes = changes;
    this.digestKeys = digestKeys;
    administrators = new AdminTokens(database);
    tenants = new Tenants(database);
    ledger = new Ledger(database);
    reports = new UsageReports(database);
    this.checkPolicy = checkPolicy;
    audit =
        new AdminAudit(
            line ->
                tenants.audit(line.at(), line.who(), line.action(), line.subject(), line.detail()));
  }

  /// The administrator whose token that is now; null for nobody's.
  @Nullable String administrator(String token) {
    return administrators.find(token, System.currentTimeMillis());
  }

  /// Another grid on the database may have made or revoked an administrator's token.
  void tokensChanged() {
    administrators.refresh();
  }

  /// Writes down that somebody did something with a site, soon and without waiting.
  ///
  /// @param action such as `site.kill`
  /// @param site its id
  void did(String who, String action, String site, String detail) {
    audit.add(new AdminAudit.Line(Instant.now(), who, action, site, detail));
    if (!action.equals(CALLER_MOVED)) {
      changes.changed(AdminChange.ofSite(action, site, detail, who));
    }
  }

  /// Where callers are is said many times a minute, and is nobody's business: it stands in the
  /// audit table without the caller, and not in the transparency log.
  static final String CALLER_MOVED = "caller.move";

  /// Carries an order out. What makes no sense is a `BooksException` or an
  /// `IllegalArgumentException` of one sentence.
  ///
  /// @param who for the audit table
  String order(String order, String body, String who) {
    JsonNode in = JSON.readTree(body.isBlank() ? "{}" : body);
    String key = order.equals("keys.rotate") ? "old" : order.equals("keys.revoke") ? "id" : null;
    String tenant = key == null ? null : ownerOf(text(in, key));
    Done done =
        order.equals("tenants.credit")
            ? credit(in, who)
            : new Done(carryOut(order, in, who), !LOOKS.contains(order));
    if (done.changed()) {
      changes.changed(AdminChange.of(order, in, tenant, who));
    }
    return done.answer();
  }

  private record Done(String answer, boolean changed) {}

  private Done credit(JsonNode in, String who) {
    long micros = micros(text(in, "amount"));
    boolean fresh =
        tenants.credit(
            who,
            text(in, "tenant"),
            micros,
            in.path("reference").asString(Instant.now() + "/" + System.nanoTime()),
            in.path("note").asString(""));
    String answer =
        said(
            (fresh ? "Credited " : "This reference was credited before; nothing changed: ")
                + UsageReports.money(micros)
                + "; free now: "
                + UsageReports.money(ledger.balance(text(in, "tenant")).freeMicros())
                + ".");
    return new Done(answer, fresh);
  }

  private @Nullable String ownerOf(String key) {
    return tenants.keys(null).stream()
        .filter(one -> one.id().equals(key))
        .map(Tenants.KeyRow::tenant)
        .findFirst()
        .orElse(null);
  }

  private String carryOut(String order, JsonNode in, String who) {
    return switch (order) {
      case "tenants.list" -> tenantsTable();
      case "tenants.show" -> show(text(in, "tenant"));
      case "tenants.create" -> {
        tenants.create(
            who,
            text(in, "tenant"),
            in.path("name").asString(text(in, "tenant")),
            !in.path("paysLater").asBoolean(false));
        yield said("Tenant " + text(in, "tenant") + " has a project 'default' and no money yet.");
      }
      case "tenants.limit" -> limit(in, who);
      case "tenants.policy" -> {
        String policy = in.path("policy").asString("");
        checkPolicy.accept(policy);
        tenants.policy(
            who, text(in, "tenant"), orNull(in, "project"), texts(in, "jurisdictions"), policy);
        yield said("Set; gateways have it within a second.");
      }
      case "tenants.project" -> {
        tenants.project(who, text(in, "tenant"), text(in, "project"));
        yield said("Project " + text(in, "tenant") + "/" + text(in, "project") + " is there.");
      }
      case "tenants.projects" -> projectsTable(text(in, "tenant"));
      case "tenants.budget" -> {
        boolean none = in.path("none").asBoolean(false);
        tenants.budget(
            who,
            text(in, "tenant"),
            text(in, "project"),
            none
                ? null
                : new SpendingCap(
                    micros(text(in, "amount")), per(in.path("per").asString("total"))));
        yield said("Set; gateways have it within a second.");
      }
      case "tenants.role" -> {
        tenants.role(who, text(in, "tenant"), text(in, "subject"), text(in, "role"));
        yield said("Set; gateways have it within a second.");
      }
      case "tenants.roles" ->
          table(
              List.of("SUBJECT", "ROLE"),
              tenants.members(text(in, "tenant")).stream()
                  .map(member -> List.of(member.subject(), member.role()))
                  .toList());
      case "tenants.open", "tenants.close" -> {
        tenants.activate(who, text(in, "tenant"), order.endsWith("open"));
        yield said("Done; gateways have it within a second.");
      }
      case "tenants.digest-key" -> {
        String tenant = text(in, "tenant");
        tenants.requireTenant(tenant);
        tenants.audit(Instant.now(), who, "tenant.digest-key", tenant, "");
        yield said(HexFormat.of().formatHex(digestKeys.apply(tenant)));
      }
      case "admin-tokens.new" -> {
        administrators.create(
            who,
            text(in, "name"),
            HexFormat.of().parseHex(text(in, "sha256")),
            in.has("expires") ? Instant.parse(text(in, "expires")) : null);
        yield said("The token of " + text(in, "name") + " works from now on.");
      }
      case "admin-tokens.revoke" -> {
        administrators.revoke(who, text(in, "name"));
        yield said("The token of " + text(in, "name") + " is refused from now on.");
      }
      case "admin-tokens.list" -> administratorsTable();
      case "keys.new" -> {
        tenants.key(
            who,
            text(in, "id"),
            text(in, "tenant"),
            in.path("project").asString(Tenants.DEFAULT_PROJECT),
            HexFormat.of().parseHex(text(in, "sha256")),
            in.has("scopes") ? Set.copyOf(texts(in, "scopes")) : Set.of("inference"),
            limits(in),
            in.has("expires") ? Instant.parse(text(in, "expires")) : null);
        yield said("Key " + text(in, "id") + " works within a second.");
      }
      case "keys.list" -> keysTable(orNull(in, "tenant"));
      case "keys.rotate" -> {
        long overlap = in.path("overlapSeconds").asLong(OVERLAP_SECONDS);
        if (overlap < 0 || overlap > Times.LONGEST.toSeconds()) {
          throw new IllegalArgumentException(
              "overlap of " + overlap + " s (expected: 0 to ten years)");
        }
        Tenants.Rotated rotated =
            tenants.rotate(
                who,
                text(in, "old"),
                orNull(in, "id"),
                HexFormat.of().parseHex(text(in, "sha256")),
                in.has("expires") ? Instant.parse(text(in, "expires")) : null,
                Instant.now().plusSeconds(overlap).truncatedTo(ChronoUnit.SECONDS));
        yield said(
            "Key "
                + rotated.id()
                + " works within a second"
                + (rotated.expires() == null ? "" : ", until " + rotated.expires())
                + "; "
                + text(in, "old")
                + " until "
                + rotated.oldUntil()
                + ".");
      }
      case "keys.revoke" -> {
        tenants.revoke(who, text(in, "id"));
        yield said("Key " + text(in, "id") + " is refused within a second.");
      }
      case "prices.set" -> {
        String tier = orNull(in, "tier");
        tenants.price(
            who,
            text(in, "model"),
            tier == null ? null : tier(tier),
            new Price(
                micros(text(in, "prompt")),
                micros(in.path("cached").asString(text(in, "prompt"))),
                micros(text(in, "output"))),
            in.has("from") ? Instant.parse(text(in, "from")) : Instant.now());
        yield said("Set.");
      }
      case "usage" -> usage(in);
      case "audit" -> auditTable();
      default -> throw new IllegalArgumentException("no order '" + order + "'");
    };
  }

  private String limit(JsonNode in, String who) {
    String tenant = text(in, "tenant");
    boolean ofTenant = in.has("tierCeiling") || in.has("weight");
    Limits limits = limits(in);
    boolean limited = !limits.equals(Limits.NONE) || in.path("none").asBoolean(false);
    if (!ofTenant && !limited) {
      throw new IllegalArgumentException(
          "nothing to set (expected: a limit, a weight or a tier ceiling)");
    }
    if (ofTenant && in.has("project")) {
      throw new IllegalArgumentException(
          "a weight and a tier ceiling are the tenant's (expected: no project beside them)");
    }
    tenants.limit(
        who,
        tenant,
        orNull(in, "project"),
        in.has("tierCeiling") ? tier(text(in, "tierCeiling")) : null,
        in.has("weight") ? in.path("weight").asInt(0) : null,
        limited ? limits : null);
    return said("Set; gateways have it within a second.");
  }

  private static Limits limits(JsonNode in) {
    return new Limits(
        in.path("requestsPerSecond").asLong(RateLimiter.UNLIMITED),
        in.path("requestsPerMinute").asLong(RateLimiter.UNLIMITED),
        in.path("tokensPerMinute").asLong(RateLimiter.UNLIMITED),
        in.path("concurrent").asLong(RateLimiter.UNLIMITED));
  }

  private String tenantsTable() {
    var rows = new ArrayList<List<String>>();
    for (Tenant tenant : new TreeMap<>(tenants.directory().tenants()).values()) {
      Ledger.Balance balance = ledger.balance(tenant.id());
      rows.add(
          List.of(
              tenant.id(),
              tenant.active() ? "open" : "closed",
              tenant.prepaid()
                  ? UsageReports.money(balance.freeMicros() + balance.heldMicros())
                  : "owes " + UsageReports.money(balance.owedMicros()),
              tenant.tierCeiling().name().toLowerCase(Locale.ROOT),
              Integer.toString(tenant.weight()),
              tenant.jurisdictions().isEmpty() ? "any" : String.join(" ", tenant.jurisdictions())));
    }
    return table(List.of("TENANT", "STATE", "BALANCE", "CEILING", "WEIGHT", "JURISDICTIONS"), rows);
  }

  private String show(String id) {
    Tenant tenant = tenants.directory().tenant(id);
    if (tenant == null) {
      throw new BooksException("no tenant '" + id + "' (./grid tenants list shows them)");
    }
    Ledger.Balance balance = ledger.balance(id);
    return table(
        List.of("WHAT", "VALUE"),
        List.of(
            List.of("name", tenant.name()),
            List.of("state", tenant.active() ? "open" : "closed"),
            List.of("pays", tenant.prepaid() ? "ahead" : "later"),
            List.of("free", UsageReports.money(balance.freeMicros())),
            List.of("held by gateways", UsageReports.money(balance.heldMicros())),
            List.of("owed", UsageReports.money(balance.owedMicros())),
            List.of("tier ceiling", tenant.tierCeiling().name().toLowerCase(Locale.ROOT)),
            List.of("weight", Integer.toString(tenant.weight())),
            List.of("requests/s", limit(tenant.limits().requestsPerSecond())),
            List.of("requests/min", limit(tenant.limits().requestsPerMinute())),
            List.of("tokens/min", limit(tenant.limits().tokensPerMinute())),
            List.of("at a time", limit(tenant.limits().concurrentMax())),
            List.of("jurisdictions", String.join(" ", tenant.jurisdictions())),
            List.of("policy", tenant.policy())));
  }

  private static String limit(long value) {
    return value >= RateLimiter.UNLIMITED ? "any" : Long.toString(value);
  }

  private static SpendingCap.Per per(String word) {
    return switch (word) {
      case "month" -> SpendingCap.Per.MONTH;
      case "total" -> SpendingCap.Per.TOTAL;
      default ->
          throw new IllegalArgumentException("per '" + word + "' (expected: month or total)");
    };
  }

  private String projectsTable(String id) {
    var rows = new ArrayList<List<String>>();
    for (Project project : tenants.directory().projects(id)) {
      ProjectBudgets.Spending spending = ledger.spending(id, project.id(), Instant.now());
      SpendingCap budget = project.budget();
      long spent =
          budget != null && budget.per() == SpendingCap.Per.TOTAL
              ? spending.totalMicros()
              : spending.monthMicros();
      rows.add(
          List.of(
              project.id(),
              budget == null ? "none" : UsageReports.money(budget.micros()),
              budget == null ? "" : budget.per().name().toLowerCase(Locale.ROOT),
              UsageReports.money(spending.monthMicros()),
              UsageReports.money(spending.totalMicros()),
              budget == null ? "any" : UsageReports.money(Math.max(0, budget.micros() - spent)),
              limit(project.limits().requestsPerMinute()),
              limit(project.limits().tokensPerMinute())));
    }
    if (rows.isEmpty()) {
      throw new BooksException("no tenant '" + id + "' (./grid tenants list shows them)");
    }
    return table(
        List.of(
            "PROJECT",
            "BUDGET",
            "PER",
            "SPENT THIS MONTH",
            "SPENT IN ALL",
            "LEFT",
            "REQUESTS/MIN",
            "TOKENS/MIN"),
        rows);
  }

  private String keysTable(@Nullable String tenant) {
    var rows = new ArrayList<List<String>>();
    for (Tenants.KeyRow key : tenants.keys(tenant)) {
      Instant expires = key.expires();
      Instant revoked = key.revoked();
      rows.add(
          List.of(
              key.id(),
              key.tenant(),
              key.project(),
              String.join(" ", key.scopes().stream().sorted().toList()),
              revoked != null ? "revoked" : expires == null ? "never ends" : expires.toString(),
              key.replaces() == null ? "" : key.replaces()));
    }
    return table(List.of("KEY", "TENANT", "PROJECT", "SCOPES", "UNTIL", "REPLACES"), rows);
  }

  private String administratorsTable() {
    var rows = new ArrayList<List<String>>();
    for (AdminTokens.Row token : administrators.list()) {
      Instant expires = token.expires();
      rows.add(
          List.of(
              token.name(),
              token.created().toString(),
              token.revoked() != null
                  ? "revoked"
                  : expires == null ? "never ends" : expires.toString()));
    }
    return table(List.of("NAME", "SINCE", "UNTIL"), rows);
  }

  private String auditTable() {
    var rows = new ArrayList<List<String>>();
    for (Tenants.AdminAction action : tenants.actions(ACTIONS_MAX)) {
      rows.add(
          List.of(
              action.at().toString(),
              action.who(),
              action.action(),
              action.subject(),
              action.detail()));
    }
    return table(List.of("AT", "WHO", "ACTION", "SUBJECT", "DETAIL"), rows);
  }

  private String usage(JsonNode in) {
    YearMonth month;
    try {
      month =
          in.has("month")
              ? YearMonth.parse(text(in, "month"))
              : UsageReports.monthOf(Instant.now());
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "month '" + text(in, "month") + "' (expected: such as 2026-11)", e);
    }
    String tenant = orNull(in, "tenant");
    List<String> by = in.has("by") ? texts(in, "by") : List.of("tenant", "model");
    var query = new UsageReports.Query(tenant, orNull(in, "project"), month, by);
    String format = in.path("format").asString("table");
    return switch (format) {
      case "csv" -> said(reports.csv(query));
      case "json" -> said(reports.json(query));
      case "focus" -> said(reports.focusCsv(tenant, month));
      case "focus-json" -> said(reports.focusJson(tenant, month));
      case "table" -> {
        var columns = new ArrayList<String>();
        by.forEach(one -> columns.add(one.toUpperCase(Locale.ROOT)));
        columns.addAll(List.of("REQUESTS", "PROMPT", "CACHED", "OUTPUT", "CHARGED"));
        var rows = new ArrayList<List<String>>();
        for (UsageReports.Row row : reports.rows(query)) {
          var cells = new ArrayList<>(row.keys());
          cells.add(Long.toString(row.requests()));
          cells.add(Long.toString(row.promptTokens()));
          cells.add(Long.toString(row.cachedTokens()));
          cells.add(Long.toString(row.outputTokens()));
          cells.add(UsageReports.money(row.chargedMicros()));
          rows.add(cells);
        }
        yield table(columns, rows);
      }
      default ->
          throw new IllegalArgumentException(
              "format '" + format + "' (expected: table, csv, json, focus or focus-json)");
    };
  }

  private static String table(List<String> columns, List<List<String>> rows) {
    ObjectNode root = JSON.createObjectNode();
    ArrayNode head = root.putArray("columns");
    columns.forEach(head::add);
    ArrayNode all = root.putArray("rows");
    for (List<String> row : rows) {
      ArrayNode cells = all.addArray();
      row.forEach(cells::add);
    }
    return root.toString();
  }

  private static String said(String text) {
    return JSON.createObjectNode().put("text", text).toString();
  }

  private static String text(JsonNode in, String name) {
    String value = in.path(name).asString("");
    if (value.isBlank()) {
      throw new IllegalArgumentException("'" + name + "' is missing (expected: a text)");
    }
    return value;
  }

  private static @Nullable String orNull(JsonNode in, String name) {
    return in.path(name).isString() ? in.path(name).stringValue() : null;
  }

  private static List<String> texts(JsonNode in, String name) {
    return in.path(name).valueStream().map(one -> one.asString("")).toList();
  }

  private static ServiceTier tier(String name) {
    try {
      return ServiceTier.valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "tier '" + name + "' (expected: realtime, interactive, standard, background or harvest)",
          e);
    }
  }

  private static long micros(String amount) {
    try {
      return new BigDecimal(amount)
          .movePointRight(6)
          .setScale(0, RoundingMode.UNNECESSARY)
          .longValueExact();
    } catch (ArithmeticException | NumberFormatException e) {
      throw new IllegalArgumentException(
          "amount '" + amount + "' (expected: a decimal number with at most 6 places)", e);
    }
  }

  @Override
  public void close() {
    audit.close();
  }

  /// Where `./grid up --data DIR` keeps its books.
  static Path folder(Path data) {
    return data.resolve("books");
  }
}
