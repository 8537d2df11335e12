package org.aigrid.bench.route;

import java.util.concurrent.TimeUnit;
import org.aigrid.core.view.Applied;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Heartbeat;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// Keeping the view of 200,000 sites: one heartbeat, and one period of 50 ms with all its
/// heartbeats and the snapshot at its end. The heartbeats are records already; receiving and
/// parsing them is the shell's part and not in these figures.
@State(Scope.Benchmark)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Upkeep {
  /// How often a site speaks.
  static final int HEARTBEAT_EVERY_MS = 5_000;

  /// How often a view is published.
  static final int SNAPSHOT_EVERY_MS = 50;

  /// Prime to the number of sites, so that the order of heartbeats is scattered and repeats late.
  private static final int STRIDE = 7_919;

  private final LargeGrid grid = new LargeGrid(1);
  private int at;

  /// Builds the roster, so that it is not part of the first measurement.
  @Setup
  public void prepare() {
    grid.builder.snapshot(0);
  }

  /// One heartbeat made and applied, on a page that this period already copied or not, as it comes.
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  public Applied heartbeat() {
    return apply();
  }

  /// All heartbeats of one period in scattered order, then the snapshot.
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  public GridView period() {
    int heartbeats = (int) ((long) grid.sites.size() * SNAPSHOT_EVERY_MS / HEARTBEAT_EVERY_MS);
    for (int i = 0; i < heartbeats; i++) {
      apply();
    }
    return grid.builder.snapshot(0);
  }

  private Applied apply() {
    at += STRIDE;
    at = at >= grid.sites.size() ? at - grid.sites.size() : at;
    Heartbeat heartbeat = grid.heartbeat(grid.sites.get(at));
    return grid.builder.apply(heartbeat, 0);
  }
}
