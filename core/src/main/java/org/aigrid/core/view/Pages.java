package org.aigrid.core.view;

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
      java.util.Arrays.fill(leaseEndMs, Long.MIN_VALUE);
      java.util.Arrays.fill(sequence, Long.MIN_VALUE);
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

  /// What heartbeats say of 128 endpoints. 3.7 kB.
  static final class Endpoints {
    final int[] queuedTokens;
    final int[] waiting;
    final int[] running;
    final int[] contextTokens;
    final float[] prefillTokensPerSecond;
    final long[] reportSequence;
    final boolean[] serving;

    Endpoints() {
      queuedTokens = new int[ROWS];
      waiting = new int[ROWS];
      running = new int[ROWS];
      contextTokens = new int[ROWS];
      prefillTokensPerSecond = new float[ROWS];
      reportSequence = new long[ROWS];
      serving = new boolean[ROWS];
    }

    private Endpoints(Endpoints other) {
      queuedTokens = other.queuedTokens.clone();
      waiting = other.waiting.clone();
      running = other.running.clone();
      contextTokens = other.contextTokens.clone();
      prefillTokensPerSecond = other.prefillTokensPerSecond.clone();
      reportSequence = other.reportSequence.clone();
      serving = other.serving.clone();
    }

    Endpoints copy() {
      return new Endpoints(this);
    }
  }
}
