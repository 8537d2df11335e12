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
/// Primitive columns, 48 bytes a lease and 40 bytes an endpoint; nothing is allocated after
/// construction except when the grid grows. Not thread-safe. A call costs some 10 ns.
public final class InFlight {
  /// Answer of `charge` at the bound: the router has too many requests under way.
  public static final long NONE = -1;

  private final int[] leaseEndpoint;
  private final int[] leaseUncached;
  private final int[] leaseOutput;
  private final int[] leaseGeneration;
  private final byte[] leasePhase; // 0 free, 1 before the first token, 2 after it
  private final long[] leaseExpiresAtMs;
  private final int[] freeSlots;
  private int freeCount;
  private int sweepAt;

  private long[] ownUncached = new long[0];
  private int[] ownRequests = new int[0];
  private long[] ownOutput = new long[0];
  private long[] othersUncached = new long[0];
  private int[] othersRequests = new int[0];
  private long[] reportSeen = new long[0];
  private long[] suspectedAt = new long[0]; // the report after which it could not be reached

  /// @param leasesMax requests under way at most
  public InFlight(int leasesMax) {
    if (leasesMax < 1) {
      throw new IllegalArgumentException("leasesMax: " + leasesMax + " (expected: 1 or more)");
    }
    leaseEndpoint = new int[leasesMax];
    leaseUncached = new int[leasesMax];
    leaseOutput = new int[leasesMax];
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
    if (endpointCount > ownUncached.length) {
      int size = Math.max(endpointCount, ownUncached.length + ownUncached.length / 2);
      int before = reportSeen.length;
      ownUncached = Arrays.copyOf(ownUncached, size);
      ownRequests = Arrays.copyOf(ownRequests, size);
      ownOutput = Arrays.copyOf(ownOutput, size);
      othersUncached = Arrays.copyOf(othersUncached, size);
      othersRequests = Arrays.copyOf(othersRequests, size);
      reportSeen = Arrays.copyOf(reportSeen, size);
      suspectedAt = Arrays.copyOf(suspectedAt, size);
      Arrays.fill(reportSeen, before, size, Long.MIN_VALUE);
      Arrays.fill(suspectedAt, before, size, Long.MIN_VALUE);
    }
  }

  /// Charges a dispatch. The answer is a handle for `firstToken` and `end`, or `NONE` at the bound.
  public long charge(int endpoint, int uncachedTokens, int outputTokens, long expiresAtMs) {
    if (freeCount == 0) {
      return NONE;
    }
    grow(endpoint + 1);
    int slot = freeSlots[--freeCount];
    leaseEndpoint[slot] = endpoint;
    leaseUncached[slot] = Math.max(0, uncachedTokens);
    leaseOutput[slot] = Math.max(0, outputTokens);
    leasePhase[slot] = 1;
    leaseExpiresAtMs[slot] = expiresAtMs;
    ownUncached[endpoint] += leaseUncached[slot];
    ownOutput[endpoint] += leaseOutput[slot];
    ownRequests[endpoint]++;
    return (long) leaseGeneration[slot] << 32 | slot;
  }

  /// The prompt has been computed: releases its part of the charge.
  public void firstToken(long lease) {
    int slot = slotOf(lease);
    if (slot >= 0 && leasePhase[slot] == 1) {
      leasePhase[slot] = 2;
      ownUncached[leaseEndpoint[slot]] -= leaseUncached[slot];
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
    if (reportSeen[endpoint] != reportSequence) {
      reportSeen[endpoint] = reportSequence;
      othersUncached[endpoint] = Math.max(0, queuedTokens - ownUncached[endpoint]);
      othersRequests[endpoint] = Math.max(0, requests - ownRequests[endpoint]);
    }
  }

  /// The endpoint could not be reached although its last report, `reportSequence`, was fresh. The
  /// mark ends by itself: with the site's next report, or with its lease.
  public void suspect(int endpoint, long reportSequence) {
    grow(endpoint + 1);
    suspectedAt[endpoint] = reportSequence;
  }

  /// Whether the endpoint was unreachable and its site has said nothing since.
  public boolean suspected(int endpoint, long reportSequence) {
    return endpoint < suspectedAt.length
        && suspectedAt[endpoint] == reportSequence
        && reportSequence != Long.MIN_VALUE;
  }

  /// Prompt tokens before a newcomer at the endpoint: own and others'.
  public long uncachedTokens(int endpoint) {
    return endpoint < ownUncached.length ? ownUncached[endpoint] + othersUncached[endpoint] : 0;
  }

  /// Requests waiting or running at the endpoint: own and others'.
  public int requests(int endpoint) {
    return endpoint < ownRequests.length ? ownRequests[endpoint] + othersRequests[endpoint] : 0;
  }

  /// This router's own requests at the endpoint.
  public int ownRequests(int endpoint) {
    return endpoint < ownRequests.length ? ownRequests[endpoint] : 0;
  }

  /// This router's own prompt tokens not yet prefilled at the endpoint.
  public long ownUncachedTokens(int endpoint) {
    return endpoint < ownUncached.length ? ownUncached[endpoint] : 0;
  }

  /// Output tokens that this router expects from its own requests at the endpoint.
  public long ownOutputTokens(int endpoint) {
    return endpoint < ownOutput.length ? ownOutput[endpoint] : 0;
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
    int endpoint = leaseEndpoint[slot];
    if (leasePhase[slot] == 1) {
      ownUncached[endpoint] -= leaseUncached[slot];
    }
    ownOutput[endpoint] -= leaseOutput[slot];
    ownRequests[endpoint]--;
    leasePhase[slot] = 0;
    leaseGeneration[slot] = leaseGeneration[slot] + 1 & Integer.MAX_VALUE;
    freeSlots[freeCount++] = slot;
  }
}
