package org.aigrid.twin.demand;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;

/// Gaps of a Gamma renewal process with mean 1: bursts as production traces have them. The
/// coefficient of variation is 1 over the root of the shape; 1 is Poisson.
///
/// A billion gaps are drawn, so they come from a table: a quarter of a million exact draws
/// (Marsaglia and Tsang, 2000), sorted, in 4,096 groups. A draw takes the mean of a group, and of
/// the longest gaps, whose spread matters, one of the group itself. Immutable; 16 kB, a few
/// nanoseconds a draw.
public final class Gaps {
  private static final int GROUPS_LOG2 = 12;
  private static final int GROUPS = 1 << GROUPS_LOG2;
  private static final int IN_GROUP_LOG2 = 6;
  private static final int IN_GROUP = 1 << IN_GROUP_LOG2;
  private static final long SEED = 20_260_101;

  /// Tables that are kept for the next play; beyond so many a play makes its own.
  private static final int KEPT_MAX = 64;

  private static final Map<Double, Gaps> KEPT = new ConcurrentHashMap<>();

  private final float[] means = new float[GROUPS];
  private final float[] longest = new float[IN_GROUP];

  /// The table of a burstiness: made once, some 50 ms, and kept, so that many short plays do not
  /// wait for it. Any thread.
  public static Gaps of(double burstiness) {
    Gaps kept = KEPT.get(burstiness);
    if (kept == null) {
      kept = new Gaps(burstiness);
      if (KEPT.size() < KEPT_MAX) {
        KEPT.put(burstiness, kept);
      }
    }
    return kept;
  }

  /// @param burstiness coefficient of variation of the gaps
  public Gaps(double burstiness) {
    double shape = 1 / (burstiness * burstiness);
    var random = new SplittableRandom(SEED);
    double[] draws = new double[GROUPS * IN_GROUP];
    double sum = 0;
    for (int i = 0; i < draws.length; i++) {
      draws[i] = gamma(shape, random);
      sum += draws[i];
    }
    Arrays.sort(draws);
    double scale = draws.length / sum;
    for (int group = 0; group < GROUPS; group++) {
      double mean = 0;
      for (int i = 0; i < IN_GROUP; i++) {
        mean += draws[group * IN_GROUP + i] * scale / IN_GROUP;
      }
      means[group] = (float) mean;
    }
    for (int i = 0; i < IN_GROUP; i++) {
      longest[i] = (float) (draws[(GROUPS - 1) * IN_GROUP + i] * scale);
    }
  }

  /// The next gap; the mean is 1.
  public double draw(SplittableRandom random) {
    int bits = random.nextInt();
    int group = bits >>> Integer.SIZE - GROUPS_LOG2;
    return group == GROUPS - 1 ? longest[bits & IN_GROUP - 1] : means[group];
  }

  private static double gamma(double shape, SplittableRandom random) {
    if (shape < 1) {
      return gamma(shape + 1, random) * Math.pow(1 - random.nextDouble(), 1 / shape);
    }
    double d = shape - 1.0 / 3;
    double c = 1 / Math.sqrt(9 * d);
    while (true) {
      double x = random.nextGaussian();
      double v = 1 + c * x;
      if (v <= 0) {
        continue;
      }
      v = v * v * v;
      if (Math.log(1 - random.nextDouble()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }
}
