package org.aigrid.core.reclaim;

/// The rule beside the GPU, in microseconds and without a network: may the next piece of AI work
/// start? What runs on a GPU is not interrupted, so the radio's promise is kept before a piece
/// starts or not at all (the idea of Concordia, SIGCOMM'21, and of bounded pieces). Pure; a
/// nanosecond.
public final class RadioGuard {
  private RadioGuard() {}

  /// A piece may start when no radio work waits, and a radio job that comes while it runs would
  /// still be done in time.
  ///
  /// @param pieceMs longest that the piece takes
  /// @param backlogMs radio work that waits or runs
  /// @param untilNextMs until the next radio job can come at the earliest
  /// @param jobMs longest that this job takes
  /// @param deadlineMs within which a radio job has to be done after it came
  public static boolean admits(
      double pieceMs, double backlogMs, double untilNextMs, double jobMs, double deadlineMs) {
    return backlogMs <= 0 && Math.max(0, pieceMs - untilNextMs) + jobMs <= deadlineMs;
  }

  /// The longest piece that may start.
  public static double longestPieceMs(
      double backlogMs, double untilNextMs, double jobMs, double deadlineMs) {
    return backlogMs > 0 || jobMs > deadlineMs ? 0 : deadlineMs - jobMs + Math.max(0, untilNextMs);
  }
}
