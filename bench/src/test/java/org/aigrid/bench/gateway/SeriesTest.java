package org.aigrid.bench.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.aigrid.bench.load.LoadResult;
import org.aigrid.bench.machine.ThreadCosts;
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

  @Test
  void partsOfTheGatewayAreSharedOutOverItsAnswers() {
    var before = costs(1_000_000, 5);
    var series = new Series();
    series.add(1, Arm.GATEWAY, sample(100, costs(4_000_000, 15).since(before), 20));
    assertThat(GatewayParts.table(series, java.util.List.of(1), Arm.GATEWAY))
        .contains("| 150.0 (150.0 to 150.0) | 0.0 | 0.50 |");
  }

  private static ThreadCosts costs(long cpuNanos, long sleeps) {
    return new ThreadCosts(
        Map.of(GatewayParts.partOf("java", "journal"), new ThreadCosts.Cost(cpuNanos, 0, sleeps)));
  }

  private static Sample sample(double p99) {
    return sample(p99, ThreadCosts.NONE, 0);
  }

  private static Sample sample(double p99, ThreadCosts parts, double answers) {
    var latency = new LoadResult.Micros(1, p99 / 2, p99, p99, p99);
    var load = new LoadResult(1, 0, 1, latency, NO_STREAM, NO_STREAM, "none");
    return new Sample(1_000, 50, 1, 0, load, parts, answers);
  }
}
