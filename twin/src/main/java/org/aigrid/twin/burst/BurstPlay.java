package org.aigrid.twin.burst;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Commute;
import org.aigrid.twin.demand.DayShape;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Play;
import org.aigrid.twin.play.PlaySettings;
import org.aigrid.twin.radio.RadioLoad;

/// Plays one arm at one load. The callers of all sites are one stream of requests that scatters
/// over the sites evenly, so what bursts, bursts everywhere. Pure: the same arguments, the same
/// point; a few milliseconds for ten thousand requests.
public final class BurstPlay {
  private static final String REGION = "city";
  private static final double PEOPLE = 1_000;
  private static final double DAY_S = 86_400;
  private static final double NOON_MS = 12 * 3_600_000;
  private static final int WINDOW_MS = 10;
  private static final int HEARTBEAT_MS = 1_000;
  private static final int REGION_LATITUDE = 34;
  private static final int REGION_LONGITUDE = 134;

  private BurstPlay() {}

  /// What one play came to.
  ///
  /// @param perSecond requests that were asked of it
  /// @param met share of them within the bounds; who was refused is not
  /// @param goodput output tokens per second of the answers within the bounds
  /// @param ttftP50Ms client time to first token, without the pipeline
  /// @param ttftP99Ms the same
  /// @param refused share
  public record Point(
      double perSecond,
      double met,
      double goodput,
      double ttftP50Ms,
      double ttftP99Ms,
      double refused) {}

  /// @param roundTripMs to the centre; the sites keep their own
  static Point of(
      BurstSettings settings, Arm arm, double roundTripMs, double perSecond, long seed) {
    Country country = country(settings, arm, roundTripMs);
    double tripMs = arm.central() ? roundTripMs : settings.siteRoundTripMs();
    var demand =
        new Demand(perSecond * DAY_S, List.of(service(settings, tripMs)), Commute.WORKING_DAY);
    Outcome outcome =
        Play.of(
            country,
            demand,
            playSettings(settings, arm, country.roundTrips()),
            List.of(),
            seed,
            1,
            Play.Progress.NONE);
    long tokens = 0;
    for (Tier tier : Tier.values()) {
      tokens += outcome.metTokens(0, tier);
    }
    Outcome.Ends ends = outcome.ends();
    return new Point(
        perSecond,
        ends.attainment(),
        tokens / (settings.seconds() - settings.warmupSeconds()),
        outcome.ttftUs(0).quantile(0.5) / 1e3,
        outcome.ttftUs(0).quantile(0.99) / 1e3,
        (double) ends.refused() / Math.max(1, ends.all()));
  }

  private static Country country(BurstSettings settings, Arm arm, double roundTripMs) {
    boolean oneEndpoint = arm == Arm.CENTRE;
    int gpus = settings.engines().gpus();
    List<EndpointSpec> one = List.of(settings.engines().endpoint(1));
    var places = new ArrayList<Country.Place>();
    for (int i = 0; i < gpus; i++) {
      SiteSpec site = site("site-" + (i + 1), Tier.CELL, oneEndpoint ? List.of() : one, i);
      places.add(new Country.Place(site, "", PEOPLE, PEOPLE));
    }
    if (oneEndpoint) {
      List<EndpointSpec> all = List.of(settings.engines().endpoint(gpus));
      places.add(new Country.Place(site("centre", Tier.HUB, all, 0), "", 0, 0));
    }
    return new Country(
        arm.title(),
        List.of(new Country.Region(REGION, REGION_LATITUDE, REGION_LONGITUDE)),
        places,
        roundTrips(settings, arm, roundTripMs),
        0,
        "made for the experiment");
  }

  /// Distances say nothing here: each arm's round trips are given. Core's router sees GPUs in one
  /// place as sites that are all equally far.
  private static RoundTrips roundTrips(BurstSettings settings, Arm arm, double roundTripMs) {
    return switch (arm) {
      case CENTRE -> new RoundTrips(0, 1, 0, 0, 0, roundTripMs, 0);
      case CENTRE_ROUTED -> new RoundTrips(0, 1, roundTripMs, 0, 0, 0, 0);
      case SITES_ALONE, SITES_POOLED ->
          new RoundTrips(0, 1, settings.siteRoundTripMs(), settings.neighbourMs(), 0, 0, 0);
    };
  }

  private static SiteSpec site(String id, Tier tier, List<EndpointSpec> endpoints, int number) {
    return new SiteSpec(
        id,
        id,
        tier,
        REGION,
        new GeoPoint(REGION_LATITUDE, REGION_LONGITUDE + number / 100.0),
        "XX",
        "operator",
        endpoints);
  }

  private static Service service(BurstSettings settings, double tripMs) {
    BurstSettings.Bounds bounds = settings.bounds();
    BurstSettings.Traffic traffic = settings.traffic();
    double waitMs = bounds.waitMs(tripMs);
    return new Service(
        "voice",
        "voice",
        settings.engines().model(),
        1,
        traffic.prompt(),
        traffic.answer(),
        traffic.burstiness(),
        DayShape.FLAT,
        bounds.leftMs(),
        bounds.tpotMs(),
        Double.POSITIVE_INFINITY,
        (int) Math.round(waitMs),
        0,
        0,
        Double.POSITIVE_INFINITY);
  }

  private static PlaySettings playSettings(BurstSettings settings, Arm arm, RoundTrips trips) {
    double durationMs = settings.seconds() * 1_000;
    return new PlaySettings(
        arm.policy(),
        RouterSettings.DEFAULT.withRoundTrips(trips),
        trips,
        RadioLoad.Settings.NONE,
        NOON_MS,
        durationMs,
        settings.warmupSeconds() * 1_000,
        WINDOW_MS,
        HEARTBEAT_MS,
        5 * HEARTBEAT_MS,
        60 * HEARTBEAT_MS,
        (int) Math.ceil(durationMs / HEARTBEAT_MS) * HEARTBEAT_MS,
        0,
        0);
  }
}
