package org.aigrid.twin.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.aigrid.twin.engine.Arrival;
import org.aigrid.twin.engine.StepLevel;
import org.aigrid.twin.engine.Timing;
import org.aigrid.twin.play.Outcome;
import tools.jackson.databind.node.ObjectNode;

/// Compares the level at which the country is played with the engine played pass by pass, on the
/// cells drawn for it, fed with the very requests that reached them. Times are those at the site.
final class StepLevelCheck {
  private StepLevelCheck() {}

  static ObjectNode json(Outcome outcome) {
    ObjectNode node = Report.JSON.createObjectNode();
    var shared = new ArrayList<Timing>();
    var steps = new ArrayList<Timing>();
    for (Outcome.SampledCell cell : outcome.samples()) {
      if (cell.timings().stream().anyMatch(timing -> timing.lastTokenMs() < 0)) {
        continue; // the site died, or the play was given up
      }
      List<Arrival> arrivals = cell.arrivals();
      if (!arrivals.isEmpty()) {
        shared.addAll(cell.timings());
        steps.addAll(Arrays.asList(StepLevel.play(cell.hardware(), arrivals, false, shares(cell))));
      }
    }
    node.put("cells", outcome.samples().size());
    node.put("requests", shared.size());
    if (!shared.isEmpty()) {
      for (int percent : new int[] {50, 99}) {
        node.set("ttftMsP" + percent, pair(shared, steps, Timing::ttftMs, percent));
        node.set("tpotMsP" + percent, pair(shared, steps, Timing::tpotMs, percent));
        node.set("latencyMsP" + percent, pair(shared, steps, Timing::latencyMs, percent));
      }
    }
    return node;
  }

  private static StepLevel.Share shares(Outcome.SampledCell cell) {
    List<double[]> rows = cell.shares();
    int[] at = {0};
    return atMs -> {
      while (at[0] + 1 < rows.size() && rows.get(at[0] + 1)[0] <= atMs) {
        at[0]++;
      }
      return rows.get(at[0])[1];
    };
  }

  private static ObjectNode pair(
      List<Timing> shared, List<Timing> steps, ToDoubleFunction<Timing> of, int percent) {
    ObjectNode node = Report.JSON.createObjectNode();
    double country = percentile(shared, of, percent);
    double passes = percentile(steps, of, percent);
    node.put("country", Report.round(country));
    node.put("passByPass", Report.round(passes));
    node.put("differencePercent", Report.round(passes == 0 ? 0 : 100 * (country / passes - 1)));
    return node;
  }

  private static double percentile(List<Timing> timings, ToDoubleFunction<Timing> of, int percent) {
    double[] sorted = timings.stream().mapToDouble(of).sorted().toArray();
    return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
  }
}
