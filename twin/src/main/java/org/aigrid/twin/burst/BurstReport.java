package org.aigrid.twin.burst;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.aigrid.core.engine.StepModel;
import org.aigrid.twin.demand.Lengths;
import org.aigrid.twin.report.Interval;
import org.aigrid.twin.report.Report;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What the experiment came to, beside what was published: JSON for programs and the page, Markdown
/// for a terminal and the documents.
public final class BurstReport {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final double HOUR_S = 3_600;

  private final Burst.Result result;
  private final List<Pair> pairs;
  private final double pricePerGpuHour;

  /// @param pricePerGpuHour declared, the same in both arms
  public BurstReport(Burst.Result result, double pricePerGpuHour) {
    BurstSettings.require(
        pricePerGpuHour >= 0 && pricePerGpuHour <= 1e6, "price", pricePerGpuHour, "0 to 1e6");
    this.result = result;
    this.pricePerGpuHour = pricePerGpuHour;
    pairs = Pair.of(result);
  }

  /// What the GPUs cost for a million tokens within the bounds; 0 where there are none.
  private double costPerMillion(double goodput) {
    int gpus = result.settings().engines().gpus();
    return goodput <= 0 ? 0 : gpus * pricePerGpuHour / HOUR_S / goodput * 1e6;
  }

  /// All numbers.
  public ObjectNode json() {
    ObjectNode root = JSON.createObjectNode();
    BurstSettings settings = result.settings();
    root.put("format", "aigrid-twin-burst-1");
    root.put("name", "Burst: GPUs in one place, or one at each site");
    root.put("description", description());
    root.put("seeds", result.plan().seeds());
    root.put("firstSeed", result.plan().firstSeed());
    root.put("pricePerGpuHour", pricePerGpuHour);
    root.set("settings", settings(settings));
    ArrayNode levels = root.putArray("levels");
    for (LoadLevel level : LoadLevel.LADDER) {
      ObjectNode node = levels.addObject();
      node.put("name", level.name());
      node.put("factor", Report.round(level.factor()));
      node.put("perSecond", Report.round(level.factor() * result.baselinePerSecond()));
    }
    ArrayNode rows = root.putArray("rows");
    for (Burst.Row row : result.rows()) {
      row(rows.addObject(), row);
    }
    ArrayNode list = root.putArray("pairs");
    for (Pair pair : pairs) {
      pair(list.addObject(), pair);
    }
    ObjectNode published = root.putObject("published");
    published.put("sitesBaseline", Published.SITES_BASELINE);
    published.put("sitesBurst", Published.SITES_BURST);
    published.put("centreBaseline", Published.CENTRE_BASELINE);
    published.put("centreBurst", Published.CENTRE_BURST);
    published.put("baselineRatio", Report.round(Published.BASELINE_RATIO));
    published.put("burstRatio", Report.round(Published.BURST_RATIO));
    return root;
  }

  private String description() {
    BurstSettings settings = result.settings();
    BurstSettings.Bounds bounds = settings.bounds();
    return String.format(
        Locale.ROOT,
        "%d x %s with %s: all in one place, or one at each of %d sites %s ms from their callers, %s"
            + " ms more to a neighbour. In time is a first token within %s ms, of which %s go"
            + " elsewhere, and %s ms for each token more.",
        settings.engines().gpus(),
        settings.engines().accelerator(),
        settings.engines().model(),
        settings.engines().gpus(),
        plain(settings.siteRoundTripMs()),
        plain(settings.neighbourMs()),
        plain(bounds.firstTokenMs()),
        plain(bounds.pipelineMs()),
        plain(bounds.tpotMs()));
  }

  private static ObjectNode settings(BurstSettings settings) {
    ObjectNode node = JSON.createObjectNode();
    BurstSettings.Engines engines = settings.engines();
    StepModel step = engines.profile().step();
    node.put("model", engines.model());
    node.put("accelerator", engines.accelerator());
    node.put("gpus", engines.gpus());
    node.put("sequencesMax", engines.sequencesMax());
    node.put("stepBaseMs", Report.round(step.baseMs()));
    node.put("stepPrefillMsPerToken", Report.round(step.prefillMsPerToken()));
    node.put("stepDecodeMsPerSequence", Report.round(step.decodeMsPerSequence()));
    node.put("stepContextMsPerThousandTokens", Report.round(step.contextMsPerThousandTokens()));
    node.set("promptTokens", lengths(settings.traffic().prompt()));
    node.set("answerTokens", lengths(settings.traffic().answer()));
    node.put("burstiness", settings.traffic().burstiness());
    node.put("firstTokenMs", settings.bounds().firstTokenMs());
    node.put("pipelineMs", settings.bounds().pipelineMs());
    node.put("tpotMs", settings.bounds().tpotMs());
    node.put("metLeast", settings.bounds().metLeast());
    node.put("waitMs", settings.bounds().waitMs());
    node.put("lessTrip", settings.bounds().lessTrip());
    node.put("siteRoundTripMs", settings.siteRoundTripMs());
    node.put("neighbourMs", settings.neighbourMs());
    node.put("seconds", settings.seconds());
    return node;
  }

  private static ObjectNode lengths(Lengths lengths) {
    ObjectNode node = JSON.createObjectNode();
    node.put("p50", lengths.quantile(0.5));
    node.put("p90", lengths.quantile(0.9));
    node.put("p99", lengths.quantile(0.99));
    node.put("mean", Report.round(lengths.mean()));
    return node;
  }

  private void row(ObjectNode node, Burst.Row row) {
    node.put("arm", row.arm().key());
    node.put("title", row.arm().title());
    node.put("roundTripMs", row.roundTripMs());
    node.set("largestPerSecond", row.largestPerSecond().json());
    node.set("largestGoodput", row.largestGoodput().json());
    ArrayNode levels = node.putArray("levels");
    for (int level = 0; level < LoadLevel.LADDER.size(); level++) {
      ObjectNode at = levels.addObject();
      List<BurstPlay.Point> points = row.ladder().get(level);
      at.set("met", row.met(level).json());
      at.set("goodput", row.goodput(level).json());
      at.put("ttftP50Ms", mean(points.stream().mapToDouble(BurstPlay.Point::ttftP50Ms).toArray()));
      at.put("ttftP99Ms", mean(points.stream().mapToDouble(BurstPlay.Point::ttftP99Ms).toArray()));
      at.put("refused", mean(points.stream().mapToDouble(BurstPlay.Point::refused).toArray()));
      at.put("costPerMillion", Report.round(costPerMillion(row.goodput(level).mean())));
    }
  }

  private static double mean(double[] values) {
    return Report.round(Interval.of(values).mean());
  }

  private static void pair(ObjectNode node, Pair pair) {
    node.put("pair", pair.key());
    node.put("title", pair.title());
    crossing(node, "noGainUpToMs", pair.loadCrossing(Pair.GAIN_LEAST));
    crossing(
        node,
        "publishedBaselineAtMs",
        pair.goodputCrossing(Published.BASELINE_RATIO, LoadLevel.BASELINE));
    crossing(
        node, "publishedBurstAtMs", pair.goodputCrossing(Published.BURST_RATIO, LoadLevel.BURST));
    ArrayNode list = node.putArray("rows");
    for (int i = 0; i < pair.centre().size(); i++) {
      ObjectNode at = list.addObject();
      at.put("roundTripMs", pair.centre().get(i).roundTripMs());
      ratio(at, "load", pair.loadRatio(i));
      ratio(at, "baseline", pair.goodputRatio(i, LoadLevel.BASELINE));
      ratio(at, "burst", pair.goodputRatio(i, LoadLevel.BURST));
    }
  }

  /// The ratio, and what it makes of the cost of a token; null where the centre has nothing in
  /// time.
  private static void ratio(ObjectNode node, String name, double ratio) {
    if (Double.isInfinite(ratio)) {
      node.putNull(name + "Ratio");
      node.put(name + "CostChange", -1);
    } else {
      node.put(name + "Ratio", Report.round(ratio));
      node.put(name + "CostChange", Report.round(1 / ratio - 1));
    }
  }

  private static void crossing(ObjectNode node, String name, Pair.Crossing crossing) {
    Double at = crossing.atMs();
    if (at == null) {
      node.putNull(name);
    } else {
      node.put(name, Report.round(at));
    }
  }

  /// As tables in Markdown.
  public void print(PrintWriter out) {
    out.printf("%s%n%n", description());
    printLargest(out);
    printLadder(out);
    printRatios(out);
    printCrossings(out);
    out.flush();
  }

  private void printLargest(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "Largest load with %s %% in time, requests/s, and its goodput, tokens/s (%d seeds, mean and"
            + " 95 %% confidence):%n%n",
        plain(100 * result.settings().bounds().metLeast()),
        result.plan().seeds());
    out.println("| arm | round trip ms | requests/s | goodput |");
    out.println("|---|--:|--:|--:|");
    for (Burst.Row row : result.rows()) {
      out.printf(
          "| %s | %s | %s | %s |%n",
          row.arm().title(),
          plain(row.roundTripMs()),
          text(row.largestPerSecond(), 1),
          text(row.largestGoodput(), 0));
    }
  }

  private void printLadder(PrintWriter out) {
    out.printf("%nGoodput in tokens/s, and the share in time, by load in requests/s:%n%n");
    out.print("| arm | round trip ms |");
    for (LoadLevel level : LoadLevel.LADDER) {
      out.printf(
          Locale.ROOT, " %s: %.1f |", level.name(), level.factor() * result.baselinePerSecond());
    }
    out.printf("%n|---|--:|%s%n", "--:|".repeat(LoadLevel.LADDER.size()));
    for (Burst.Row row : result.rows()) {
      out.printf("| %s | %s |", row.arm().title(), plain(row.roundTripMs()));
      for (int level = 0; level < LoadLevel.LADDER.size(); level++) {
        out.printf(
            Locale.ROOT,
            " %s, %.1f %% |",
            text(row.goodput(level), 0),
            100 * row.met(level).mean());
      }
      out.println();
    }
  }

  private void printRatios(PrintWriter out) {
    for (Pair pair : pairs) {
      out.printf("%nRatio of %s; cost of a token in time against the centre's:%n%n", pair.title());
      out.println(
          "| centre's round trip ms | largest load | goodput at baseline | in burst | cost at"
              + " baseline | in burst |");
      out.println("|--:|--:|--:|--:|--:|--:|");
      for (int i = 0; i < pair.centre().size(); i++) {
        double baseline = pair.goodputRatio(i, LoadLevel.BASELINE);
        double burst = pair.goodputRatio(i, LoadLevel.BURST);
        out.printf(
            "| %s | %s | %s | %s | %s | %s |%n",
            plain(pair.centre().get(i).roundTripMs()),
            ratio(pair.loadRatio(i)),
            ratio(baseline),
            ratio(burst),
            change(baseline),
            change(burst));
      }
      out.printf(
          "| published: not told | | %s | %s | %s | %s |%n",
          ratio(Published.BASELINE_RATIO),
          ratio(Published.BURST_RATIO),
          change(Published.BASELINE_RATIO),
          change(Published.BURST_RATIO));
    }
  }

  private void printCrossings(PrintWriter out) {
    out.printf("%nFrom which round trip to the centre on, interpolated in the sweep:%n%n");
    out.println(
        "| pair | the sites stand 5 % more load | published ratio at baseline | published ratio in"
            + " burst |");
    out.println("|---|--:|--:|--:|");
    for (Pair pair : pairs) {
      out.printf(
          "| %s | %s | %s | %s |%n",
          pair.title(),
          text(pair.loadCrossing(Pair.GAIN_LEAST)),
          text(pair.goodputCrossing(Published.BASELINE_RATIO, LoadLevel.BASELINE)),
          text(pair.goodputCrossing(Published.BURST_RATIO, LoadLevel.BURST)));
    }
  }

  private static String text(Pair.Crossing crossing) {
    Double at = crossing.atMs();
    if (at == null) {
      return "not in the sweep";
    }
    return crossing.afterMs() == null ? "any" : String.format(Locale.ROOT, "%.0f ms", at);
  }

  private static String text(Interval interval, int digits) {
    Double half = interval.half();
    String mean = number(interval.mean(), digits);
    return half == null ? mean : mean + " ± " + number(half, digits);
  }

  private static String number(double value, int digits) {
    return String.format(Locale.ROOT, "%,." + digits + "f", value);
  }

  private static String ratio(double ratio) {
    return Double.isInfinite(ratio) ? "centre: none" : String.format(Locale.ROOT, "%.2f", ratio);
  }

  private static String change(double ratio) {
    return String.format(Locale.ROOT, "%+.1f %%", 100 / ratio - 100);
  }

  private static String plain(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%s", value);
  }
}
