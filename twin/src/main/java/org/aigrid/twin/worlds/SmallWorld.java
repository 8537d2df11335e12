package org.aigrid.twin.worlds;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.country.Known;
import org.aigrid.twin.demand.Commute;
import org.aigrid.twin.demand.DayShape;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Lengths;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Incident;
import org.aigrid.twin.play.Incident.Selection;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Play;
import org.aigrid.twin.play.PlaySettings;
import org.aigrid.twin.play.Policy;
import org.aigrid.twin.play.Violation;
import org.aigrid.twin.radio.RadioLoad;
import org.aigrid.twin.scenario.Scenario;
import org.jspecify.annotations.Nullable;

/// A world of a few sites and some seconds, drawn whole from a seed: one to three regions in one or
/// two jurisdictions, services that may leave theirs and such that may not, radios that burst,
/// sites that die, links that are cut, reports that come late, crowds. Immutable.
///
/// Most worlds are hard on the grid, some hopeless: the point is not that all requests are answered
/// but that nothing happens that must never happen (`Violation`).
///
/// @param seed it was drawn from
/// @param scenario country, demand, incidents, settings
public record SmallWorld(long seed, Scenario scenario) {
  private static final double SECOND_MS = 1_000;
  private static final double DAY_S = 86_400;
  private static final String MODEL = "llama-3.1-8b";
  private static final List<String> JURISDICTIONS = List.of("JP", "KR");

  // Their tables cost more than a world: a few for all.
  private static final List<Lengths> PROMPTS = lengths(8_000, 60, 250, 700, 1_500);
  private static final List<Lengths> ANSWERS = lengths(2_000, 6, 30, 100, 250);
  private static final List<Double> BURSTINESS = List.of(0.7, 1.0, 2.0, 3.0);
  private static final List<String> CELL_GPUS = List.of("RTX PRO 6000", "RTX 4090");

  private static List<Lengths> lengths(int most, double... medians) {
    return Arrays.stream(medians)
        .mapToObj(p50 -> Lengths.ofPercentiles(p50, 2 * p50, 4 * p50, most))
        .toList();
  }

  /// The world of a seed; the same for ever.
  public static SmallWorld of(long seed) {
    return new Draw(seed).world();
  }

  /// Plays it.
  ///
  /// @param threads the outcome is the same with any number
  public Outcome play(int threads) {
    return Play.of(
        scenario.country(),
        scenario.demand(),
        scenario.settings(),
        scenario.incidents(),
        seed,
        threads,
        Play.Progress.NONE);
  }

  /// What happened that must never happen, a sentence each; empty when nothing did.
  public static List<String> violations(Outcome outcome) {
    var sentences = new ArrayList<String>();
    for (Violation what : Violation.values()) {
      long count = outcome.violations(what);
      if (count > 0) {
        sentences.add(count + " x " + what.sentence());
      }
    }
    if (outcome.inside() > 0) {
      sentences.add(outcome.inside() + " x a request never ended");
    }
    return sentences;
  }

  /// One drawing. Everything that is drawn is drawn in one order.
  private static final class Draw {
    private final long seed;
    private final SplittableRandom random;
    private final double seconds;
    private final List<Country.Region> regions = new ArrayList<>();
    private final List<Country.Place> places = new ArrayList<>();
    private int jurisdictions;

    Draw(long seed) {
      this.seed = seed;
      random = new SplittableRandom(seed);
      seconds = between(6, 16);
    }

    private double between(double least, double most) {
      return least + (most - least) * random.nextDouble();
    }

    private int whole(int least, int most) {
      return random.nextInt(least, most + 1);
    }

    private boolean chance(double share) {
      return random.nextDouble() < share;
    }

    SmallWorld world() {
      Country country = country();
      Demand demand = demand();
      PlaySettings settings = settings(country.roundTrips());
      List<Incident> incidents = incidents();
      var scenario =
          new Scenario(
              "small world " + seed,
              "drawn by seed " + seed,
              country,
              demand,
              incidents,
              settings,
              seed,
              new Scenario.Cost("USD", 3, 2.5, 1),
              List.of());
      return new SmallWorld(seed, scenario);
    }

    private Country country() {
      jurisdictions = chance(0.5) ? 2 : 1;
      int count = Math.max(jurisdictions, whole(1, 3));
      for (int hub = 0; hub < (chance(0.8) ? jurisdictions : 1); hub++) {
        String region = "region-" + hub;
        place("hub-" + hub, Tier.HUB, region, hub, "H200", whole(1, 6), whole(16, 128), 0);
      }
      for (int region = 0; region < count; region++) {
        String name = "region-" + region;
        regions.add(new Country.Region(name, 34, 131 + 2 * region));
        if (chance(0.7)) {
          place(
              "centre-" + region,
              Tier.REGIONAL,
              name,
              region,
              "H100",
              whole(1, 3),
              whole(8, 64),
              0);
        }
        int cells = whole(2, 9);
        for (int cell = 0; cell < cells; cell++) {
          String gpu = CELL_GPUS.get(random.nextInt(CELL_GPUS.size()));
          place("cell-" + region + "-" + cell, Tier.CELL, name, region, gpu, 1, whole(2, 48), 300);
        }
      }
      return new Country(
          "small world",
          regions,
          places,
          RoundTrips.DEFAULT,
          between(0, 2),
          "drawn by seed " + seed);
    }

    private void place(
        String id,
        Tier tier,
        String region,
        int number,
        String gpu,
        int replicas,
        int sequences,
        double people) {
      var position = new GeoPoint(34 + between(-0.5, 0.5), 131 + 2 * number + between(-0.5, 0.5));
      var endpoint =
          new EndpointSpec(
              Known.model(MODEL), EngineKind.EMULATED, Known.accelerator(gpu), replicas, sequences);
      var spec =
          new SiteSpec(
              id,
              id,
              tier,
              region,
              position,
              JURISDICTIONS.get(number % jurisdictions),
              "operator",
              List.of(endpoint));
      places.add(
          new Country.Place(spec, region, people * between(0.1, 3), people * between(0.1, 3)));
    }

    private Demand demand() {
      double perSecond = between(5, 16.0 * places.size());
      var services = new ArrayList<Service>();
      services.add(service("chat", "interactive", 0.5, 60_000, chance(0.5)));
      services.add(service("voice", "voice", 0.3, whole(300, 10_000), chance(0.5)));
      services.add(service("batch", "batch", 0.2, 600_000, chance(0.5)));
      return new Demand(perSecond * DAY_S, services, Commute.WORKING_DAY);
    }

    private Service service(
        String name, String latencyClass, double share, int deadlineMs, boolean resident) {
      return new Service(
          name,
          latencyClass,
          MODEL,
          share,
          PROMPTS.get(random.nextInt(PROMPTS.size())),
          ANSWERS.get(random.nextInt(ANSWERS.size())),
          BURSTINESS.get(random.nextInt(BURSTINESS.size())),
          DayShape.FLAT,
          500,
          50,
          1e12,
          deadlineMs,
          chance(0.3) ? between(0, 0.8) : 0,
          between(0, 0.5),
          chance(0.2) ? between(60, 6_000) : Double.POSITIVE_INFINITY,
          resident ? List.of(JURISDICTIONS.get(random.nextInt(jurisdictions))) : List.of());
    }

    private PlaySettings settings(RoundTrips trips) {
      int heartbeatMs = 100 * whole(1, 10);
      int leaseMs = heartbeatMs * whole(2, 6);
      var radio =
          chance(0.8)
              ? new RadioLoad.Settings(
                  between(0.02, 0.5),
                  between(0, 1),
                  between(0, 1),
                  between(1_000, 5_000),
                  between(0, 0.4),
                  DayShape.FLAT,
                  DayShape.FLAT)
              : RadioLoad.Settings.NONE;
      Policy policy =
          chance(0.8) ? Policy.OURS : Policy.values()[random.nextInt(Policy.values().length)];
      return new PlaySettings(
          policy,
          RouterSettings.DEFAULT.withRoundTrips(trips),
          trips,
          radio,
          20 * 3_600_000,
          seconds * SECOND_MS,
          0,
          10,
          heartbeatMs,
          leaseMs,
          heartbeatMs * whole(1, 3),
          heartbeatMs * 10,
          chance(0.5) ? 256 : 0,
          0);
    }

    private List<Incident> incidents() {
      var incidents = new ArrayList<Incident>();
      int count = whole(0, 6);
      for (int i = 0; i < count; i++) {
        double fromMs = between(0, 0.8 * seconds) * SECOND_MS;
        double toMs = fromMs + between(0.2, 0.6 * seconds) * SECOND_MS;
        incidents.add(incident(fromMs, toMs));
      }
      return incidents;
    }

    private Incident incident(double fromMs, double toMs) {
      return switch (random.nextInt(5)) {
        case 0, 1 -> new Incident.SitesDown(fromMs, toMs, selection(), between(0.2, 1));
        case 2 ->
            new Incident.RegionCut(
                fromMs, toMs, regions.get(random.nextInt(regions.size())).name());
        case 3 -> new Incident.SlowHeartbeats(fromMs, toMs, whole(2, 8));
        default ->
            chance(0.5)
                ? new Incident.Crowd(
                    fromMs,
                    toMs,
                    new GeoPoint(34, 131),
                    60,
                    between(10, 200),
                    chance(0.7) ? between(0, 1) : 0)
                : new Incident.Surge(
                    fromMs, toMs, List.of(), between(1, 4), chance(0.7) ? between(0, 1) : 0);
      };
    }

    private Selection selection() {
      @Nullable Tier tier =
          switch (random.nextInt(4)) {
            case 0 -> Tier.HUB;
            case 1 -> Tier.REGIONAL;
            case 2 -> Tier.CELL;
            default -> null;
          };
      return new Selection(tier, null, null, null, 0);
    }
  }
}
