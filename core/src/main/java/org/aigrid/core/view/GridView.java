package org.aigrid.core.view;

/// The grid as known at one instant. Immutable, safe to share.
public final class GridView {
  private GridView() {}
}
