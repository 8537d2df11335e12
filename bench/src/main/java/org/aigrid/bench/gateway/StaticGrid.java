package org.aigrid.bench.gateway;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.live.control.GridSource;
import org.aigrid.live.control.SiteAddress;

/// A grid that stands still: a hub and base stations around it, all of them the mock, with leases
/// that outlive the benchmark. The router has its full work to do; control and heartbeats have
/// none. Immutable, safe for many threads.
final class StaticGrid implements GridSource {
  static final String MODEL = "bench";

  private static final int DAY_MS = 86_400_000;

  /// Enough for every request of a benchmark to find a free slot: what is measured is the gateway,
  /// not its refusals.
  private static final int REPLICAS = 64;

  private static final int SEQUENCES = 512;
  private static final int COLUMNS = 500;
  private static final double STEP_DEGREES = 0.01;

  private final GridView view;
  private final SiteAddress[] addresses;

  /// @param sites a hub and `sites - 1` base stations
  /// @param port of the mock
  /// @param addressCount the mock listens on so many addresses from 127.0.0.1 upwards; sites take
  ///   turns
  StaticGrid(int sites, int port, int addressCount) {
    var specs = new ArrayList<SiteSpec>(sites);
    for (int i = 0; i < sites; i++) {
      specs.add(site(i));
    }
    var builder = new GridViewBuilder(new GridViewSettings(1, DAY_MS));
    builder.registerAll(specs);
    long nowMs = nowMs();
    for (SiteSpec spec : specs) {
      builder.apply(
          new Heartbeat(
              spec.id(),
              1,
              DAY_MS,
              AdmissionState.NEW_AND_EXISTING,
              List.of(EndpointLoad.idle(MODEL))),
          nowMs);
    }
    view = builder.snapshot(nowMs);
    addresses = new SiteAddress[addressCount];
    for (int i = 0; i < addressCount; i++) {
      addresses[i] = new SiteAddress("127.0.0." + (i + 1), port);
    }
  }

  /// The base station in the middle, where the callers stand.
  static String home(int sites) {
    return sites == 1 ? "hub" : "cell-" + sites / 2;
  }

  private static SiteSpec site(int i) {
    var model = new ModelSpec(MODEL, 8.03, 16_060_000_000L, 131_072, 131_072);
    Accelerator accelerator = Accelerators.byName(i == 0 ? "B200" : "RTX PRO 6000");
    if (accelerator == null) {
      throw new IllegalStateException("an accelerator of the benchmark is not known to core");
    }
    return new SiteSpec(
        i == 0 ? "hub" : "cell-" + i,
        i == 0 ? "Hub" : "Cell " + i,
        i == 0 ? Tier.HUB : Tier.CELL,
        "bench",
        new GeoPoint(35.0 + STEP_DEGREES * (i / COLUMNS), 137.0 + STEP_DEGREES * (i % COLUMNS)),
        "JP",
        "bench",
        List.of(new EndpointSpec(model, EngineKind.OPENAI, accelerator, REPLICAS, SEQUENCES)));
  }

  @Override
  public GridView view() {
    return view;
  }

  @Override
  public SiteAddress address(int site) {
    return addresses[site % addresses.length];
  }
}
