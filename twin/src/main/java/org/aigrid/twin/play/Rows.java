package org.aigrid.twin.play;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Requests on their way, a row of eight longs each: one cache line. The same row lies in a shard's
/// slots while its engine has it, and in a mailbox between shards.
///
/// Times are ticks of a microsecond since the play began.
final class Rows {
  static final int LONGS = 8;
  static final int ARRIVED = 0; // when its caller sent it
  static final int LEASE = 1; // of its gateway's `InFlight`
  static final int PLACE = 2; // endpoint, caller's site
  static final int TOKENS = 3; // prompt, output
  static final int CACHED_TRIP =
      4; // cached tokens; half the round trip in ticks; of a missed one, when
  static final int FIRST = 5; // when its first token was there; 0 before
  static final int WHAT = 6; // engine of the shard, or what it waits for; region, service
  static final int DELIVER = 7; // when it reaches its site; of a lost one: tokens it had there, why

  /// Of WHAT: it waits at its gateway to be routed again.
  static final int TO_ROUTE = -2;

  /// Of WHAT: it waits at its gateway until its silence is noticed.
  static final int TO_MISS = -3;

  long[] rows = new long[16 * LONGS];
  private @Nullable Journey @Nullable [] journeys; // only once something was tried twice
  private int count;

  static long pair(long high, long low) {
    return high << 32 | low & 0xFFFF_FFFFL;
  }

  static int high(long pair) {
    return (int) (pair >>> 32);
  }

  static int low(long pair) {
    return (int) pair;
  }

  static long what(int engine, int region, int service) {
    return (long) engine << 32 | (long) region << 8 | service;
  }

  static int engine(long what) {
    return (int) (what >>> 32);
  }

  static int region(long what) {
    return (int) (what >>> 8) & 0xFF_FFFF;
  }

  static int service(long what) {
    return (int) what & 0xFF;
  }

  int count() {
    return count;
  }

  void clear() {
    if (journeys != null) {
      Arrays.fill(journeys, null);
    }
    count = 0;
  }

  /// Makes room for one more and returns its index.
  int add() {
    if (count * LONGS == rows.length) {
      rows = Arrays.copyOf(rows, 2 * rows.length);
      if (journeys != null) {
        journeys = Arrays.copyOf(journeys, rows.length / LONGS);
      }
    }
    return count++;
  }

  /// Where it was before; null for a first try.
  @Nullable Journey journey(int row) {
    return journeys == null ? null : journeys[row];
  }

  void setJourney(int row, @Nullable Journey journey) {
    if (journey != null && journeys == null) {
      journeys = new @Nullable Journey[rows.length / LONGS];
    }
    if (journeys != null) {
      journeys[row] = journey;
    }
  }

  /// Copies a row from elsewhere.
  void set(int row, Rows from, int fromRow) {
    System.arraycopy(from.rows, fromRow * LONGS, rows, row * LONGS, LONGS);
    setJourney(row, from.journey(fromRow));
  }

  long get(int row, int column) {
    return rows[row * LONGS + column];
  }

  void put(int row, int column, long value) {
    rows[row * LONGS + column] = value;
  }
}
