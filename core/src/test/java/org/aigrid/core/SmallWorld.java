package org.aigrid.core;

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
import org.aigrid.core.view.Heartbeat;

/// Sites, heartbeats and whole small grids for tests, drawn from a seed where they vary.
public final class SmallWorld {
  public static final String MODEL = "llama-3.1-8b";
  public static final String LARGE_MODEL = "llama-3.1-70b-fp8";

  private static final String[] JURISDICTIONS = {"JP", "DE", "US", "BR"};

  private SmallWorld() {}

  public static ModelSpec model(String name) {
    ModelSpec found = Models.byName(name);
    if (found == null) {
      throw new IllegalArgumentException("no model " + name);
    }
    return found;
  }

  public static Accelerator accelerator(String name) {
    Accelerator found = Accelerators.byName(name);
    if (found == null) {
      throw new IllegalArgumentException("no accelerator " + name);
    }
    return found;
  }

  public static EndpointSpec endpoint(String model, String accelerator) {
    return new EndpointSpec(model(model), EngineKind.EMULATED, accelerator(accelerator), 1, 32);
  }

  /// A site that serves the 8B model on one RTX PRO 6000.
  public static SiteSpec site(String id, Tier tier, double latitude, double longitude) {
    return site(id, tier, latitude, longitude, "JP", List.of(endpoint(MODEL, "RTX PRO 6000")));
  }

  public static SiteSpec site(
      String id,
      Tier tier,
      double latitude,
      double longitude,
      String jurisdiction,
      List<EndpointSpec> endpoints) {
    return new SiteSpec(
        id,
        id,
        tier,
        "region-" + jurisdiction,
        new GeoPoint(latitude, longitude),
        jurisdiction,
        "operator",
        endpoints);
  }

  /// `count` sites anywhere on Earth: one in ten a hub, one in ten regional, some without models.
  public static List<SiteSpec> sites(int count, SplittableRandom random) {
    var sites = new ArrayList<SiteSpec>(count);
    for (int i = 0; i < count; i++) {
      int kind = random.nextInt(10);
      Tier tier = kind == 0 ? Tier.HUB : kind == 1 ? Tier.REGIONAL : Tier.CELL;
      var endpoints = new ArrayList<EndpointSpec>();
      if (random.nextInt(10) > 0) {
        endpoints.add(endpoint(MODEL, random.nextBoolean() ? "RTX PRO 6000" : "L40S"));
      }
      if (tier != Tier.CELL) {
        endpoints.add(endpoint(LARGE_MODEL, "H200"));
      }
      sites.add(
          site(
              "s" + i,
              tier,
              random.nextDouble(-85, 85),
              random.nextDouble(-180, 180),
              JURISDICTIONS[random.nextInt(JURISDICTIONS.length)],
              endpoints));
    }
    return sites;
  }

  /// A site that takes everything and is idle, for a lease of `leaseMs`.
  public static Heartbeat idle(SiteSpec site, long sequence, int leaseMs) {
    return new Heartbeat(
        site.id(),
        sequence,
        leaseMs,
        AdmissionState.NEW_AND_EXISTING,
        site.endpoints().stream().map(e -> EndpointLoad.idle(e.model().name())).toList());
  }

  /// A heartbeat of any admission, lease and load; now and then a model is missing.
  public static Heartbeat any(SiteSpec site, long sequence, SplittableRandom random) {
    int state = random.nextInt(6);
    var loads = new ArrayList<EndpointLoad>();
    for (EndpointSpec endpoint : site.endpoints()) {
      if (random.nextInt(8) > 0) {
        loads.add(
            new EndpointLoad(
                endpoint.model().name(),
                random.nextInt(4) == 0 ? random.nextInt(600_000) : random.nextInt(5_000),
                random.nextInt(4),
                random.nextInt(40),
                random.nextInt(100_000),
                random.nextBoolean() ? 0 : random.nextDouble(1_000, 30_000),
                random.nextInt(8) == 0 ? 0 : random.nextDouble(),
                random.nextBoolean() ? 0 : random.nextDouble(100)));
      }
    }
    return new Heartbeat(
        site.id(),
        sequence,
        random.nextInt(200, 5_000),
        state == 0
            ? AdmissionState.NONE
            : state == 1 ? AdmissionState.EXISTING_ONLY : AdmissionState.NEW_AND_EXISTING,
        loads);
  }
}
