package org.aigrid.twin.demand;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class DemandTest {
  private static final int DRAWS = 400_000;

  @Test
  void gapsHaveMeanOneAndTheVariationTheyWereAskedFor() {
    for (double burstiness : new double[] {0.5, 1, 2, 6}) {
      var gaps = new Gaps(burstiness);
      var random = new SplittableRandom(7);
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < DRAWS; i++) {
        double gap = gaps.draw(random);
        assertThat(gap).isNotNegative();
        sum += gap;
        squares += gap * gap;
      }
      double mean = sum / DRAWS;
      assertThat(mean).as("mean at %s", burstiness).isCloseTo(1, Percentage.withPercentage(3));
      assertThat(Math.sqrt(squares / DRAWS - mean * mean))
          .as("variation at %s", burstiness)
          .isCloseTo(burstiness, Percentage.withPercentage(4));
    }
  }

  @Test
  void lengthsMeetThePercentilesTheyWereGiven() {
    Lengths lengths = Lengths.ofPercentiles(1_020, 2_735, 4_142, 32_000);
    assertThat(lengths.quantile(0.5)).isBetween(1_018, 1_023);
    assertThat(lengths.quantile(0.9)).isBetween(2_725, 2_745);
    assertThat(lengths.quantile(0.99)).isBetween(4_120, 4_165);
    var random = new SplittableRandom(3);
    int above = 0;
    for (int i = 0; i < DRAWS; i++) {
      above += lengths.draw(random) > 2_735 ? 1 : 0;
    }
    assertThat((double) above / DRAWS).isBetween(0.098, 0.102);
    assertThat(Lengths.ofPercentiles(100, 1_000, 100_000, 5_000).quantile(1)).isEqualTo(5_000);
    assertThatThrownBy(() -> Lengths.ofPercentiles(100, 50, 200, 1_000))
        .hasMessageContaining("expected: p50, p90 and p99");
  }

  @Test
  void lengthsOfSamplesAreTheSamples() {
    Lengths lengths = Lengths.ofSamples(new int[] {5, 1, 3}, 4);
    assertThat(lengths.quantile(0)).isEqualTo(1);
    assertThat(lengths.quantile(0.5)).isEqualTo(3);
    assertThat(lengths.quantile(1)).as("cut off at the most").isEqualTo(4);
  }

  @Test
  void placesAreDrawnByTheirWeight() {
    for (int seed = 0; seed < 20; seed++) {
      var random = new SplittableRandom(seed);
      int count = 1 + random.nextInt(30);
      int[] places = new int[count];
      double[] weights = new double[count];
      double sum = 0;
      for (int i = 0; i < count; i++) {
        places[i] = 100 + i;
        weights[i] = random.nextInt(4) == 0 && i > 0 ? 0 : random.nextDouble();
        sum += weights[i];
      }
      var drawn = new Places(places, weights);
      int[] counts = new int[count];
      for (int i = 0; i < 100_000; i++) {
        counts[drawn.draw(random) - 100]++;
      }
      for (int i = 0; i < count; i++) {
        assertThat(counts[i] / 100_000.0)
            .as("seed %d place %d", seed, i)
            .isBetween(weights[i] / sum - 0.01, weights[i] / sum + 0.01);
      }
    }
    assertThatThrownBy(() -> new Places(new int[] {1}, new double[] {0}))
        .hasMessageContaining("expected: one or more");
  }

  @Test
  void aDayHasMeanOneAndGoesRoundAtMidnight() {
    var hours = new ArrayList<>(Collections.nCopies(24, 1.0));
    hours.set(23, 3.0);
    var day = new DayShape(hours);
    double sum = 0;
    for (int minute = 0; minute < 1_440; minute++) {
      sum += day.at(minute * 60_000.0);
    }
    assertThat(sum / 1_440).isCloseTo(1, Percentage.withPercentage(0.5));
    assertThat(day.at(23.5 * 3_600_000)).isGreaterThan(2.5);
    assertThat(day.at(0))
        .as("half way down")
        .isCloseTo(day.at(23 * 3_600_000.0), Percentage.withPercentage(0.1));
    assertThat(day.at(30 * 3_600_000.0)).isEqualTo(day.at(6 * 3_600_000.0));
    assertThatThrownBy(() -> new DayShape(List.of(1.0))).hasMessageContaining("expected: 24");
  }
}
