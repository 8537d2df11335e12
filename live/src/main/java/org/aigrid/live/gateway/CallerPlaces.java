package org.aigrid.live.gateway;

import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;
import org.aigrid.core.view.Roster;
import org.aigrid.live.topology.AddressPrefix;
import org.aigrid.live.topology.Topology.CallerPlace;
import org.jspecify.annotations.Nullable;

/// Where a caller stands: the cell that a trusted network names, else what the address table says,
/// else the gateway's home. Immutable; linear in the table.
final class CallerPlaces {
  private final String homeSite;
  private final List<AddressPrefix> trusted;
  private final List<CallerPlace> places;

  CallerPlaces(String homeSite, List<AddressPrefix> trusted, List<CallerPlace> places) {
    this.homeSite = homeSite;
    this.trusted = trusted;
    this.places =
        places.stream()
            .sorted(Comparator.comparingInt((CallerPlace p) -> p.prefix().bits()).reversed())
            .toList();
  }

  /// Dense index of the caller's site in `roster`, or -1 when even the home is not there.
  int siteOf(Roster roster, @Nullable InetAddress caller, @Nullable CharSequence claimedCell) {
    int told = toldSite(roster, caller, claimedCell);
    if (told >= 0) {
      return told;
    }
    if (caller != null) {
      for (CallerPlace place : places) {
        if (place.prefix().contains(caller)) {
          return roster.indexOfSite(place.siteId());
        }
      }
    }
    return roster.indexOfSite(homeSite);
  }

  /// Dense index of the site that a trusted network names; -1 when none does.
  int toldSite(Roster roster, @Nullable InetAddress caller, @Nullable CharSequence claimedCell) {
    return claimedCell != null && caller != null && trusts(caller)
        ? roster.indexOfSite(claimedCell.toString())
        : -1;
  }

  /// Whether the caller's network may say where its callers stand.
  boolean trusts(InetAddress caller) {
    for (AddressPrefix network : trusted) {
      if (network.contains(caller)) {
        return true;
      }
    }
    return false;
  }
}
