package org.aigrid.twin.country;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.unit.GeoPoint;

/// A country that does not exist: an island 600 km long, with towns whose sizes fall as Zipf's law
/// says, a regional centre in each of its three parts, and one hub near the largest town. The same
/// for the same seed.
public final class MadeUpCountry {
  private static final int TOWNS = 24;
  private static final List<String> REGIONS = List.of("west", "middle", "east");
  private static final String MODEL = "llama-3.1-8b";
  private static final double PEOPLE_PER_CELL = 275;

  private MadeUpCountry() {}

  /// @param cells base stations, spread over the towns by their size
  public static Country of(int cells, long seed) {
    if (cells < TOWNS) {
      throw new IllegalArgumentException(
          "cells: " + cells + " (expected: at least one for each of the " + TOWNS + " towns)");
    }
    var random = new SplittableRandom(seed);
    var regions = new ArrayList<Country.Region>();
    var places = new ArrayList<Country.Place>();
    places.add(
        place("hub", Tier.HUB, "middle", "", new GeoPoint(34.2, 134.0), "H200", 16, 256, 0, 0));
    for (int region = 0; region < REGIONS.size(); region++) {
      double longitude = 131.5 + 2.2 * region;
      regions.add(new Country.Region(REGIONS.get(region), 34, longitude));
      places.add(
          place(
              "regional-" + REGIONS.get(region),
              Tier.REGIONAL,
              REGIONS.get(region),
              "",
              new GeoPoint(34, longitude),
              "H100",
              4,
              128,
              0,
              0));
    }
    double weights = 0;
    for (int town = 1; town <= TOWNS; town++) {
      weights += 1.0 / town;
    }
    for (int cell = 0; cell < cells; cell++) {
      int town = cell < TOWNS ? cell : drawn(random, weights);
      double latitude = 33.6 + 0.9 * unit(town, 1) + 0.05 * (random.nextDouble() - 0.5);
      double longitude = 130.6 + 6 * unit(town, 2) + 0.05 * (random.nextDouble() - 0.5);
      int region = (int) Math.clamp((longitude - 130.6) / 2, 0, REGIONS.size() - 1);
      // Within a town some cells see many times the people of others.
      double residents = PEOPLE_PER_CELL * Math.exp(0.9 * random.nextGaussian());
      double workers =
          PEOPLE_PER_CELL * Math.exp(1.1 * random.nextGaussian()) / Math.sqrt(town + 1);
      places.add(
          place(
              "cell-" + cell,
              Tier.CELL,
              REGIONS.get(region),
              "town " + (town + 1),
              new GeoPoint(latitude, longitude),
              "RTX PRO 6000",
              1,
              64,
              Math.round(residents),
              Math.round(workers)));
    }
    return new Country(
        "made-up island, " + cells + " cells",
        regions,
        places,
        RoundTrips.DEFAULT,
        0.2,
        "drawn by seed " + seed);
  }

  /// A number between 0 and 1 that belongs to a town.
  private static double unit(int town, int axis) {
    return new SplittableRandom(31L * town + axis).nextDouble();
  }

  private static int drawn(SplittableRandom random, double weights) {
    double left = random.nextDouble() * weights;
    int town = 1;
    while (town < TOWNS && left > 1.0 / town) {
      left -= 1.0 / town;
      town++;
    }
    return town - 1;
  }

  private static Country.Place place(
      String id,
      Tier tier,
      String region,
      String municipality,
      GeoPoint position,
      String accelerator,
      int replicas,
      int sequences,
      double residents,
      double workers) {
    var endpoint =
        new EndpointSpec(
            Known.model(MODEL),
            EngineKind.EMULATED,
            Known.accelerator(accelerator),
            replicas,
            sequences);
    return new Country.Place(
        new SiteSpec(id, id, tier, region, position, "XX", "operator", List.of(endpoint)),
        municipality,
        residents,
        workers);
  }
}
