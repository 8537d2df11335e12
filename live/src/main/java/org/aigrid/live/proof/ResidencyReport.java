package org.aigrid.live.proof;

import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/// Where one tenant's data was processed in a month: counts and tokens of each site, from the
/// receipts of a log, every attempt included, since a site that failed has seen the request too.
/// Fed with entries whose place in the tree was checked (`LogAudit`). One thread.
public final class ResidencyReport implements LogAudit.EntryReader {
  private final String tenantPseudonym;
  private final long fromMs;
  private final long toMs;
  private final Map<Place, Sums> places = new TreeMap<>();
  private long receipts;
  private long firstIndex = -1;
  private long lastIndex = -1;

  /// A place where data was.
  ///
  /// @param jurisdiction ISO 3166
  /// @param site id
  /// @param operator who runs it
  public record Place(String jurisdiction, String site, String operator)
      implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      int order = jurisdiction.compareTo(other.jurisdiction);
      order = order != 0 ? order : site.compareTo(other.site);
      return order != 0 ? order : operator.compareTo(other.operator);
    }
  }

  /// One line of the report.
  ///
  /// @param requests that ended there
  /// @param attempts that were sent there, those that went on elsewhere included
  public record Row(
      Place place,
      long requests,
      long attempts,
      long promptTokens,
      long cachedTokens,
      long completionTokens) {}

  private static final class Sums {
    long requests;
    long attempts;
    long promptTokens;
    long cachedTokens;
    long completionTokens;
  }

  /// @param month of the request's start, UTC
  public ResidencyReport(String tenantPseudonym, YearMonth month) {
    this.tenantPseudonym = tenantPseudonym;
    fromMs = month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
    toMs = month.plusMonths(1).atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
  }

  @Override
  public void entry(long index, byte[] bytes) {
    LogEntry.Read entry = LogEntry.read(bytes);
    JsonNode json = entry.json();
    long started = json.path("started").asLong(-1);
    if (!entry.receipt()
        || !json.path("tenantPseudonym").asString("").equals(tenantPseudonym)
        || started < fromMs
        || started >= toMs) {
      return;
    }
    receipts++;
    firstIndex = firstIndex < 0 ? index : firstIndex;
    lastIndex = index;
    for (JsonNode attempt : json.path("attempts").valueStream().toList()) {
      sumsOf(attempt, "operator").attempts++;
    }
    if (json.path("attempts").isEmpty()) {
      return; // refused before any site saw it
    }
    Sums ended = sumsOf(json, "siteOperator");
    ended.requests++;
    ended.promptTokens += json.path("usage").path("prompt").asLong(0);
    ended.cachedTokens += json.path("usage").path("cached").asLong(0);
    ended.completionTokens += json.path("usage").path("completion").asLong(0);
  }

  private Sums sumsOf(JsonNode json, String operatorName) {
    var place =
        new Place(
            json.path("jurisdiction").asString("?"),
            json.path("site").asString("?"),
            json.path(operatorName).asString("?"));
    return places.computeIfAbsent(place, key -> new Sums());
  }

  /// Sorted by jurisdiction and site.
  public List<Row> rows() {
    var rows = new ArrayList<Row>();
    places.forEach(
        (place, sums) ->
            rows.add(
                new Row(
                    place,
                    sums.requests,
                    sums.attempts,
                    sums.promptTokens,
                    sums.cachedTokens,
                    sums.completionTokens)));
    return rows;
  }

  /// Receipts of the tenant in the month, refused requests included.
  public long receipts() {
    return receipts;
  }

  /// Index of the first of them, or -1.
  public long firstIndex() {
    return firstIndex;
  }

  /// Index of the last of them, or -1.
  public long lastIndex() {
    return lastIndex;
  }
}
