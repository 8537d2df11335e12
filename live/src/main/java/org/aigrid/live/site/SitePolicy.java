package org.aigrid.live.site;

import org.aigrid.live.wire.WorkOrder;
import org.jspecify.annotations.Nullable;

/// Whether a site does an order's work: its own opinion, asked on every order, whatever the gateway
/// that signed it decided. Safe for many threads, on event loops; a few microseconds.
@FunctionalInterface
public interface SitePolicy {
  /// What the order itself names, for grids whose tenants have no policies: keys of a file.
  SitePolicy BY_ORDER =
      (order, site) ->
          order.permits(site.jurisdiction())
              ? null
              : "lies in " + site.jurisdiction() + ", where this request may not be processed";

  /// Null when the work may be done at that site, else why not, to be read after the site's name.
  @Nullable String refusal(WorkOrder order, org.aigrid.core.model.SiteSpec site);
}
