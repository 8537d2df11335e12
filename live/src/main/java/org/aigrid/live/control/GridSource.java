package org.aigrid.live.control;

import org.aigrid.core.view.GridView;

/// Where a gateway reads the grid. All calls are memory reads: the request path never waits for
/// control, and the last view stays readable when control is gone. Safe for many threads.
public interface GridSource {
  /// The newest view.
  GridView view();

  /// Where the agent of a site listens; the index is the view's dense site index.
  SiteAddress address(int site);

  /// The clock on which the view's leases end. Compare a lease with this clock and no other: it is
  /// monotonic, its zero means nothing, and setting the wall clock never ends a lease.
  default long nowMs() {
    return System.nanoTime() / 1_000_000;
  }
}
