package org.aigrid.core.policy;

import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.jspecify.annotations.Nullable;

/// What a policy may ask of a site. Anything can be missing, as it can in the world; a site with
/// anything missing is permitted to nobody. Immutable.
///
/// @param id the site's id
/// @param jurisdiction whose law applies there: ISO 3166-1 alpha-2
/// @param operator who runs it
/// @param tier how deep in the network it stands
/// @param level how well it is known where it stands
public record SiteFacts(
    @Nullable String id,
    @Nullable String jurisdiction,
    @Nullable String operator,
    @Nullable Tier tier,
    @Nullable LocationLevel level) {

  /// The facts of a registered site.
  public static SiteFacts of(SiteSpec site) {
    return of(site, site.location().level());
  }

  /// The same, with another level than it claims; null where that is not known.
  public static SiteFacts of(SiteSpec site, @Nullable LocationLevel level) {
    return new SiteFacts(site.id(), site.jurisdiction(), site.operator(), site.tier(), level);
  }

  /// Whether nothing is missing.
  public boolean complete() {
    return id != null
        && jurisdiction != null
        && !jurisdiction.isEmpty()
        && operator != null
        && !operator.isEmpty()
        && tier != null
        && level != null;
  }

  /// The name of the first thing that is missing, as policies call it, or null.
  public @Nullable String missing() {
    if (id == null) {
      return "id";
    }
    if (jurisdiction == null || jurisdiction.isEmpty()) {
      return "jurisdiction";
    }
    if (operator == null || operator.isEmpty()) {
      return "operator";
    }
    if (tier == null) {
      return "tier";
    }
    return level == null ? "level" : null;
  }
}
