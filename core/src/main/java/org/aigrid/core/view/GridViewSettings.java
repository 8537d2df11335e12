package org.aigrid.core.view;

/// Bounds on what a heartbeat may claim.
///
/// @param leaseMsLeast a shorter lease is lengthened to this
/// @param leaseMsMost a longer lease is cut to this: the longest time a dead site stays routable
public record GridViewSettings(int leaseMsLeast, int leaseMsMost) {
  public static final GridViewSettings DEFAULT = new GridViewSettings(100, 15_000);

  public GridViewSettings {
    if (leaseMsLeast < 1 || leaseMsMost < leaseMsLeast) {
      throw new IllegalArgumentException(
          "leaseMsLeast "
              + leaseMsLeast
              + ", leaseMsMost "
              + leaseMsMost
              + " (expected: 1 <= least <= most)");
    }
  }
}
