package org.aigrid.live.site;

import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.wire.WorkOrder;

/// A site's own record of the work it took on: what an auditor compares with what gateways say.
/// Called on event loops; must not wait.
@FunctionalInterface
public interface WorkLog {
  /// No record.
  WorkLog NONE = (order, site) -> {};

  /// The site has checked the order and is about to hand the work to an engine.
  void took(WorkOrder order, SiteSpec site);
}
