package org.aigrid.live.control;

import org.aigrid.core.view.GridView;

/// Where a gateway reads the grid. Both calls are memory reads: the request path never waits for
/// control, and the last view stays readable when control is gone. Safe for many threads.
public interface GridSource {
  /// The newest view.
  GridView view();

  /// Where the agent of a site listens; the index is the view's dense site index.
  SiteAddress address(int site);
}
