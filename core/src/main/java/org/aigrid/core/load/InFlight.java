package org.aigrid.core.load;

import java.util.Arrays;

/// What one router has under way, and what it knows of everybody else's requests.
///
/// Every dispatch is a lease keyed by slot and generation: charged once, its prompt part released
/// at the first token, the rest at the end, by whoever comes first of end, cancel and expiry.
/// Releasing twice changes nothing, so that a broken stream can neither leak load nor drive it
/// below zero.
///
/// `others` answers double counting: a site reports what everybody sent it; at each new report the
/// router keeps `max(0, reported - own at that moment)`. Until the next report it takes the others
/// for its like: what it sends itself since then, they send as well, in the proportion in which the
/// endpoint's load has been theirs. Without that, all gateways of a country run to a hub that
/// reported to be idle, and all find it full (what is known as herding: Mitzenmacher, "How useful
/// is old information?", 2000; the remedy is of the kind of Dahlin, "Interpreting stale load
/// information", 2000). No clocks are compared.
///
/// Primitive arrays, 28 bytes a lease and 48 an endpoint; nothing is allocated after construction
/// except when the grid grows. Not thread-safe. A call costs some 10 ns.
public final class InFlight {
  /// Answer of `charge` at the bound: the router has too many requests under way.
  public static final long NONE = -1;

  // One row a lease, for the same reason as below.
  private static final int LEASE_LONGS = 3;
  private static final int LEASE_LOAD = 0; // endpoint, uncached tokens
  private static final int LEASE_STATE = 1; // generation, phase
  private static final int LEASE_EXPIRES_AT_MS = 2;
  private static final long PHASE = 0xFFFF_FFFFL;
  private static final int FREE = 0;
  private static final int BEFORE_FIRST_TOKEN = 1;
  private static final int AFTER_FIRST_TOKEN = 2;

  private final int leasesMax;
  private final long[] leaseRows;
  private final int[] freeSlots;
  private int freeCount;
  private int sweepAt;

  // One row an endpoint, so that a decision touches one place of memory.
  private static final int LONGS = 5;
  private static final int OWN_UNCACHED = 0;
  private static final int REQUESTS = 1; // own times 2^32 plus others'
  private static final int OTHERS_UNCACHED = 2; // with SUSPECT, as of REPORT_SEEN
  private static final int REPORT_SEEN = 3;
  private static final int OWN_AT_REPORT = 4; // uncached, requests (16 bits), proportion (16 bits)
  private static final long ONE_REQUEST = 1L << 32;
  private static final long SUSPECT = 1L << 32;
  private static final int SHORT_MAX = 0xFFFF;
  private static final double PROPORTION_ONE = 64; // in 16 bits: others up to a thousand times own
  private static final float FORGET = 1 / 8f;

  private long[] rows = new long[0];
  private float[] meanOwn = new float[0]; // requests, over the last reports
  private float[] meanOthers = new float[0];

  /// @param leasesMax requests under way at most
  public InFlight(int leasesMax) {
    if (leasesMax < 1) {
      throw new IllegalArgumentException("leasesMax: " + leasesMax + " (expected: 1 or more)");
    }
    this.leasesMax = leasesMax;
    leaseRows = new long[leasesMax * LEASE_LONGS];
    freeSlots = new int[leasesMax];
    freeCount = leasesMax;
    for (int i = 0; i < leasesMax; i++) {
      freeSlots[i] = leasesMax - 1 - i;
    }
  }

  /// Makes room for endpoints up to `endpointCount`.
  public void grow(int endpointCount) {
    int before = rows.length / LONGS;
    if (endpointCount > before) {
      int size = Math.max(endpointCount, before + before / 2);
      rows = Arrays.copyOf(rows, size * LONGS);
      meanOwn = Arrays.copyOf(meanOwn, size);
      meanOthers = Arrays.copyOf(meanOthers, size);
      for (int endpoint = before; endpoint < size; endpoint++) {
        rows[endpoint * LONGS + REPORT_SEEN] = Long.MIN_VALUE;
      }
    }
  }

  /// Charges a dispatch. The answer is a handle for `firstToken` and `end`, or `NONE` at the bound.
  public long charge(int endpoint, int uncachedTokens, long expiresAtMs) {
    if (freeCount == 0) {
      return NONE;
    }
    grow(endpoint + 1);
    int slot = freeSlots[--freeCount];
    int uncached = Math.max(0, uncachedTokens);
    int lease = slot * LEASE_LONGS;
    long generation = leaseRows[lease + LEASE_STATE] & ~PHASE;
    leaseRows[lease + LEASE_LOAD] = (long) endpoint << 32 | uncached;
    leaseRows[lease + LEASE_STATE] = generation | BEFORE_FIRST_TOKEN;
    leaseRows[lease + LEASE_EXPIRES_AT_MS] = expiresAtMs;
    rows[endpoint * LONGS + OWN_UNCACHED] += uncached;
    rows[endpoint * LONGS + REQUESTS] += ONE_REQUEST;
    return generation | slot;
  }

  /// The prompt has been computed: releases its part of the charge.
  public void firstToken(long lease) {
    int slot = slotOf(lease);
    if (slot >= 0 && phase(slot) == BEFORE_FIRST_TOKEN) {
      leaseRows[slot * LEASE_LONGS + LEASE_STATE] += AFTER_FIRST_TOKEN - BEFORE_FIRST_TOKEN;
      long load = leaseRows[slot * LEASE_LONGS + LEASE_LOAD];
      rows[(int) (load >>> 32) * LONGS + OWN_UNCACHED] -= (int) load;
    }
  }

  /// The request has left the endpoint, however it ended: releases what is left of the charge.
  public void end(long lease) {
    int slot = slotOf(lease);
    if (slot >= 0) {
      release(slot);
    }
  }

  /// Where a lease is charged, or -1 when it has ended.
  public int endpoint(long lease) {
    int slot = slotOf(lease);
    return slot < 0 ? -1 : (int) (leaseRows[slot * LEASE_LONGS + LEASE_LOAD] >>> 32);
  }

  /// Ends leases whose time is over, for streams that broke without a word. Looks at up to
  /// `slotsMax` slots and goes on from there next time; returns how many it ended.
  public int expire(long nowMs, int slotsMax) {
    int ended = 0;
    for (int i = Math.min(slotsMax, leasesMax); i > 0; i--) {
      int slot = sweepAt;
      sweepAt = sweepAt + 1 == leasesMax ? 0 : sweepAt + 1;
      if (phase(slot) != FREE && leaseRows[slot * LEASE_LONGS + LEASE_EXPIRES_AT_MS] <= nowMs) {
        release(slot);
        ended++;
      }
    }
    return ended;
  }

  /// Takes over a site's report, once per sequence.
  public void onReport(int endpoint, long reportSequence, int queuedTokens, int requests) {
    grow(endpoint + 1);
    int row = endpoint * LONGS;
    if (rows[row + REPORT_SEEN] != reportSequence) {
      rows[row + REPORT_SEEN] = reportSequence;
      long ownUncached = rows[row + OWN_UNCACHED];
      rows[row + OTHERS_UNCACHED] = Math.max(0, Math.max(0, queuedTokens) - ownUncached);
      long own = rows[row + REQUESTS] >> 32;
      long others = Math.max(0, requests - own);
      rows[row + REQUESTS] = (own << 32) + others;
      meanOwn[endpoint] += FORGET * (own - meanOwn[endpoint]);
      meanOthers[endpoint] += FORGET * (others - meanOthers[endpoint]);
      rows[row + OWN_AT_REPORT] =
          Math.min(Integer.MAX_VALUE, ownUncached) << 32
              | Math.min(SHORT_MAX, own) << 16
              | proportion(endpoint);
    }
  }

  /// How many requests the others have at the endpoint for each of its own, times `PROPORTION_ONE`.
  private long proportion(int endpoint) {
    return meanOwn[endpoint] == 0
        ? 0
        : (long) Math.min(SHORT_MAX, PROPORTION_ONE * meanOthers[endpoint] / meanOwn[endpoint]);
  }

  /// The endpoint could not be reached although the report last taken over was fresh. The mark ends
  /// by itself: with the site's next report, or with its lease.
  public void suspect(int endpoint) {
    grow(endpoint + 1);
    rows[endpoint * LONGS + OTHERS_UNCACHED] |= SUSPECT;
  }

  /// Whether the endpoint was unreachable and `reportSequence` was its site's last word then.
  public boolean suspected(int endpoint, long reportSequence) {
    return at(endpoint, REPORT_SEEN) == reportSequence
        && (at(endpoint, OTHERS_UNCACHED) & SUSPECT) != 0;
  }

  /// Prompt tokens before a newcomer at the endpoint: own and others'.
  public long uncachedTokens(int endpoint) {
    long own = ownUncachedTokens(endpoint);
    long others = at(endpoint, OTHERS_UNCACHED) & ~SUSPECT;
    long atReport = at(endpoint, OWN_AT_REPORT);
    return own + likewise(others, own - (atReport >>> 32), atReport);
  }

  /// The others' share now, when it was `others` at the report and the own has grown by `grown`.
  private static long likewise(long others, long grown, long atReport) {
    return Math.max(0, others + (long) (grown * (atReport & SHORT_MAX) / PROPORTION_ONE));
  }

  /// Requests waiting or running at the endpoint: own and others'.
  public int requests(int endpoint) {
    long requests = at(endpoint, REQUESTS);
    long own = requests >> 32;
    long atReport = at(endpoint, OWN_AT_REPORT);
    long grown = own - (atReport >>> 16 & SHORT_MAX);
    return (int) Math.min(Integer.MAX_VALUE, own + likewise((int) requests, grown, atReport));
  }

  /// This router's own requests at the endpoint.
  public int ownRequests(int endpoint) {
    return (int) (at(endpoint, REQUESTS) >> 32);
  }

  /// This router's own prompt tokens not yet prefilled at the endpoint.
  public long ownUncachedTokens(int endpoint) {
    return at(endpoint, OWN_UNCACHED);
  }

  private long at(int endpoint, int column) {
    int at = endpoint * LONGS + column;
    return at < rows.length ? rows[at] : 0;
  }

  /// Leases under way.
  public int leases() {
    return leasesMax - freeCount;
  }

  private int phase(int slot) {
    return (int) leaseRows[slot * LEASE_LONGS + LEASE_STATE];
  }

  private int slotOf(long lease) {
    if (lease < 0) {
      return -1;
    }
    int slot = (int) lease;
    if (slot >= leasesMax || phase(slot) == FREE) {
      return -1;
    }
    long generation = leaseRows[slot * LEASE_LONGS + LEASE_STATE] & ~PHASE;
    return generation == (lease & ~PHASE) ? slot : -1;
  }

  private void release(int slot) {
    int lease = slot * LEASE_LONGS;
    long load = leaseRows[lease + LEASE_LOAD];
    int row = (int) (load >>> 32) * LONGS;
    if (phase(slot) == BEFORE_FIRST_TOKEN) {
      rows[row + OWN_UNCACHED] -= (int) load;
    }
    rows[row + REQUESTS] -= ONE_REQUEST;
    int generation = (int) (leaseRows[lease + LEASE_STATE] >>> 32) + 1 & Integer.MAX_VALUE;
    leaseRows[lease + LEASE_STATE] = (long) generation << 32 | FREE;
    freeSlots[freeCount++] = slot;
  }
}
