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
/// router keeps `max(0, reported - own at that moment)`, and between reports the load is own plus
/// others. No clocks are compared.
///
/// Primitive arrays, 25 bytes a lease and a row of 32 an endpoint; nothing is allocated after
/// construction except when the grid grows. Not thread-safe. A call costs some 10 ns.
public final class InFlight {
  /// Answer of `charge` at the bound: the router has too many requests under way.
  public static final long NONE = -1;

  private final int[] leaseEndpoint;
  private final int[] leaseUncached;
  private final int[] leaseGeneration;
  private final byte[] leasePhase; // 0 free, 1 before the first token, 2 after it
  private final long[] leaseExpiresAtMs;
  private final int[] freeSlots;
  private int freeCount;
  private int sweepAt;

  // One row an endpoint, so that a decision touches one place of memory.
  private static final int LONGS = 4;
  private static final int OWN_UNCACHED = 0;
  private static final int REQUESTS = 1; // own times 2^32 plus others'
  private static final int OTHERS_UNCACHED = 2; // with SUSPECT, as of REPORT_SEEN
  private static final int REPORT_SEEN = 3;
  private static final long ONE_REQUEST = 1L << 32;
  private static final long SUSPECT = 1L << 32;

  private long[] rows = new long[0];

  /// @param leasesMax requests under way at most
  public InFlight(int leasesMax) {
    if (leasesMax < 1) {
      throw new IllegalArgumentException("leasesMax: " + leasesMax + " (expected: 1 or more)");
    }
    leaseEndpoint = new int[leasesMax];
    leaseUncached = new int[leasesMax];
    leaseGeneration = new int[leasesMax];
    leasePhase = new byte[leasesMax];
    leaseExpiresAtMs = new long[leasesMax];
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
    leaseEndpoint[slot] = endpoint;
    leaseUncached[slot] = Math.max(0, uncachedTokens);
    leasePhase[slot] = 1;
    leaseExpiresAtMs[slot] = expiresAtMs;
    rows[endpoint * LONGS + OWN_UNCACHED] += leaseUncached[slot];
    rows[endpoint * LONGS + REQUESTS] += ONE_REQUEST;
    return (long) leaseGeneration[slot] << 32 | slot;
  }

  /// The prompt has been computed: releases its part of the charge.
  public void firstToken(long lease) {
    int slot = slotOf(lease);
    if (slot >= 0 && leasePhase[slot] == 1) {
      leasePhase[slot] = 2;
      rows[leaseEndpoint[slot] * LONGS + OWN_UNCACHED] -= leaseUncached[slot];
    }
  }

  /// The request has left the endpoint, however it ended: releases what is left of the charge.
  public void end(long lease) {
    int slot = slotOf(lease);
    if (slot >= 0) {
      release(slot);
    }
  }

  /// Ends leases whose time is over, for streams that broke without a word. Looks at up to
  /// `slotsMax` slots and goes on from there next time; returns how many it ended.
  public int expire(long nowMs, int slotsMax) {
    int ended = 0;
    for (int i = Math.min(slotsMax, leasePhase.length); i > 0; i--) {
      int slot = sweepAt;
      sweepAt = sweepAt + 1 == leasePhase.length ? 0 : sweepAt + 1;
      if (leasePhase[slot] != 0 && leaseExpiresAtMs[slot] <= nowMs) {
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
      rows[row + OTHERS_UNCACHED] =
          Math.max(0, Math.max(0, queuedTokens) - rows[row + OWN_UNCACHED]);
      long own = rows[row + REQUESTS] >> 32;
      rows[row + REQUESTS] = (own << 32) + Math.max(0, requests - own);
    }
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
    return ownUncachedTokens(endpoint) + (at(endpoint, OTHERS_UNCACHED) & ~SUSPECT);
  }

  /// Requests waiting or running at the endpoint: own and others'.
  public int requests(int endpoint) {
    long requests = at(endpoint, REQUESTS);
    return (int) (requests >> 32) + (int) requests;
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
    return leasePhase.length - freeCount;
  }

  private int slotOf(long lease) {
    if (lease < 0) {
      return -1;
    }
    int slot = (int) lease;
    return slot < leasePhase.length
            && leasePhase[slot] != 0
            && leaseGeneration[slot] == (int) (lease >>> 32)
        ? slot
        : -1;
  }

  private void release(int slot) {
    int row = leaseEndpoint[slot] * LONGS;
    if (leasePhase[slot] == 1) {
      rows[row + OWN_UNCACHED] -= leaseUncached[slot];
    }
    rows[row + REQUESTS] -= ONE_REQUEST;
    leasePhase[slot] = 0;
    leaseGeneration[slot] = leaseGeneration[slot] + 1 & Integer.MAX_VALUE;
    freeSlots[freeCount++] = slot;
  }
}
