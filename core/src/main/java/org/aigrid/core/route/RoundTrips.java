package org.aigrid.core.route;

import org.aigrid.core.model.Tier;
import org.aigrid.core.view.Roster;

/// Network round trip between a caller's site and a serving site: fibre by distance plus equipment
/// by tier. Immutable, a few nanoseconds a call.
///
/// @param fibreMsPerKm round trip over one kilometre of fibre: 2 x 5 us
/// @param pathFactor length of the fibre over the great circle
/// @param sameSiteMs round trip to the caller's own base station
/// @param cellHopMs added for another base station: aggregation switches
/// @param regionalHopMs added for a regional site
/// @param hubHopMs added for the hub
/// @param unknownOriginMs assumed where the caller's place is unknown, beside the hop
public record RoundTrips(
    double fibreMsPerKm,
    double pathFactor,
    double sameSiteMs,
    double cellHopMs,
    double regionalHopMs,
    double hubHopMs,
    double unknownOriginMs) {
  /// Five microseconds a kilometre one way is the speed of light in glass; the rest are planning
  /// figures of metropolitan networks, to be replaced by measured ones.
  public static final RoundTrips DEFAULT = new RoundTrips(0.010, 1.5, 0.3, 0.6, 1.0, 2.0, 10);

  /// @param origin the caller's site, or -1 when unknown
  /// @param endpoint where it would run
  public double ms(Roster roster, int origin, int endpoint) {
    if (origin == roster.siteOf(endpoint)) {
      return sameSiteMs;
    }
    double hops = hopMs(roster.tierOfEndpoint(endpoint));
    return origin < 0
        ? unknownOriginMs + hops
        : sameSiteMs
            + hops
            + roster.distanceToEndpointKm(origin, endpoint) * fibreMsPerKm * pathFactor;
  }

  /// To a base station that is not the caller's own, however near.
  public double leastToOtherCellMs(boolean originKnown) {
    return (originKnown ? sameSiteMs : unknownOriginMs) + cellHopMs;
  }

  private double hopMs(Tier tier) {
    return switch (tier) {
      case HUB -> hubHopMs;
      case REGIONAL -> regionalHopMs;
      case CELL -> cellHopMs;
    };
  }
}
