package org.aigrid.live.control;

import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.Heartbeat;

/// Where a site agent speaks about itself. Never blocks for long; safe for many threads.
public interface HeartbeatSink {
  /// Joins the grid, or announces a change of the site's endpoints or address.
  void register(SiteSpec site, SiteAddress address);

  /// Renews the site's lease. Returns false when the site has to register (again) first.
  boolean accept(Heartbeat heartbeat);
}
