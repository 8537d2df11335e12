package org.aigrid.twin.report;

import java.util.Locale;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.play.Outcome;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Rows of a report on countries that are a little different.
public final class WhatIfs {
  private WhatIfs() {}

  public static ArrayNode list() {
    return Report.JSON.createArrayNode();
  }

  /// Adds a row.
  ///
  /// @param outcome of the changed country
  /// @param unchanged of the country as it is, at the same time
  public static void add(ArrayNode rows, Outcome outcome, Outcome unchanged) {
    ObjectNode row = rows.addObject();
    int minutes = (int) (outcome.settings().beginMs() / 60_000);
    row.put("country", outcome.country().name());
    row.put("begin", String.format(Locale.ROOT, "%02d:%02d", minutes / 60, minutes % 60));
    row.put("minutes", Report.round(outcome.settings().durationMs() / 60_000));
    row.put("requests", outcome.ends().all());
    row.put("attainment", Report.round(outcome.ends().attainment()));
    row.put("change", Report.round(outcome.ends().attainment() - unchanged.ends().attainment()));
    long regional = 0;
    long all = 0;
    double worst = 0;
    for (int s = 0; s < outcome.demand().services().size(); s++) {
      regional += outcome.answered(s, Tier.REGIONAL);
      all += outcome.ttftUs(s).count();
      worst = Math.max(worst, outcome.ttftUs(s).quantile(0.99) / 1e3);
    }
    row.put("regionalShare", Report.round((double) regional / Math.max(1, all)));
    row.put("ttftP99Ms", Report.round(worst));
  }
}
