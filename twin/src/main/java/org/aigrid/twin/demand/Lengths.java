package org.aigrid.twin.demand;

import java.util.Arrays;
import java.util.SplittableRandom;

/// How long prompts or answers are: a table of quantiles to draw from. Immutable; a draw costs a
/// few nanoseconds.
///
/// Given by three percentiles, as published traces are summarised, the logarithm of the length is
/// linear in the standard normal quantile between them and goes on so beyond, mirrored below the
/// median; so the given percentiles are met exactly. Given by the lengths themselves, the table
/// holds their empirical quantiles.
public final class Lengths {
  private static final int STEPS_LOG2 = 12;
  private static final int STEPS = 1 << STEPS_LOG2;
  private static final double Z90 = 1.2815515655446004;
  private static final double Z99 = 2.3263478740408408;

  private final int[] quantiles = new int[STEPS];
  private final double mean;

  private Lengths(double[] lengths, int tokensMax) {
    double sum = 0;
    for (int i = 0; i < STEPS; i++) {
      quantiles[i] = (int) Math.clamp(Math.round(lengths[i]), 1, tokensMax);
      sum += quantiles[i];
    }
    mean = sum / STEPS;
  }

  /// Lengths with these percentiles, at most `tokensMax`.
  public static Lengths ofPercentiles(double p50, double p90, double p99, int tokensMax) {
    if (!(p50 >= 1 && p90 >= p50 && p99 >= p90)) {
      throw new IllegalArgumentException(
          "lengths "
              + p50
              + ", "
              + p90
              + ", "
              + p99
              + " (expected: p50, p90 and p99 in tokens, rising, 1 or more)");
    }
    double near = Math.log(p90 / p50) / Z90;
    double far = Math.log(p99 / p90) / (Z99 - Z90);
    double[] lengths = new double[STEPS];
    for (int i = 0; i < STEPS; i++) {
      double z = normalQuantile((i + 0.5) / STEPS);
      double log = z <= Z90 ? near * z : near * Z90 + far * (z - Z90);
      lengths[i] = p50 * Math.exp(log);
    }
    return new Lengths(lengths, tokensMax);
  }

  /// Lengths as they were seen, one or more.
  public static Lengths ofSamples(int[] samples, int tokensMax) {
    int[] sorted = samples.clone();
    Arrays.sort(sorted);
    double[] lengths = new double[STEPS];
    for (int i = 0; i < STEPS; i++) {
      lengths[i] = sorted[(int) ((long) i * sorted.length / STEPS)];
    }
    return new Lengths(lengths, tokensMax);
  }

  /// Draws one, in tokens.
  public int draw(SplittableRandom random) {
    return quantiles[random.nextInt() >>> 32 - STEPS_LOG2];
  }

  /// The length below which this share of them lies, in tokens.
  public int quantile(double share) {
    return quantiles[(int) Math.clamp(share * STEPS, 0, STEPS - 1)];
  }

  /// In tokens.
  public double mean() {
    return mean;
  }

  /// Quantile of the standard normal distribution, by bisection of its distribution function; for
  /// tables.
  static double normalQuantile(double share) {
    double low = -9;
    double high = 9;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (normalShareBelow(middle) < share) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  /// Abramowitz and Stegun 26.2.17, off by less than 7.5e-8.
  private static double normalShareBelow(double z) {
    double t = 1 / (1 + 0.2316419 * Math.abs(z));
    double tail =
        Math.exp(-z * z / 2)
            / Math.sqrt(2 * Math.PI)
            * t
            * (0.319381530
                + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return z >= 0 ? 1 - tail : tail;
  }
}
