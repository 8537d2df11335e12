package org.aigrid.bench.route;

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
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;

/// A made-up country of 200,000 base stations, 47 regional sites and two hubs, every one of which
/// serves the 8B model and has just said how loaded it is. The same for the same seed. One thread.
final class LargeGrid {
  static final int CELLS = 200_000;
  private static final int REGIONS = 47;
  private static final int HUBS = 2;

  /// Long enough for all measurements of one process.
  private static final int LEASE_MS = 3_600_000;

  final List<SiteSpec> sites = new ArrayList<>(CELLS + REGIONS + HUBS);
  final GridViewBuilder builder =
      new GridViewBuilder(new GridViewSettings(GridViewSettings.DEFAULT.leaseMsLeast(), LEASE_MS));

  private final SplittableRandom random;
  private long sequence;

  LargeGrid(long seed) {
    random = new SplittableRandom(seed);
    for (int i = 0; i < HUBS; i++) {
      sites.add(site("hub-" + i, Tier.HUB, i, "H200", 64));
    }
    for (int i = 0; i < REGIONS; i++) {
      sites.add(site("regional-" + i, Tier.REGIONAL, i, "H100", 8));
    }
    for (int i = 0; i < CELLS; i++) {
      sites.add(site("cell-" + i, Tier.CELL, i % REGIONS, "RTX PRO 6000", 1));
    }
    builder.registerAll(sites);
    sites.forEach(site -> builder.apply(heartbeat(site), 0));
  }

  /// A heartbeat of the site, lightly loaded, newer than all before.
  Heartbeat heartbeat(SiteSpec site) {
    var load =
        new EndpointLoad(
            site.endpoints().getFirst().model().name(),
            random.nextInt(4_000),
            0,
            random.nextInt(16),
            random.nextInt(40_000),
            0);
    return new Heartbeat(
        site.id(), ++sequence, LEASE_MS, AdmissionState.NEW_AND_EXISTING, List.of(load));
  }

  private SiteSpec site(String id, Tier tier, int region, String accelerator, int replicas) {
    return new SiteSpec(
        id,
        id,
        tier,
        "region-" + region,
        new GeoPoint(random.nextDouble(31, 45), random.nextDouble(130, 145)),
        "JP",
        "operator",
        List.of(new EndpointSpec(model(), EngineKind.EMULATED, card(accelerator), replicas, 32)));
  }

  private static ModelSpec model() {
    ModelSpec model = Models.byName("llama-3.1-8b");
    if (model == null) {
      throw new IllegalStateException("core no longer knows llama-3.1-8b");
    }
    return model;
  }

  private static Accelerator card(String name) {
    Accelerator card = Accelerators.byName(name);
    if (card == null) {
      throw new IllegalStateException("core no longer knows " + name);
    }
    return card;
  }
}
