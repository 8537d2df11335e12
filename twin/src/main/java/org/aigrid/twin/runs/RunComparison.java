package org.aigrid.twin.runs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.aigrid.twin.engine.SharedLevel;
import org.aigrid.twin.engine.StepLevel;
import org.aigrid.twin.engine.Timing;

/// The same requests through a real engine and through both levels of the twin's. Immutable.
///
/// @param run what was measured
/// @param rows one for each level and quantity
public record RunComparison(EngineRun run, List<Row> rows) {
  /// One quantity at one level.
  ///
  /// @param level `step` or `shared`
  /// @param quantity `TTFT`, `TPOT` or `latency`
  /// @param statistic `mean`, `p50`, `p90` or `p99`
  /// @param realMs measured
  /// @param twinMs by the twin
  public record Row(String level, String quantity, String statistic, double realMs, double twinMs) {
    /// How far the twin is off, as a share of what was measured.
    public double error() {
      return twinMs / realMs - 1;
    }
  }

  public static RunComparison of(EngineRun run) {
    var rows = new ArrayList<Row>();
    Timing[] real = run.measured().toArray(Timing[]::new);
    add(rows, "step", real, StepLevel.play(run.profile(), run.arrivals(), true));
    add(rows, "shared", real, SharedLevel.play(run.profile(), 1, run.arrivals()));
    return new RunComparison(run, List.copyOf(rows));
  }

  private static void add(List<Row> rows, String level, Timing[] real, Timing[] twin) {
    add(rows, level, "TTFT", real, twin, Timing::ttftMs);
    add(rows, level, "TPOT", real, twin, Timing::tpotMs);
    add(rows, level, "latency", real, twin, Timing::latencyMs);
  }

  private static void add(
      List<Row> rows,
      String level,
      String quantity,
      Timing[] real,
      Timing[] twin,
      ToDoubleFunction<Timing> of) {
    double[] measured = Arrays.stream(real).mapToDouble(of).sorted().toArray();
    double[] played = Arrays.stream(twin).mapToDouble(of).sorted().toArray();
    rows.add(new Row(level, quantity, "mean", mean(measured), mean(played)));
    for (int percent : new int[] {50, 90, 99}) {
      rows.add(
          new Row(
              level,
              quantity,
              "p" + percent,
              percentile(measured, percent),
              percentile(played, percent)));
    }
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElse(Double.NaN);
  }

  /// Between the two nearest ranks, linearly, as NumPy's default.
  private static double percentile(double[] sorted, int percent) {
    double rank = (sorted.length - 1) * percent / 100.0;
    int below = (int) rank;
    double above = sorted[Math.min(below + 1, sorted.length - 1)];
    return sorted[below] + (rank - below) * (above - sorted[below]);
  }
}
