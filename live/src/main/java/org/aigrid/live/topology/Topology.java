package org.aigrid.live.topology;

import java.util.List;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.jspecify.annotations.Nullable;

/// The sites of a grid and where its callers stand. Immutable; its parts fit together: site ids are
/// unique, and every id that it mentions is the id of one of its sites.
///
/// @param name for people
/// @param homeSite the site that callers of unknown place are taken to stand at
/// @param trustedNetworks networks whose word on a caller's cell is believed
/// @param callers where callers stand by their address; the longest prefix wins
/// @param waiting what becomes of requests that find no place
/// @param sites in the order of the file, one or more
public record Topology(
    String name,
    String homeSite,
    List<AddressPrefix> trustedNetworks,
    List<CallerPlace> callers,
    WaitingRoom.Settings waiting,
    List<PlannedSite> sites) {

  /// A site and, for each of its endpoints in order, what answers there.
  ///
  /// @param radio what shares its GPU; null for a site without a radio
  public record PlannedSite(SiteSpec spec, List<EnginePlan> engines, @Nullable RadioPlan radio) {
    /// A site without a radio.
    public PlannedSite(SiteSpec spec, List<EnginePlan> engines) {
      this(spec, engines, null);
    }

    public PlannedSite {
      engines = List.copyOf(engines);
      if (engines.size() != spec.endpoints().size()) {
        throw new IllegalArgumentException(
            "site "
                + spec.id()
                + " has "
                + spec.endpoints().size()
                + " endpoints and "
                + engines.size()
                + " engines (expected: as many)");
      }
    }
  }

  /// Callers from `prefix` stand at `siteId`.
  public record CallerPlace(AddressPrefix prefix, String siteId) {}

  public Topology {
    trustedNetworks = List.copyOf(trustedNetworks);
    callers = List.copyOf(callers);
    sites = List.copyOf(sites);
    if (sites.isEmpty()) {
      throw new IllegalArgumentException("topology " + name + " has no site (expected: 1 or more)");
    }
  }

  /// The same sites without radios.
  public Topology withoutRadio() {
    return new Topology(
        name,
        homeSite,
        trustedNetworks,
        callers,
        waiting,
        sites.stream().map(site -> new PlannedSite(site.spec(), site.engines())).toList());
  }

  /// The first hub of the file, or null when there is none.
  public @Nullable PlannedSite hub() {
    return sites.stream().filter(s -> s.spec().tier() == Tier.HUB).findFirst().orElse(null);
  }
}
