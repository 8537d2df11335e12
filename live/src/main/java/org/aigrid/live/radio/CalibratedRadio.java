package org.aigrid.live.radio;

import org.jspecify.annotations.Nullable;

/// A radio whose load is told in resource blocks: the share of the GPU is `base + slope x load`,
/// since slots cost GPU time even when they are empty. Also takes a surge: a load that a person or
/// a drill orders for a while.
public final class CalibratedRadio implements RadioLoad {
  private final RadioLoad load;
  private final double base;
  private final double slope;

  private record Surge(double share, long fromNanos, long toNanos) {}

  private volatile @Nullable Surge surge;

  public CalibratedRadio(RadioLoad load, double base, double slope) {
    if (!(base >= 0 && base <= 1) || !(slope >= 0 && slope <= 10)) {
      throw new IllegalArgumentException(
          "radio calibration: base " + base + ", slope " + slope + " (expected: 0 to 1, 0 to 10)");
    }
    this.load = load;
    this.base = base;
    this.slope = slope;
  }

  /// Raises the load to at least this share of the GPU for so long; 0 ms ends it.
  public void surge(double share, long forMs) {
    long now = System.nanoTime();
    surge = new Surge(Math.clamp(share, 0, 1), now, now + forMs * 1_000_000);
  }

  @Override
  public double demand(long nowMs) {
    double told = load.demand(nowMs);
    if (Double.isNaN(told)) {
      return UNKNOWN;
    }
    double own = Math.min(1, base + slope * told);
    Surge ordered = surge;
    return ordered != null && System.nanoTime() - ordered.toNanos() < 0
        ? Math.max(own, ordered.share())
        : own;
  }

  /// The beginning of a surge is a word, and its end is one.
  @Override
  public long heardNanos() {
    long heard = load.heardNanos();
    Surge ordered = surge;
    if (ordered != null) {
      boolean over = System.nanoTime() - ordered.toNanos() >= 0;
      long said = over ? ordered.toNanos() : ordered.fromNanos();
      heard = said - heard > 0 ? said : heard;
    }
    return heard;
  }

  @Override
  public void close() {
    load.close();
  }
}
