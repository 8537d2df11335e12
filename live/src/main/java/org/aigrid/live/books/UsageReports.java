package org.aigrid.live.books;

import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Who used what: sums over the books, as a table, CSV, JSON, or as FOCUS 1.2 (FinOps Open Cost and
/// Usage Specification). Days and months are UTC. Safe for many threads; calls block.
///
/// In FOCUS, work that costs less than list price is one `Usage` row at list price and one `Credit`
/// row with the difference, never netted.
public final class UsageReports {
  /// What sums can be taken by.
  public static final Map<String, String> DIMENSIONS =
      Map.of(
          "tenant", "tenant",
          "project", "project",
          "key", "api_key",
          "model", "model",
          "tier", "tier",
          "site", "site",
          "jurisdiction", "jurisdiction",
          "operator", "operator",
          "day", "to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD')");

  /// The columns of FOCUS 1.2, in the order of its specification.
  static final List<String> FOCUS_COLUMNS =
      List.of(
          ("AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingAccountType"
                  + " BillingCurrency BillingPeriodEnd BillingPeriodStart CapacityReservationId"
                  + " CapacityReservationStatus ChargeCategory ChargeClass ChargeDescription"
                  + " ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory"
                  + " CommitmentDiscountId CommitmentDiscountName CommitmentDiscountQuantity"
                  + " CommitmentDiscountStatus CommitmentDiscountType CommitmentDiscountUnit"
                  + " ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice"
                  + " EffectiveCost InvoiceId InvoiceIssuerName ListCost ListUnitPrice"
                  + " PricingCategory PricingCurrency PricingCurrencyContractedUnitPrice"
                  + " PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice PricingQuantity"
                  + " PricingUnit ProviderName PublisherName RegionId RegionName ResourceId"
                  + " ResourceName ResourceType ServiceCategory ServiceName ServiceSubcategory"
                  + " SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName"
                  + " SubAccountType Tags")
              .split(" "));

  private static final List<String> OWN_COLUMNS =
      List.of(
          "x_Site",
          "x_ServiceTier",
          "x_Requests",
          "x_PromptTokens",
          "x_CachedTokens",
          "x_OutputTokens");
  private static final DateTimeFormatter FOCUS_TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final ObjectMapper JSON = new ObjectMapper();

  /// A question that takes longer is refused: less than the pool waits for an answer.
  private static final int PATIENCE_MS = 20_000;

  /// What PostgreSQL calls a statement that was ended, as by its timeout.
  private static final String CANCELED = "57014";

  private final Jdbi jdbi;
  private final int patienceMs;

  public UsageReports(Database database) {
    this(database, PATIENCE_MS);
  }

  UsageReports(Database database, int patienceMs) {
    jdbi = database.jdbi();
    this.patienceMs = patienceMs;
  }

  /// What is asked for.
  ///
  /// @param tenant null: all
  /// @param project null: all
  /// @param month of which
  /// @param by dimensions, in the order of the columns; names of `DIMENSIONS`
  /// @param rowsMax a question whose answer has more is refused
  public record Query(
      @Nullable String tenant,
      @Nullable String project,
      YearMonth month,
      List<String> by,
      int rowsMax) {
    /// With as many rows as there are.
    public Query(
        @Nullable String tenant, @Nullable String project, YearMonth month, List<String> by) {
      this(tenant, project, month, by, Integer.MAX_VALUE - 1);
    }

    public Query {
      by = List.copyOf(by);
      for (String one : by) {
        if (!DIMENSIONS.containsKey(one)) {
          throw new BooksException(
              "'"
                  + one
                  + "' (expected: some of "
                  + DIMENSIONS.keySet().stream().sorted().toList()
                  + ")");
        }
      }
    }
  }

  /// One sum.
  ///
  /// @param keys of the dimensions asked for, in their order
  public record Row(
      List<String> keys,
      long requests,
      long promptTokens,
      long cachedTokens,
      long outputTokens,
      long chargedMicros,
      long listMicros) {}

  /// The sums, ordered by their keys.
  public List<Row> rows(Query query) {
    var columns = new ArrayList<String>();
    for (String one : query.by()) {
      columns.add(String.valueOf(DIMENSIONS.get(one)));
    }
    String grouped = String.join(", ", columns);
    int count = columns.size();
    List<Row> rows = rows(query, grouped, count);
    if (rows.size() > query.rowsMax()) {
      throw new BooksException(
          "more than "
              + query.rowsMax()
              + " rows (expected: fewer dimensions in 'by', or one project)");
    }
    return rows;
  }

  private List<Row> rows(Query query, String grouped, int count) {
    try {
      return jdbi.inTransaction(
          handle -> {
            handle.execute("set transaction read only");
            handle.execute("set local statement_timeout = " + patienceMs);
            return rows(handle, query, grouped, count);
          });
    } catch (JdbiException e) {
      if (e.getCause() instanceof SQLException why && CANCELED.equals(why.getSQLState())) {
        throw new BooksException(
            "the sums of "
                + query.month()
                + " take longer than "
                + patienceMs / 1_000
                + " s (expected: fewer dimensions in 'by', or one tenant or project)",
            e);
      }
      throw e;
    }
  }

  private static List<Row> rows(Handle handle, Query query, String grouped, int count) {
    return handle
        .createQuery(
            "select "
                + (count == 0 ? "" : grouped + ", ")
                + "count(*), coalesce(sum(prompt_tokens), 0)::bigint,"
                + " coalesce(sum(cached_tokens), 0)::bigint,"
                + " coalesce(sum(output_tokens), 0)::bigint,"
                + " coalesce(sum(charged_micros), 0)::bigint,"
                + " coalesce(sum(list_micros), 0)::bigint from requests"
                + " where ended_at >= :from and ended_at < :to"
                + " and (:tenant::text is null or tenant = :tenant)"
                + " and (:project::text is null or project = :project)"
                + (count == 0 ? "" : " group by " + grouped + " order by " + grouped)
                + " limit :max")
        .bind("max", query.rowsMax() + 1)
        .bind("from", query.month().atDay(1).atStartOfDay().atOffset(ZoneOffset.UTC))
        .bind("to", query.month().plusMonths(1).atDay(1).atStartOfDay().atOffset(ZoneOffset.UTC))
        .bind("tenant", query.tenant())
        .bind("project", query.project())
        .map(
            (row, _) -> {
              var keys = new ArrayList<String>();
              for (int i = 1; i <= count; i++) {
                keys.add(row.getString(i));
              }
              return new Row(
                  keys,
                  row.getLong(count + 1),
                  row.getLong(count + 2),
                  row.getLong(count + 3),
                  row.getLong(count + 4),
                  row.getLong(count + 5),
                  row.getLong(count + 6));
            })
        .list();
  }

  /// The sums as CSV, with a head.
  public String csv(Query query) {
    var out = new StringBuilder();
    var head = new ArrayList<>(query.by());
    head.addAll(
        List.of("requests", "prompt_tokens", "cached_tokens", "output_tokens", "charged", "list"));
    line(out, head);
    for (Row row : rows(query)) {
      var cells = new ArrayList<>(row.keys());
      cells.add(Long.toString(row.requests()));
      cells.add(Long.toString(row.promptTokens()));
      cells.add(Long.toString(row.cachedTokens()));
      cells.add(Long.toString(row.outputTokens()));
      cells.add(money(row.chargedMicros()));
      cells.add(money(row.listMicros()));
      line(out, cells);
    }
    return out.toString();
  }

  /// The sums as JSON: an array of objects; money as decimal text.
  public String json(Query query) {
    ArrayNode all = JSON.createArrayNode();
    for (Row row : rows(query)) {
      ObjectNode one = all.addObject();
      for (int i = 0; i < query.by().size(); i++) {
        one.put(query.by().get(i), row.keys().get(i));
      }
      one.put("requests", row.requests())
          .put("promptTokens", row.promptTokens())
          .put("cachedTokens", row.cachedTokens())
          .put("outputTokens", row.outputTokens())
          .put("charged", money(row.chargedMicros()))
          .put("list", money(row.listMicros()));
    }
    return all.toString();
  }

  /// The sums as an object with a list in it, under the names that the OpenAI API has for usage.
  public String list(Query query) {
    ObjectNode page = JSON.createObjectNode().put("object", "list");
    page.put("month", query.month().toString()).put("currency", currency());
    ArrayNode all = page.putArray("data");
    for (Row row : rows(query)) {
      ObjectNode one = all.addObject().put("object", "usage");
      for (int i = 0; i < query.by().size(); i++) {
        one.put(query.by().get(i), row.keys().get(i));
      }
      one.put("num_model_requests", row.requests())
          .put("input_tokens", row.promptTokens())
          .put("input_cached_tokens", row.cachedTokens())
          .put("output_tokens", row.outputTokens())
          .put("charged", money(row.chargedMicros()))
          .put("list", money(row.listMicros()));
    }
    return page.put("has_more", false).toString();
  }

  private String currency() {
    return jdbi.withHandle(
        handle -> handle.createQuery("select currency from directory").mapTo(String.class).one());
  }

  /// FOCUS 1.2 as CSV: the 57 columns, then ours (`x_...`). What is null is an empty cell.
  public String focusCsv(@Nullable String tenant, YearMonth month) {
    return focusCsv(new Query(tenant, null, month, List.of()));
  }

  /// The same of a query, whose dimensions do not matter.
  String focusCsv(Query query) {
    var out = new StringBuilder();
    var columns = new ArrayList<>(FOCUS_COLUMNS);
    columns.addAll(OWN_COLUMNS);
    line(out, columns);
    for (Map<String, String> row : focus(query)) {
      line(out, columns.stream().map(column -> row.getOrDefault(column, "")).toList());
    }
    return out.toString();
  }

  /// FOCUS 1.2 as a JSON array of objects; what is null is null.
  public String focusJson(@Nullable String tenant, YearMonth month) {
    return focusJson(new Query(tenant, null, month, List.of()));
  }

  /// The same of a query, whose dimensions do not matter.
  String focusJson(Query query) {
    ArrayNode all = JSON.createArrayNode();
    var columns = new ArrayList<>(FOCUS_COLUMNS);
    columns.addAll(OWN_COLUMNS);
    for (Map<String, String> row : focus(query)) {
      ObjectNode one = all.addObject();
      for (String column : columns) {
        String value = row.get(column);
        if (value == null) {
          one.putNull(column);
        } else if (column.endsWith("Cost")
            || column.endsWith("Quantity")
            || column.endsWith("Tokens")
            || column.equals("x_Requests")) {
          one.put(column, new BigDecimal(value));
        } else {
          one.put(column, value);
        }
      }
    }
    return all.toString();
  }

  private List<Map<String, String>> focus(Query asked) {
    YearMonth month = asked.month();
    record Names(String currency, Map<String, String> tenants) {}
    Names names =
        jdbi.withHandle(
            handle -> {
              var byId = new LinkedHashMap<String, String>();
              handle
                  .createQuery("select id, name from tenants")
                  .map((row, _) -> Map.entry(row.getString(1), row.getString(2)))
                  .forEach(entry -> byId.put(entry.getKey(), entry.getValue()));
              return new Names(
                  handle.createQuery("select currency from directory").mapTo(String.class).one(),
                  byId);
            });
    var query =
        new Query(
            asked.tenant(),
            asked.project(),
            month,
            List.of(
                "tenant", "project", "model", "tier", "site", "jurisdiction", "operator", "day"),
            asked.rowsMax());
    var rows = new ArrayList<Map<String, String>>();
    for (Row sum : rows(query)) {
      List<String> keys = sum.keys();
      var row = new LinkedHashMap<String, String>();
      LocalDate day = LocalDate.parse(keys.get(7));
      String operator = keys.get(6).isEmpty() ? "AI Grid" : keys.get(6);
      long tokens = sum.promptTokens() + sum.outputTokens();
      row.put("BillingAccountId", keys.get(0));
      row.put("BillingAccountName", names.tenants().getOrDefault(keys.get(0), keys.get(0)));
      row.put("BillingAccountType", "Tenant");
      row.put("BillingCurrency", names.currency());
      row.put("BillingPeriodStart", time(month.atDay(1)));
      row.put("BillingPeriodEnd", time(month.plusMonths(1).atDay(1)));
      row.put("ChargePeriodStart", time(day));
      row.put("ChargePeriodEnd", time(day.plusDays(1)));
      row.put("ChargeCategory", "Usage");
      row.put("ChargeFrequency", "Usage-Based");
      row.put("ChargeDescription", "Tokens of " + keys.get(2) + ", " + keys.get(3));
      row.put("ConsumedQuantity", Long.toString(tokens));
      row.put("ConsumedUnit", "Tokens");
      row.put("InvoiceIssuerName", operator);
      row.put("PricingCategory", "Standard");
      row.put("PricingCurrency", names.currency());
      row.put("PricingQuantity", Long.toString(tokens));
      row.put("PricingUnit", "Tokens");
      row.put("ProviderName", operator);
      row.put("PublisherName", operator);
      putUnlessEmpty(row, "RegionId", keys.get(5));
      putUnlessEmpty(row, "RegionName", keys.get(5));
      row.put("ServiceCategory", "AI and Machine Learning");
      row.put("ServiceSubcategory", "Generative AI");
      row.put("ServiceName", "AI Grid inference");
      row.put("SkuId", keys.get(2));
      row.put("SkuMeter", "Tokens");
      row.put("SkuPriceId", keys.get(2) + "/" + keys.get(3));
      row.put("SubAccountId", keys.get(1));
      row.put("SubAccountName", keys.get(1));
      row.put("SubAccountType", "Project");
      putUnlessEmpty(row, "x_Site", keys.get(4));
      row.put("x_ServiceTier", keys.get(3));
      long list = Math.max(sum.listMicros(), sum.chargedMicros());
      long credit = sum.chargedMicros() - list;
      var usage = new LinkedHashMap<>(row);
      costs(usage, list);
      usage.put("x_Requests", Long.toString(sum.requests()));
      usage.put("x_PromptTokens", Long.toString(sum.promptTokens()));
      usage.put("x_CachedTokens", Long.toString(sum.cachedTokens()));
      usage.put("x_OutputTokens", Long.toString(sum.outputTokens()));
      rows.add(usage);
      if (credit < 0) {
        var credited = new LinkedHashMap<>(row);
        costs(credited, credit);
        credited.put("ChargeCategory", "Credit");
        credited.put("ChargeDescription", "Reduced price of tier " + keys.get(3));
        credited.put("PricingQuantity", "1");
        credited.put("PricingUnit", "Credits");
        credited.remove("ConsumedQuantity");
        credited.remove("ConsumedUnit");
        rows.add(credited);
      }
    }
    return rows;
  }

  private static void costs(Map<String, String> row, long micros) {
    for (String column :
        List.of(
            "BilledCost",
            "ContractedCost",
            "EffectiveCost",
            "ListCost",
            "PricingCurrencyEffectiveCost")) {
      row.put(column, money(micros));
    }
  }

  private static void putUnlessEmpty(Map<String, String> row, String column, String value) {
    if (!value.isEmpty()) {
      row.put(column, value);
    }
  }

  private static String time(LocalDate day) {
    return FOCUS_TIME.format(day.atStartOfDay().toInstant(ZoneOffset.UTC));
  }

  /// Micro-units as a plain decimal, such as `0.000120`, without needless zeros.
  public static String money(long micros) {
    return micros == 0 ? "0" : BigDecimal.valueOf(micros, 6).stripTrailingZeros().toPlainString();
  }

  private static void line(StringBuilder out, List<String> cells) {
    for (int i = 0; i < cells.size(); i++) {
      if (i > 0) {
        out.append(',');
      }
      String cell = cells.get(i);
      // a leading = + - @ would be a formula in a spreadsheet; numbers may begin with a minus
      boolean formula =
          !cell.isEmpty()
              && "=+-@".indexOf(cell.charAt(0)) >= 0
              && !cell.matches("-?[0-9]+(\\.[0-9]+)?");
      if (formula
          || cell.contains(",")
          || cell.contains("\"")
          || cell.contains("\n")
          || cell.contains("\r")) {
        out.append('"').append(formula ? "'" : "").append(cell.replace("\"", "\"\"")).append('"');
      } else {
        out.append(cell);
      }
    }
    out.append('\n');
  }

  /// The month of a moment.
  public static YearMonth monthOf(Instant now) {
    return YearMonth.from(now.atOffset(ZoneOffset.UTC));
  }
}
