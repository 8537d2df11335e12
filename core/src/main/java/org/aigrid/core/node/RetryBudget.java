package org.aigrid.core.node;

/// How many retries a gateway may still make: each request earns a share of one, each retry spends
/// one.
///
/// Bounds the extra load that retries put on a grid that is already failing: at most `share` of the
/// requests plus `reserve` in a burst, so that a quiet gateway may still retry. Not thread-safe.
public final class RetryBudget {
  /// Retries per request: 10 %.
  public static final double SHARE = 0.1;

  private final double share;
  private final double reserve;
  private double left;

  /// @param share retries earned by one request
  /// @param reserve most retries saved up, and what a new gateway begins with
  public RetryBudget(double share, double reserve) {
    if (!(share >= 0 && share <= 1) || !(reserve >= 1)) {
      throw new IllegalArgumentException(
          "retry budget share "
              + share
              + ", reserve "
              + reserve
              + " (expected: share 0 to 1, reserve 1 or more)");
    }
    this.share = share;
    this.reserve = reserve;
    left = reserve;
  }

  /// A request has arrived.
  public void earn() {
    left = Math.min(reserve, left + share);
  }

  /// Takes one retry; false when none is left.
  public boolean spend() {
    if (left < 1) {
      return false;
    }
    left -= 1;
    return true;
  }

  /// Whole retries left.
  public int left() {
    return (int) left;
  }
}
