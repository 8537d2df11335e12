package org.aigrid.core.view;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Runs of rows that snapshots share: a page is copied before its first change after a snapshot.
final class Pages {
  static final int ROWS_LOG2 = 7;
  static final int ROWS = 1 << ROWS_LOG2;
  static final int MASK = ROWS - 1;

  private Pages() {}

  static int pagesFor(int rows) {
    return (rows + ROWS - 1) >>> ROWS_LOG2;
  }

  /// What heartbeats say of 128 sites. 2.2 kB.
  static final class Sites {
    final long[] leaseEndMs;
    final long[] sequence;
    final byte[] admission;

    Sites() {
      leaseEndMs = new long[ROWS];
      sequence = new long[ROWS];
      admission = new byte[ROWS];
      Arrays.fill(leaseEndMs, Long.MIN_VALUE);
      Arrays.fill(sequence, Long.MIN_VALUE);
    }

    private Sites(Sites other) {
      leaseEndMs = other.leaseEndMs.clone();
      sequence = other.sequence.clone();
      admission = other.admission.clone();
    }

    Sites copy() {
      return new Sites(this);
    }
  }

  /// What heartbeats say of 128 endpoints, a row of 40 bytes each; 5.1 kB. A decision looks at a
  /// dozen endpoints anywhere among 200,000, so what it costs is counted in cache lines: the row
  /// holds all it reads, the site's lease and admission included.
  static final class Endpoints {
    private static final int LONGS = 5;
    private static final int LEASE_END_MS = 0;
    private static final int SEQUENCE = 1;
    private static final int QUEUED_WAITING = 2;
    private static final int RUNNING_CONTEXT = 3;
    private static final int PREFILL_STATE = 4;
    private static final int SERVING = 1 << 8;
    private static final int RECLAIMS_SHIFT = 16; // 8 bits, logarithmic
    private static final int SHARE_SHIFT = 24; // 8 bits
    private static final double SHARE_ONE = 255;
    private static final double RECLAIMS_LEAST = 1.0 / 256; // an hour
    private static final double CODES_PER_DOUBLING = 8;
    private static final double[] RECLAIMS = new double[256];

    static {
      for (int code = 1; code < RECLAIMS.length; code++) {
        RECLAIMS[code] = RECLAIMS_LEAST * Math.pow(2, (code - 1) / CODES_PER_DOUBLING);
      }
    }

    private final long[] rows;
    private final int start; // of its first row; pages that are never copied may share one array

    Endpoints() {
      this(new long[ROWS * LONGS], 0);
    }

    private Endpoints(long[] rows, int start) {
      this.rows = rows;
      this.start = start;
      for (int row = 0; row < ROWS; row++) {
        rows[at(row) + LEASE_END_MS] = Long.MIN_VALUE;
      }
    }

    private Endpoints(Endpoints other) {
      rows = Arrays.copyOfRange(other.rows, other.start, other.start + ROWS * LONGS);
      start = 0;
    }

    /// Pages in one piece of memory: whoever reads a row looks at one array only.
    static Endpoints[] inOnePiece(int pages) {
      long[] all = new long[pages * ROWS * LONGS];
      var list = new Endpoints[pages];
      for (int page = 0; page < pages; page++) {
        list[page] = new Endpoints(all, page * ROWS * LONGS);
      }
      return list;
    }

    private int at(int row) {
      return start + row * LONGS;
    }

    Endpoints copy() {
      return new Endpoints(this);
    }

    void copyFrom(Endpoints other) {
      System.arraycopy(other.rows, other.start, rows, start, ROWS * LONGS);
    }

    /// @param load what the site says of the endpoint, or null when it does not serve it
    void set(
        int row,
        long leaseEndMs,
        long sequence,
        byte admission,
        @Nullable EndpointLoad load,
        float prefillTokensPerSecond) {
      if (load == null) {
        set(row, leaseEndMs, sequence, admission, false, 0, 0, 0, 0, prefillTokensPerSecond, 0, 0);
      } else {
        set(
            row,
            leaseEndMs,
            sequence,
            admission,
            true,
            load.queuedTokens(),
            load.waiting(),
            load.running(),
            load.contextTokens(),
            prefillTokensPerSecond,
            load.aiShare(),
            load.reclaimsPerHour());
      }
    }

    void set(
        int row,
        long leaseEndMs,
        long sequence,
        byte admission,
        boolean serving,
        int queuedTokens,
        int waiting,
        int running,
        int contextTokens,
        float prefillTokensPerSecond,
        double aiShare,
        double reclaimsPerHour) {
      int at = at(row);
      rows[at + LEASE_END_MS] = leaseEndMs;
      rows[at + SEQUENCE] = sequence;
      rows[at + QUEUED_WAITING] = pair(queuedTokens, waiting);
      rows[at + RUNNING_CONTEXT] = pair(running, contextTokens);
      rows[at + PREFILL_STATE] =
          pair(
              Float.floatToRawIntBits(prefillTokensPerSecond),
              admission | (serving ? SERVING : 0) | radio(aiShare, reclaimsPerHour));
    }

    /// Rounded down, so that a share that is not whole never looks so.
    private static int radio(double aiShare, double reclaimsPerHour) {
      int share = (int) (aiShare * SHARE_ONE);
      double doublings = Math.log(reclaimsPerHour / RECLAIMS_LEAST) / Math.log(2);
      int reclaims =
          reclaimsPerHour < RECLAIMS_LEAST
              ? 0
              : (int) Math.clamp(1 + doublings * CODES_PER_DOUBLING, 1, 255);
      return share << SHARE_SHIFT | reclaims << RECLAIMS_SHIFT;
    }

    void setLeaseEndMs(int row, long leaseEndMs) {
      rows[at(row) + LEASE_END_MS] = leaseEndMs;
    }

    void setPrefill(int row, float tokensPerSecond) {
      int at = at(row) + PREFILL_STATE;
      rows[at] = pair(Float.floatToRawIntBits(tokensPerSecond), low(rows[at]));
    }

    void setRadio(int row, double aiShare, double reclaimsPerHour) {
      int at = at(row) + PREFILL_STATE;
      int kept = low(rows[at]) & ((1 << RECLAIMS_SHIFT) - 1);
      rows[at] = pair(high(rows[at]), kept | radio(aiShare, reclaimsPerHour));
    }

    /// The site has said nothing, or is gone.
    void clear(int row) {
      set(row, Long.MIN_VALUE, 0, (byte) 0, null, 0);
    }

    long leaseEndMs(int row) {
      return rows[at(row) + LEASE_END_MS];
    }

    long sequence(int row) {
      return rows[at(row) + SEQUENCE];
    }

    int queuedTokens(int row) {
      return high(rows[at(row) + QUEUED_WAITING]);
    }

    int waiting(int row) {
      return low(rows[at(row) + QUEUED_WAITING]);
    }

    int running(int row) {
      return high(rows[at(row) + RUNNING_CONTEXT]);
    }

    int contextTokens(int row) {
      return low(rows[at(row) + RUNNING_CONTEXT]);
    }

    float prefillTokensPerSecond(int row) {
      return Float.intBitsToFloat(high(rows[at(row) + PREFILL_STATE]));
    }

    byte admission(int row) {
      return (byte) low(rows[at(row) + PREFILL_STATE]);
    }

    boolean serving(int row) {
      return (low(rows[at(row) + PREFILL_STATE]) & SERVING) != 0;
    }

    double aiShare(int row) {
      return (low(rows[at(row) + PREFILL_STATE]) >>> SHARE_SHIFT) / SHARE_ONE;
    }

    double reclaimsPerHour(int row) {
      int code = low(rows[at(row) + PREFILL_STATE]) >>> RECLAIMS_SHIFT & 0xFF;
      return RECLAIMS[code];
    }

    private static long pair(int high, int low) {
      return (long) high << 32 | low & 0xFFFF_FFFFL;
    }

    private static int high(long pair) {
      return (int) (pair >>> 32);
    }

    private static int low(long pair) {
      return (int) pair;
    }
  }
}
