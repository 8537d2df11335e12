package org.aigrid.live.replay;

import java.util.Locale;
import java.util.Map;
import org.HdrHistogram.Histogram;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/// A replay's report for people and for programs.
public final class ReplayText {
  private ReplayText() {}

  /// A table of percentiles and shares.
  public static String table(ReplayReport report) {
    var text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%nRequests      %,d sent, %,d answered, %,d failed in %.1f s (%.1f/s, at most %,d"
                + " together)%n",
            report.sent(),
            report.answered(),
            report.failed(),
            report.wallSeconds(),
            report.sent() / report.wallSeconds(),
            report.inFlightMost()));
    text.append(
        String.format(
            Locale.ROOT,
            "Tokens        %,d prompt (%,.0f/s), %,d output (%,.0f/s)%n%n",
            report.promptTokens(),
            report.promptTokens() / report.wallSeconds(),
            report.outputTokens(),
            report.outputTokens() / report.wallSeconds()));
    text.append(
        String.format("%-26s %10s %10s %10s %10s%n", "milliseconds", "p50", "p90", "p99", "max"));
    row(text, "first token (TTFT)", report.firstTokenUs());
    row(text, "between frames (ITL)", report.frameGapUs());
    row(text, "per output token (TPOT)", report.tokenUs());
    row(text, "end to end (E2E)", report.endUs());
    row(text, "sent late by", report.latenessUs());
    text.append("All but the gaps count from when the trace wanted the request sent.\n\n");
    shares(text, "tier", report.answeredByTier(), report.answered());
    shares(text, "site", report.answeredBySite(), report.answered());
    if (!report.failedByKind().isEmpty()) {
      text.append("\nFailures\n");
      report
          .failedByKind()
          .forEach(
              (kind, count) ->
                  text.append(
                      String.format(
                          Locale.ROOT,
                          "  %,8d  %s: %s%n",
                          count,
                          kind,
                          report.failureExample().getOrDefault(kind, ""))));
    }
    return text.toString();
  }

  private static void row(StringBuilder text, String name, Histogram us) {
    if (us.getTotalCount() == 0) {
      return;
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%-26s %10.1f %10.1f %10.1f %10.1f%n",
            name,
            us.getValueAtPercentile(50) / 1e3,
            us.getValueAtPercentile(90) / 1e3,
            us.getValueAtPercentile(99) / 1e3,
            us.getMaxValue() / 1e3));
  }

  private static void shares(
      StringBuilder text, String what, Map<String, Long> counts, long total) {
    counts.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .forEach(
            entry ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "%-5s %-20s %,9d  %5.1f %%%n",
                        what,
                        entry.getKey(),
                        entry.getValue(),
                        100.0 * entry.getValue() / Math.max(1, total))));
  }

  /// The same as JSON; latencies in milliseconds.
  public static String json(ReplayReport report) {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("sent", report.sent());
    root.put("answered", report.answered());
    root.put("failed", report.failed());
    root.put("wallSeconds", report.wallSeconds());
    root.put("promptTokens", report.promptTokens());
    root.put("outputTokens", report.outputTokens());
    root.put("inFlightMost", report.inFlightMost());
    percentiles(root.putObject("firstTokenMs"), report.firstTokenUs());
    percentiles(root.putObject("frameGapMs"), report.frameGapUs());
    percentiles(root.putObject("tokenMs"), report.tokenUs());
    percentiles(root.putObject("endMs"), report.endUs());
    percentiles(root.putObject("latenessMs"), report.latenessUs());
    ObjectNode tiers = root.putObject("answeredByTier");
    report.answeredByTier().forEach(tiers::put);
    ObjectNode sites = root.putObject("answeredBySite");
    report.answeredBySite().forEach(sites::put);
    ObjectNode failures = root.putObject("failedByKind");
    report.failedByKind().forEach(failures::put);
    return root.toPrettyString() + "\n";
  }

  private static void percentiles(ObjectNode node, Histogram us) {
    node.put("count", us.getTotalCount());
    node.put("mean", us.getMean() / 1e3);
    node.put("p50", us.getValueAtPercentile(50) / 1e3);
    node.put("p90", us.getValueAtPercentile(90) / 1e3);
    node.put("p99", us.getValueAtPercentile(99) / 1e3);
    node.put("max", us.getMaxValue() / 1e3);
  }
}
