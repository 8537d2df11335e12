package org.aigrid.twin.play;

/// Counts of times, in buckets that are 1.6 % wide: 64 for each doubling, exact below 64. Adding is
/// exact and in any order the same, so shards can be merged. One thread; 9 kB.
public final class Histogram {
  private static final int SUB_LOG2 = 6;
  private static final int SUB = 1 << SUB_LOG2;
  private static final int OCTAVES = 36; // up to 2^41 us, four weeks

  private final long[] counts = new long[SUB * (OCTAVES + 1)];
  private long count;
  private long sum;

  void add(long value) {
    long positive = Math.max(0, value);
    counts[bucket(positive)]++;
    count++;
    sum += positive;
  }

  void add(Histogram other) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
    count += other.count;
    sum += other.sum;
  }

  private static int bucket(long value) {
    if (value < SUB) {
      return (int) value;
    }
    int shift = Long.SIZE - 1 - SUB_LOG2 - Long.numberOfLeadingZeros(value);
    return Math.min(SUB * (OCTAVES + 1) - 1, SUB * shift + (int) (value >>> shift));
  }

  private static double lowest(int bucket) {
    if (bucket < 2 * SUB) {
      return bucket;
    }
    int shift = bucket / SUB - 1;
    return (double) ((long) (bucket - SUB * shift) << shift);
  }

  public long count() {
    return count;
  }

  public double mean() {
    return count == 0 ? 0 : (double) sum / count;
  }

  /// Sum of all values.
  public long sum() {
    return sum;
  }

  /// The value that this share of all are below, linear within its bucket; 0 when there is none.
  public double quantile(double share) {
    double wanted = share * count;
    long below = 0;
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0 && below + counts[i] >= wanted) {
        double within = Math.max(0, wanted - below) / counts[i];
        return lowest(i) + within * (lowest(i + 1) - lowest(i));
      }
      below += counts[i];
    }
    return 0;
  }
}
