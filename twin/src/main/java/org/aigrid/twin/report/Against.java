package org.aigrid.twin.report;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Compares a report with an earlier one, figure by figure.
public final class Against {
  private Against() {}

  /// Rows of figure, value, other value, and whether more is better.
  public static ObjectNode of(JsonNode report, JsonNode other) {
    ObjectNode node = Report.JSON.createObjectNode();
    node.put("name", other.path("scenario").path("name").asString());
    ArrayNode rows = node.putArray("rows");
    for (String figure : new String[] {"requests", "goodputTokensPerSecond"}) {
      row(rows, figure, report.get("totals").get(figure), other.at("/totals/" + figure), true);
    }
    row(rows, "met", report.at("/totals/attainment"), other.at("/totals/attainment"), true);
    for (String figure : new String[] {"refused", "failed", "broken"}) {
      row(rows, figure, report.get("totals").get(figure), other.at("/totals/" + figure), false);
    }
    for (JsonNode service : report.get("services")) {
      String name = service.get("name").asString();
      JsonNode same = named(other.path("services"), "name", name);
      row(rows, name + ": met", service.get("attainment"), same.path("attainment"), true);
      row(rows, name + ": TTFT p50 ms", service.at("/ttftMs/p50"), same.at("/ttftMs/p50"), false);
      row(rows, name + ": TTFT p99 ms", service.at("/ttftMs/p99"), same.at("/ttftMs/p99"), false);
    }
    for (JsonNode tier : report.get("tiers")) {
      String name = tier.get("tier").asString();
      JsonNode same = named(other.path("tiers"), "tier", name);
      row(rows, name + ": answered", tier.get("answered"), same.path("answered"), true);
      row(
          rows,
          name + ": idle GPU sold",
          tier.get("soldShareOfIdle"),
          same.path("soldShareOfIdle"),
          true);
    }
    return node;
  }

  private static JsonNode named(JsonNode list, String key, String name) {
    for (JsonNode node : list) {
      if (node.path(key).asString().equals(name)) {
        return node;
      }
    }
    return Report.JSON.createObjectNode();
  }

  private static void row(
      ArrayNode rows, String figure, JsonNode value, JsonNode other, boolean moreIsBetter) {
    if (value.isNumber() && other.isNumber()) {
      ObjectNode row = rows.addObject();
      row.put("figure", figure);
      row.put("value", value.asDouble());
      row.put("other", other.asDouble());
      row.put("moreIsBetter", moreIsBetter);
    }
  }
}
