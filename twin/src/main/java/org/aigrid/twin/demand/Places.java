package org.aigrid.twin.demand;

import java.util.SplittableRandom;

/// Where callers are: draws a place by weight in constant time (Walker's alias method, 1977, as set
/// up by Vose, 1991). Immutable; 12 bytes a place, a few nanoseconds a draw.
public final class Places {
  private static final int INTS = 4;
  private static final double SHARE_ONE = 1L << 31;

  private final int[] rows; // share of draws that keep the place, the place, its alias
  private final int count;
  private final double total;

  /// @param places what a draw answers
  /// @param weights of each, 0 or more, one above 0
  public Places(int[] places, double[] weights) {
    int n = places.length;
    count = n;
    double sum = 0;
    for (double weight : weights) {
      sum += weight;
    }
    if (n == 0 || weights.length != n || !(sum > 0)) {
      throw new IllegalArgumentException(
          n + " places with a weight of " + sum + " (expected: one or more, above 0 together)");
    }
    total = sum;
    double[] keep = new double[n];
    int[] alias = new int[n];
    int[] small = new int[n];
    int[] large = new int[n];
    int smalls = 0;
    int larges = 0;
    for (int i = 0; i < n; i++) {
      keep[i] = weights[i] * n / sum;
      alias[i] = i;
      if (keep[i] < 1) {
        small[smalls++] = i;
      } else {
        large[larges++] = i;
      }
    }
    while (smalls > 0 && larges > 0) {
      int less = small[--smalls];
      int more = large[larges - 1];
      alias[less] = more;
      keep[more] -= 1 - keep[less];
      if (keep[more] < 1) {
        larges--;
        small[smalls++] = more;
      }
    }
    while (smalls > 0) { // what rounding left
      keep[small[--smalls]] = 1;
    }
    while (larges > 0) {
      keep[large[--larges]] = 1;
    }
    rows = new int[n * INTS];
    for (int i = 0; i < n; i++) {
      rows[i * INTS] = (int) Math.min(Integer.MAX_VALUE, Math.round(keep[i] * SHARE_ONE));
      rows[i * INTS + 1] = places[i];
      rows[i * INTS + 2] = places[alias[i]];
    }
  }

  /// Sum of the weights.
  public double total() {
    return total;
  }

  /// Draws a place.
  public int draw(SplittableRandom random) {
    return place(random.nextLong());
  }

  /// The place of 64 random bits.
  public int place(long bits) {
    int row = row(bits);
    return rows[((int) bits & Integer.MAX_VALUE) <= rows[row] ? row + 1 : row + 2];
  }

  /// Looks at what `place` will look at: done for many before they are asked for, memory fetches
  /// them together. The answer means nothing.
  public int touch(long bits) {
    return rows[row(bits)];
  }

  private int row(long bits) {
    return INTS * (int) ((bits >>> 32) * count >>> 32);
  }
}
