package org.aigrid.live.proof;

import java.util.Arrays;
import java.util.function.LongConsumer;

/// Finds leaves by the fingerprints of their ids: an open-addressed table over the newest entries,
/// 16 to 24 bytes each. When the bound is reached, the older half is forgotten. One thread at a
/// time.
final class IdIndex {
  private final int max;
  private long first; // leaf index of fingerprints[0]
  private long[] fingerprints = new long[1_024];
  private int count;
  private int[] table = new int[4_096]; // position + 1, 0 is free

  IdIndex(int max) {
    this.max = max;
  }

  /// The first leaf that it knows.
  long first() {
    return first;
  }

  /// Leaves that it has seen.
  long end() {
    return first + count;
  }

  /// Begins at a leaf, while it is empty.
  void startAt(long leaf) {
    if (count > 0) {
      throw new IllegalStateException("the index holds " + count + " leaves already");
    }
    first = leaf;
  }

  /// The next leaf's fingerprint.
  void add(long fingerprint) {
    if (count == max) {
      forgetHalf();
    }
    if (count == fingerprints.length) {
      fingerprints = Arrays.copyOf(fingerprints, Math.min(max, 2 * count));
    }
    fingerprints[count++] = fingerprint;
    if (2L * count > table.length) {
      rebuild(2 * table.length);
    } else {
      enter(count - 1);
    }
  }

  /// Tells every leaf with that fingerprint.
  void find(long fingerprint, LongConsumer leaf) {
    int mask = table.length - 1;
    for (int at = slot(fingerprint); table[at] != 0; at = at + 1 & mask) {
      if (fingerprints[table[at] - 1] == fingerprint) {
        leaf.accept(first + table[at] - 1);
      }
    }
  }

  private void forgetHalf() {
    int gone = count / 2;
    System.arraycopy(fingerprints, gone, fingerprints, 0, count - gone);
    first += gone;
    count -= gone;
    rebuild(table.length);
  }

  private void rebuild(int length) {
    table = new int[length];
    for (int i = 0; i < count; i++) {
      enter(i);
    }
  }

  private void enter(int position) {
    int mask = table.length - 1;
    int at = slot(fingerprints[position]);
    while (table[at] != 0) {
      at = at + 1 & mask;
    }
    table[at] = position + 1;
  }

  private int slot(long fingerprint) {
    return (int) fingerprint & table.length - 1;
  }
}
