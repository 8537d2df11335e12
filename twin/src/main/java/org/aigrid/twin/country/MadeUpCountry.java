package org.aigrid.twin.country;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.jspecify.annotations.Nullable;

/// A country that does not exist: an island 600 km long, with towns whose sizes fall as Zipf's law
/// says, a regional centre in each of its three parts, and one hub near the largest town. The same
/// for the same seed.
public final class MadeUpCountry {
  private static final int TOWNS = 24;
  private static final int REGIONS = 3;
  private static final String MODEL = "llama-3.1-8b";

  private MadeUpCountry() {}

  /// @param cells base stations, spread over the towns by their size
  public static Country of(int cells, long seed) {
    if (cells < TOWNS) {
      throw new IllegalArgumentException(
          "cells: " + cells + " (expected: at least one for each of the " + TOWNS + " towns)");
    }
    var random = new SplittableRandom(seed);
    var sites = new ArrayList<SiteSpec>();
    var people = new ArrayList<Double>();
    add(sites, people, "hub", Tier.HUB, 0, new GeoPoint(34.2, 134.0), endpoint("H200", 16, 256), 0);
    for (int region = 0; region < REGIONS; region++) {
      add(
          sites,
          people,
          "regional-" + region,
          Tier.REGIONAL,
          region,
          new GeoPoint(34, 131.5 + 2.2 * region),
          endpoint("H100", 4, 128),
          0);
    }
    double weights = 0;
    for (int town = 1; town <= TOWNS; town++) {
      weights += 1.0 / town;
    }
    for (int cell = 0; cell < cells; cell++) {
      int town = cell < TOWNS ? cell : drawn(random, weights);
      double latitude = 33.6 + 0.9 * unit(town, 1) + 0.05 * (random.nextDouble() - 0.5);
      double longitude = 130.6 + 6 * unit(town, 2) + 0.05 * (random.nextDouble() - 0.5);
      int region = (int) Math.clamp((longitude - 130.6) / 2, 0, REGIONS - 1);
      // Within a town some cells see many times the people of others.
      double crowd = Math.exp(0.9 * gaussian(random));
      add(
          sites,
          people,
          "cell-" + cell,
          Tier.CELL,
          region,
          new GeoPoint(latitude, longitude),
          endpoint("RTX PRO 6000", 1, 64),
          crowd);
    }
    double sum = people.stream().mapToDouble(Double::doubleValue).sum();
    return new Country(
        "made-up island, " + cells + " cells", sites, people.stream().map(p -> p / sum).toList());
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

  private static double gaussian(SplittableRandom random) {
    return Math.sqrt(-2 * Math.log(1 - random.nextDouble()))
        * Math.cos(2 * Math.PI * random.nextDouble());
  }

  private static void add(
      List<SiteSpec> sites,
      List<Double> people,
      String id,
      Tier tier,
      int region,
      GeoPoint place,
      EndpointSpec endpoint,
      double weight) {
    sites.add(
        new SiteSpec(id, id, tier, "region-" + region, place, "XX", "operator", List.of(endpoint)));
    people.add(weight);
  }

  private static EndpointSpec endpoint(String accelerator, int replicas, int sequences) {
    ModelSpec model = known(Models.byName(MODEL), MODEL);
    Accelerator card = known(Accelerators.byName(accelerator), accelerator);
    return new EndpointSpec(model, EngineKind.EMULATED, card, replicas, sequences);
  }

  private static <T> T known(@Nullable T value, String name) {
    if (value == null) {
      throw new IllegalStateException("core no longer knows " + name);
    }
    return value;
  }
}
