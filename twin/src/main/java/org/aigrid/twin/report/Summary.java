package org.aigrid.twin.report;

import java.io.PrintWriter;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// What a report says, in a terminal's lines.
public final class Summary {
  private Summary() {}

  /// Prints the summary of a report.
  public static void print(PrintWriter out, JsonNode report) {
    JsonNode about = report.get("scenario");
    JsonNode totals = report.get("totals");
    out.printf(
        Locale.ROOT,
        "%s%n%s: %,d base stations, %d regional centres, %d hubs; %s h from %s, %s, seed %d%n%n",
        about.get("name").asString(),
        about.get("country").asString(),
        about.get("cells").asLong(),
        about.get("regionalCentres").asInt(),
        about.get("hubs").asInt(),
        about.get("hours").asString(),
        about.get("begin").asString(),
        about.get("policy").asString(),
        about.get("seed").asLong());
    out.printf(
        "%-16s %13s %9s %8s %8s %8s %8s   %s%n",
        "service", "requests", "met", "TTFT p50", "p99 ms", "TPOT p50", "p99 ms", "at");
    for (JsonNode service : report.get("services")) {
      service(out, service);
    }
    out.println();
    for (JsonNode tier : report.get("tiers")) {
      out.printf(
          Locale.ROOT,
          "%-9s %,9d GPUs: radio %s, AI %s of the rest; %,.0f M output tokens at %.3f per million%n",
          tier.get("tier").asString(),
          tier.get("gpus").asLong(),
          percent(tier.get("radioGpuHours").asDouble() / atLeastOne(tier.get("gpuHours"))),
          percent(tier.get("soldShareOfIdle").asDouble()),
          tier.get("outputTokens").asLong() / 1e6,
          tier.get("costPerMillionTokens").asDouble());
    }
    out.printf(
        Locale.ROOT,
        "%nall: %,d requests, %s met their objectives; refused %,d, failed %,d, broken %,d%n",
        totals.get("requests").asLong(),
        percent(totals.get("attainment").asDouble()),
        totals.get("refused").asLong(),
        totals.get("failed").asLong(),
        totals.get("broken").asLong());
    continuity(out, report.get("continuity"));
    for (JsonNode whatIf : report.get("whatIfs")) {
      out.printf(
          Locale.ROOT,
          "%s, %s min from %s: %s met (%+.3f points), regional share %s%n",
          whatIf.get("country").asString(),
          whatIf.get("minutes").asString(),
          whatIf.get("begin").asString(),
          percent(whatIf.get("attainment").asDouble()),
          100 * whatIf.get("change").asDouble(),
          percent(whatIf.get("regionalShare").asDouble()));
    }
    out.flush();
  }

  private static void continuity(PrintWriter out, JsonNode node) {
    if (node.get("moves").asLong() > 0) {
      out.printf(
          Locale.ROOT,
          "streams moved: %,d times, %,d of these for a radio; %,d answered to their end, a pause of"
              + " %.0f ms (p99 %.0f)%n",
          node.get("moves").asLong(),
          node.get("movesForRadio").asLong(),
          node.get("movedStreams").asLong(),
          node.get("gapMsP50").asDouble(),
          node.get("gapMsP99").asDouble());
    }
    if (node.get("reclaims").asLong() > 0) {
      out.printf(
          Locale.ROOT,
          "radios claimed %,d times what AI held: gone after %.0f ms (p99 %.0f, at most %.0f)%n",
          node.get("reclaims").asLong(),
          node.get("reclaimMsP50").asDouble(),
          node.get("reclaimMsP99").asDouble(),
          node.get("reclaimMsMost").asDouble());
    }
    if (node.get("violations").asLong() > 0) {
      out.printf(
          "INVARIANTS BROKEN: %,d times; see continuity in the JSON%n",
          node.get("violations").asLong());
    }
  }

  private static double atLeastOne(JsonNode value) {
    return Math.max(1e-9, value.asDouble());
  }

  private static void service(PrintWriter out, JsonNode service) {
    double answered = Math.max(1, service.get("met").asLong() + service.get("late").asLong());
    var where = new StringBuilder();
    for (String tier : Report.tierNames()) {
      double share = service.get("tiers").get(tier).get("answered").asLong() / answered;
      if (share > 0) {
        where
            .append(where.isEmpty() ? "" : ", ")
            .append(tier)
            .append(String.format(Locale.ROOT, " %.1f %%", 100 * share));
      }
    }
    out.printf(
        Locale.ROOT,
        "%-16s %,13d %9s %8.1f %8.1f %8.1f %8.1f   %s%n",
        service.get("name").asString(),
        service.get("requests").asLong(),
        percent(service.get("attainment").asDouble()),
        service.get("ttftMs").get("p50").asDouble(),
        service.get("ttftMs").get("p99").asDouble(),
        service.get("tpotMs").get("p50").asDouble(),
        service.get("tpotMs").get("p99").asDouble(),
        where);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }
}
