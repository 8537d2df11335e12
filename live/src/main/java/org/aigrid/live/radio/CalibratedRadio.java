package org.aigrid.live.radio;

/// A radio whose load is told in resource blocks: the share of the GPU is `base + slope x load`,
/// since slots cost GPU time even when they are empty. Also takes a surge: a load that a person or
/// a drill orders for a while.
public final class CalibratedRadio implements RadioLoad {
  private final RadioLoad load;
  private final double base;
  private final double slope;
  private volatile double surge;
  private volatile long surgeEndNanos = System.nanoTime();

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
    surge = Math.clamp(share, 0, 1);
    surgeEndNanos = System.nanoTime() + forMs * 1_000_000;
  }

  @Override
  public double demand(long nowMs) {
    double told = load.demand(nowMs);
    if (Double.isNaN(told)) {
      return UNKNOWN;
    }
    double own = Math.min(1, base + slope * told);
    return System.nanoTime() - surgeEndNanos < 0 ? Math.max(own, surge) : own;
  }

  @Override
  public void close() {
    load.close();
  }
}
