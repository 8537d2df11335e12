package org.aigrid.core.view;

import java.util.List;
import org.aigrid.core.model.SiteSpec;

/// Who is in the grid: the static columns of all registered sites and endpoints, addressed by dense
/// indices that stay stable as sites join (a removed site leaves a gap). Immutable.
public final class Roster {
  private Roster() {}

  /// A roster of `sites` in the given order: site 0 is the first.
  public static Roster of(List<SiteSpec> sites) {
    throw new UnsupportedOperationException("written next");
  }
}
