package org.aigrid.twin.report;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Policy;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Several plays side by side: policies, settings, seeds. A row is the mean over seeds with its 95
/// % confidence interval. One thread.
public final class Comparison {
  private record Row(String variant, Policy policy, List<Outcome> plays) {}

  private final String name;
  private final String description;
  private final int seeds;
  private final List<String> services;
  private final List<Row> rows = new ArrayList<>();

  public Comparison(String name, String description, int seeds, List<Service> services) {
    this.name = name;
    this.description = description;
    this.seeds = seeds;
    this.services = services.stream().map(Service::name).toList();
  }

  /// Adds plays that differ in their seeds only.
  ///
  /// @param variant the settings that were changed, or empty
  public void add(String variant, Policy policy, List<Outcome> plays) {
    rows.add(new Row(variant, policy, List.copyOf(plays)));
  }

  /// As JSON, for programs and for the page.
  public ObjectNode json() {
    ObjectNode root = Report.JSON.createObjectNode();
    root.put("format", "aigrid-twin-comparison-1");
    root.put("name", name);
    root.put("description", description);
    root.put("seeds", seeds);
    ArrayNode names = root.putArray("services");
    services.forEach(names::add);
    ArrayNode list = root.putArray("rows");
    for (Row row : rows) {
      ObjectNode node = list.addObject();
      node.put("variant", row.variant());
      node.put("policy", row.policy().title());
      node.set("attainment", interval(row.plays(), play -> play.ends().attainment()));
      ArrayNode byService = node.putArray("byService");
      for (int s = 0; s < services.size(); s++) {
        int service = s;
        byService.add(interval(row.plays(), play -> play.ends(service).attainment()));
      }
      node.put("ttftP50Ms", Report.round(mean(row.plays(), play -> quantileMs(play, 0.5))));
      node.put("ttftP99Ms", Report.round(mean(row.plays(), play -> quantileMs(play, 0.99))));
      node.put("lost", Report.round(mean(row.plays(), Comparison::lost)));
      ObjectNode tiers = node.putObject("tiers");
      for (Tier tier : List.of(Tier.CELL, Tier.REGIONAL, Tier.HUB)) {
        tiers.put(Report.name(tier), Report.round(mean(row.plays(), play -> share(play, tier))));
      }
    }
    return root;
  }

  /// As a table in Markdown.
  public void print(PrintWriter out) {
    boolean variants = rows.stream().anyMatch(row -> !row.variant().isEmpty());
    out.print(variants ? "| variant | policy | all |" : "| policy | all |");
    services.forEach(service -> out.printf(" %s |", service));
    out.println(" TTFT p50, p99 ms | refused or lost | cell, regional, hub |");
    out.println(
        (variants ? "|---" : "") + "|---|--:|" + "--:|".repeat(services.size()) + "--:|--:|--:|");
    for (Row row : rows) {
      if (variants) {
        out.printf("| %s ", row.variant());
      }
      out.printf(
          "| %s | %s |", row.policy().title(), text(row.plays(), play -> play.ends().attainment()));
      for (int s = 0; s < services.size(); s++) {
        int service = s;
        out.printf(" %s |", text(row.plays(), play -> play.ends(service).attainment()));
      }
      out.printf(
          Locale.ROOT,
          " %,.0f, %,.0f | %.2f %% | %.0f, %.0f, %.0f %% |%n",
          mean(row.plays(), play -> quantileMs(play, 0.5)),
          mean(row.plays(), play -> quantileMs(play, 0.99)),
          100 * mean(row.plays(), Comparison::lost),
          100 * mean(row.plays(), play -> share(play, Tier.CELL)),
          100 * mean(row.plays(), play -> share(play, Tier.REGIONAL)),
          100 * mean(row.plays(), play -> share(play, Tier.HUB)));
    }
    out.flush();
  }

  /// Of the service with the most requests.
  private static double quantileMs(Outcome play, double share) {
    int most = 0;
    for (int s = 1; s < play.demand().services().size(); s++) {
      most = play.ttftUs(s).count() > play.ttftUs(most).count() ? s : most;
    }
    return play.ttftUs(most).quantile(share) / 1e3;
  }

  private static double lost(Outcome play) {
    Outcome.Ends ends = play.ends();
    return (double) (ends.refused() + ends.failed() + ends.broken()) / Math.max(1, ends.all());
  }

  private static double share(Outcome play, Tier tier) {
    long own = 0;
    long all = 0;
    for (int s = 0; s < play.demand().services().size(); s++) {
      own += play.answered(s, tier);
      all += play.ttftUs(s).count();
    }
    return (double) own / Math.max(1, all);
  }

  private static double mean(List<Outcome> plays, ToDoubleFunction<Outcome> of) {
    return plays.stream().mapToDouble(of).average().orElse(0);
  }

  private static Interval over(List<Outcome> plays, ToDoubleFunction<Outcome> of) {
    return Interval.of(plays.stream().mapToDouble(of).toArray());
  }

  private static ObjectNode interval(List<Outcome> plays, ToDoubleFunction<Outcome> of) {
    return over(plays, of).json();
  }

  private static String text(List<Outcome> plays, ToDoubleFunction<Outcome> of) {
    Interval interval = over(plays, of);
    Double half = interval.half();
    return half == null
        ? String.format(Locale.ROOT, "%.2f %%", 100 * interval.mean())
        : String.format(Locale.ROOT, "%.2f ± %.2f %%", 100 * interval.mean(), 100 * half);
  }
}
