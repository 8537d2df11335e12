package org.aigrid.twin.country;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.unit.GeoPoint;

/// A country to play: regions, sites, where people live and work, and how far everything is.
/// Immutable; some 150 bytes a site.
public final class Country {
  /// A region: the prefecture, state or province that a gateway stands in.
  ///
  /// @param name as in `SiteSpec.region`
  /// @param latitudeDegrees of its capital
  /// @param longitudeDegrees of its capital
  public record Region(String name, double latitudeDegrees, double longitudeDegrees) {}

  /// A site and who is in its cell.
  ///
  /// @param spec the site
  /// @param municipality for people
  /// @param residents people who live in its cell; 0 at centres
  /// @param workers people who are in its cell in working hours
  public record Place(SiteSpec spec, String municipality, double residents, double workers) {}

  private final String name;
  private final List<Region> regions;
  private final List<Place> places;
  private final RoundTrips roundTrips;
  private final double jitterMs;
  private final String source;
  private final Map<String, Integer> regionByName = new LinkedHashMap<>();

  /// @param name for people
  /// @param regions in the order of the report
  /// @param places all sites
  /// @param roundTrips of its network
  /// @param jitterMs mean of what each way takes longer than that, exponentially distributed
  /// @param source where it comes from
  public Country(
      String name,
      List<Region> regions,
      List<Place> places,
      RoundTrips roundTrips,
      double jitterMs,
      String source) {
    this.name = name;
    this.regions = List.copyOf(regions);
    this.places = List.copyOf(places);
    this.roundTrips = roundTrips;
    this.jitterMs = jitterMs;
    this.source = source;
    for (Region region : regions) {
      if (regionByName.put(region.name(), regionByName.size()) != null) {
        throw impossible("region " + region.name() + " stands there twice", "once");
      }
    }
    check();
  }

  private void check() {
    double residents = 0;
    double workers = 0;
    int cells = 0;
    for (Place place : places) {
      if (place.spec().tier() != Tier.HUB && !regionByName.containsKey(place.spec().region())) {
        throw impossible(
            "site " + place.spec().id() + " lies in region " + place.spec().region(),
            "one of " + String.join(", ", regionByName.keySet()));
      }
      if (!(place.residents() >= 0 && place.workers() >= 0)) {
        throw impossible(
            "site " + place.spec().id() + " has people below 0", "0 or more residents and workers");
      }
      residents += place.residents();
      workers += place.workers();
      cells += place.spec().tier() == Tier.CELL ? 1 : 0;
    }
    if (cells == 0 || !(residents > 0) || !(workers > 0)) {
      throw impossible(
          cells + " base stations, " + residents + " residents, " + workers + " workers",
          "base stations with people: without people nobody asks");
    }
    if (places.stream().allMatch(place -> place.spec().endpoints().isEmpty())) {
      throw impossible("no site serves a model", "an endpoint at one site or more");
    }
  }

  private IllegalArgumentException impossible(String what, String expected) {
    return new IllegalArgumentException(
        "country " + name + ": " + what + " (expected: " + expected + ")");
  }

  public String name() {
    return name;
  }

  public List<Region> regions() {
    return regions;
  }

  /// All sites, in order of their index in a roster.
  public List<Place> places() {
    return places;
  }

  public List<SiteSpec> sites() {
    return places.stream().map(Place::spec).toList();
  }

  public RoundTrips roundTrips() {
    return roundTrips;
  }

  public double jitterMs() {
    return jitterMs;
  }

  public String source() {
    return source;
  }

  /// Index of a region, or -1.
  public int indexOfRegion(String region) {
    return regionByName.getOrDefault(region, -1);
  }

  /// Sites of a tier.
  public int count(Tier tier) {
    return (int) places.stream().filter(place -> place.spec().tier() == tier).count();
  }

  /// This country with one regional centre less: the one with the fewest people around it is given
  /// up. Or with one more: the region with the most people for each replica of its centre gets a
  /// second one like its first. 0 changes nothing.
  public Country withRegionalCentres(int more) {
    if (more == 0) {
      return this;
    }
    Map<String, Double> people = new LinkedHashMap<>();
    places.forEach(p -> people.merge(p.spec().region(), p.residents() + p.workers(), Double::sum));
    List<Place> centres = places.stream().filter(p -> p.spec().tier() == Tier.REGIONAL).toList();
    if (centres.size() + more < 0 || centres.isEmpty()) {
      throw impossible(
          centres.size() + " regional centres" + (more < 0 ? " less " : " plus ") + Math.abs(more),
          "0 or more, and one to copy");
    }
    var changed = new ArrayList<Place>(places);
    var ranked = new ArrayList<>(centres);
    ranked.sort((a, b) -> Double.compare(crowding(b.spec(), people), crowding(a.spec(), people)));
    for (int i = 0; i < Math.abs(more); i++) {
      if (more < 0) {
        changed.remove(ranked.get(ranked.size() - 1 - i));
      } else {
        changed.add(again(ranked.get(i % ranked.size()), i));
      }
    }
    return new Country(
        name
            + ", "
            + Math.abs(more)
            + (more < 0 ? " regional centre less" : " regional centre more"),
        regions,
        changed,
        roundTrips,
        jitterMs,
        source);
  }

  private List<Place> cellsOf(String region) {
    return places.stream()
        .filter(p -> p.spec().tier() == Tier.CELL && p.spec().region().equals(region))
        .toList();
  }

  private static double crowding(SiteSpec centre, Map<String, Double> people) {
    int replicas = centre.endpoints().stream().mapToInt(e -> e.replicas()).sum();
    return people.getOrDefault(centre.region(), 0.0) / Math.max(1, replicas);
  }

  /// A second centre like the first, amid the people of the region who are farther from the first
  /// than the average.
  private Place again(Place centre, int number) {
    SiteSpec spec = centre.spec();
    double people = 0;
    double distance = 0;
    for (Place cell : cellsOf(spec.region())) {
      people += cell.residents();
      distance += cell.residents() * spec.position().distanceKm(cell.spec().position());
    }
    double latitude = 0;
    double longitude = 0;
    double far = 0;
    for (Place cell : cellsOf(spec.region())) {
      if (people * spec.position().distanceKm(cell.spec().position()) >= distance) {
        far += cell.residents();
        latitude += cell.residents() * cell.spec().position().latitudeDegrees();
        longitude += cell.residents() * cell.spec().position().longitudeDegrees();
      }
    }
    GeoPoint position = far > 0 ? new GeoPoint(latitude / far, longitude / far) : spec.position();
    return new Place(
        new SiteSpec(
            spec.id() + "-more-" + (number + 1),
            spec.name() + " " + (number + 2),
            spec.tier(),
            spec.region(),
            position,
            spec.jurisdiction(),
            spec.operator(),
            spec.endpoints()),
        centre.municipality(),
        0,
        0);
  }
}
