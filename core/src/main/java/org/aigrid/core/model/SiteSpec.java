package org.aigrid.core.model;

import java.util.List;
import org.aigrid.core.unit.GeoPoint;

/// What a site says about itself when it registers; changes seldom. Immutable.
///
/// @param id unique and stable, for example `cell-minato-01`
/// @param name for people
/// @param tier how deep in the network it stands
/// @param region the set of sites it belongs to, for example `tokyo`
/// @param position where it stands
/// @param jurisdiction whose law applies there: ISO 3166-1 alpha-2, upper case
/// @param operator who runs it
/// @param location how well its place is known
/// @param endpoints the models it serves, each model at most once
public record SiteSpec(
    String id,
    String name,
    Tier tier,
    String region,
    GeoPoint position,
    String jurisdiction,
    String operator,
    LocationClaim location,
    List<EndpointSpec> endpoints) {
  /// A site of whose place nothing is known but what its operator says.
  public SiteSpec(
      String id,
      String name,
      Tier tier,
      String region,
      GeoPoint position,
      String jurisdiction,
      String operator,
      List<EndpointSpec> endpoints) {
    this(
        id,
        name,
        tier,
        region,
        position,
        jurisdiction,
        operator,
        LocationClaim.DECLARED,
        endpoints);
  }

  public SiteSpec {
    if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")) {
      throw new IllegalArgumentException(
          "site id '" + id + "' (expected: 1 to 63 letters, digits, '.', '_' or '-')");
    }
    if (!jurisdiction.matches("[A-Z]{2}")) {
      throw new IllegalArgumentException(
          "jurisdiction of site "
              + id
              + ": '"
              + jurisdiction
              + "' (expected: two upper-case letters of ISO 3166-1, such as JP)");
    }
    if (region.isBlank() || operator.isBlank()) {
      throw new IllegalArgumentException(
          "site "
              + id
              + ": region '"
              + region
              + "', operator '"
              + operator
              + "' (expected: neither is blank)");
    }
    endpoints = List.copyOf(endpoints);
    long distinct = endpoints.stream().map(e -> e.model().name()).distinct().count();
    if (distinct != endpoints.size()) {
      throw new IllegalArgumentException(
          "site " + id + " serves a model twice (expected: one endpoint per model; use replicas)");
    }
  }
}
