package org.aigrid.twin.play;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void quantilesAreWithinABucketOfTheTruthAndShardsAddUp() {
    for (int seed = 0; seed < 30; seed++) {
      var random = new SplittableRandom(seed);
      long[] values = new long[5_000];
      var whole = new Histogram();
      var parts = new Histogram[] {new Histogram(), new Histogram()};
      for (int i = 0; i < values.length; i++) {
        values[i] = 100 + (long) Math.exp(random.nextDouble() * 25);
        whole.add(values[i]);
        parts[i % 2].add(values[i]);
      }
      Arrays.sort(values);
      parts[0].add(parts[1]);
      for (double share : new double[] {0.01, 0.5, 0.9, 0.999}) {
        double truth =
            values[(int) Math.min(values.length - 1, Math.ceil(share * values.length) - 1)];
        assertThat(whole.quantile(share))
            .as("seed %d share %s", seed, share)
            .isCloseTo(truth, Percentage.withPercentage(3));
        assertThat(parts[0].quantile(share)).isEqualTo(whole.quantile(share));
      }
      assertThat(parts[0].sum()).isEqualTo(Arrays.stream(values).sum());
    }
    assertThat(new Histogram().quantile(0.5)).isZero();
  }
}
