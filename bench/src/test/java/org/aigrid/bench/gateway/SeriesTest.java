package org.aigrid.bench.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import org.aigrid.bench.load.LoadResult;
import org.junit.jupiter.api.Test;

class SeriesTest {
  private static final LoadResult.Micros NO_STREAM = new LoadResult.Micros(0, 0, 0, 0, 0);

  @Test
  void takesDifferencesWithinARoundSoThatDriftFallsOut() {
    var series = new Series();
    for (double drift : new double[] {0, 500, 1_000}) {
      series.add(1, Arm.DIRECT, sample(100 + drift));
      series.add(1, Arm.GATEWAY, sample(180 + drift));
    }
    var added = series.added(1, Arm.GATEWAY, Arm.DIRECT, s -> s.load().latency().p99());
    assertThat(added).isEqualTo(new Spread(80, 80, 80));
  }

  @Test
  void theMedianOfAnEvenNumberOfRoundsLiesBetweenTheMiddleTwo() {
    assertThat(Spread.of(new double[] {4, 1, 3, 2})).isEqualTo(new Spread(2.5, 1, 4));
  }

  @Test
  void theReportMarksAGoalThatWasMissed() {
    var series = new Series();
    series.add(1, Arm.DIRECT, sample(100));
    series.add(1, Arm.HAPROXY, sample(150));
    series.add(1, Arm.GATEWAY, sample(900));
    String goals = GatewayReport.goals(series, new Series(), java.util.List.of(1));
    assertThat(goals)
        .contains("| added p99 under 300 us, c=1 | 800 us | **no** |")
        .contains("| at least 50 % of HAProxy's requests/s, c=1 | 100 % | yes |");
  }

  private static Sample sample(double p99) {
    var latency = new LoadResult.Micros(1, p99 / 2, p99, p99, p99);
    return new Sample(
        1_000, 50, 1, 0, new LoadResult(1, 0, 1, latency, NO_STREAM, NO_STREAM, "none"));
  }
}
