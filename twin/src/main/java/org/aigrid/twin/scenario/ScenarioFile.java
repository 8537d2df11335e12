package org.aigrid.twin.scenario;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.aigrid.config.Overrides;
import org.aigrid.config.Problem;
import org.aigrid.config.Section;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.country.CountryFolder;
import org.aigrid.twin.country.Japan;
import org.aigrid.twin.country.MadeUpCountry;
import org.aigrid.twin.demand.Commute;
import org.aigrid.twin.demand.DayShape;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Lengths;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Incident;
import org.aigrid.twin.play.PlaySettings;
import org.aigrid.twin.play.Policy;
import org.aigrid.twin.radio.RadioLoad;
import org.aigrid.twin.scenario.Scenario.Cost;
import org.aigrid.twin.scenario.Scenario.WhatIf;
import org.jspecify.annotations.Nullable;

/// Reads a scenario from TOML. Finds everything that is wrong with the file in one pass, each with
/// line, column, key and what was expected; an unknown key is wrong, too. Files it names are
/// relative to its folder.
public final class ScenarioFile {
  private static final double HOUR_MS = 3_600_000;
  private static final double MINUTE_MS = 60_000;
  private static final double DAY_MS = 24 * HOUR_MS;
  private static final int PROMPT_TOKENS_MAX = 32_000;
  private static final int OUTPUT_TOKENS_MAX = 8_000;

  private final String file;
  private final Path folder;
  private final List<Problem> problems = new ArrayList<>();
  private final Overrides overrides;

  private ScenarioFile(String file, Path folder, Overrides overrides) {
    this.file = file;
    this.folder = folder;
    this.overrides = overrides;
  }

  /// Reads a scenario and its country.
  ///
  /// @param changes values that take the place of the file's, by full key
  public static Scenario read(Path path, Map<String, String> changes)
      throws IOException, ScenarioException {
    if (!Files.isRegularFile(path)) {
      throw new IllegalArgumentException(
          path + " is missing (expected: a scenario file; those of the project lie in scenarios/)");
    }
    Path folder = path.toAbsolutePath().getParent();
    return new ScenarioFile(
            path.toString(), folder == null ? Path.of(".") : folder, new Overrides(changes))
        .parse(Files.readString(path));
  }

  private Scenario parse(String text) throws IOException, ScenarioException {
    Section root = Section.parse(file, text, problems, overrides);
    throwIfAny();
    if (root == null) {
      throw new IllegalStateException("a text without problems was not read");
    }
    String name = root.text("name");
    String description = root.textOr("description", "");
    Path data = folder.resolve(either(root.optionalText("data"), "."));
    Country country = country(root.optionalSection("country"), data, root);
    Demand demand = demand(root, data);
    RadioLoad.Settings radio = radio(root.optionalSection("radio"));
    Section time = root.optionalSection("time");
    double beginMs = time == null ? 0 : clock(time, "begin", 0);
    double hours = time == null ? 24 : time.numberOr("hours", 0.001, 240, 24);
    double warmUpMinutes = time == null ? 0 : time.numberOr("warm-up-minutes", 0, 1_440, 0);
    if (time != null) {
      time.reportUnknownKeys();
    }
    RoundTrips trips =
        network(
            root.optionalSection("network"),
            country == null ? RoundTrips.DEFAULT : country.roundTrips());
    RouterSettings router = router(root.optionalSection("router"), trips);
    Section play = root.optionalSection("play");
    PlaySettings settings =
        play(play, router, radio, beginMs, hours * HOUR_MS, warmUpMinutes * MINUTE_MS);
    long seed = seed(play);
    List<Incident> incidents = incidents(root, beginMs, hours * HOUR_MS, country);
    Cost cost = cost(root.optionalSection("cost"));
    List<WhatIf> whatIfs = whatIfs(root, beginMs);
    root.reportUnknownKeys();
    for (String key : overrides.unknown()) {
      problems.add(
          new Problem(
              "--set " + key, 0, 0, "no such key (expected: a key that a scenario can have)"));
    }
    throwIfAny();
    if (name == null || country == null || demand == null || settings == null) {
      throw new IllegalStateException("a scenario with parts missing passed its checks");
    }
    return new Scenario(
        name,
        description == null ? "" : description,
        country,
        demand,
        incidents,
        settings,
        seed,
        cost,
        whatIfs);
  }

  private static String either(@Nullable String text, String otherwise) {
    return text == null ? otherwise : text;
  }

  private void throwIfAny() throws ScenarioException {
    if (!problems.isEmpty()) {
      problems.sort(Comparator.comparingInt(Problem::line).thenComparingInt(Problem::column));
      throw new ScenarioException(problems);
    }
  }

  private @Nullable Country country(@Nullable Section section, Path data, Section root)
      throws IOException {
    if (section == null) {
      root.problem("country is missing (expected: [country] with folder or synthesise)");
      return null;
    }
    String from = section.optionalText("folder");
    String recipe = section.optionalText("synthesise");
    int more = (int) section.numberOr("more-regional-centres", -1_000, 1_000, 0);
    long seed = (long) section.numberOr("seed", 0, 1e15, 1);
    int cells = (int) section.numberOr("cells", 1, 2_000_000, 120);
    Country country = null;
    try {
      if (from != null && recipe == null) {
        country = CountryFolder.read(folder.resolve(from));
      } else if ("japan".equals(recipe) && from == null) {
        var size =
            new Japan.Size(
                cells,
                section.numberOr("users", 1, 1e10, 55e6),
                either(section.optionalText("cell-accelerator"), "RTX PRO 6000"),
                (int) section.numberOr("regional-replicas", 47, 1e6, 2_000),
                (int) section.numberOr("hub-replicas", 4, 1e6, 4_000));
        country = Japan.of(data.resolve("japan"), size, seed);
      } else if ("island".equals(recipe) && from == null) {
        country = MadeUpCountry.of(cells, seed);
      } else {
        section.problem("expected: either folder, or synthesise with \"japan\" or \"island\"");
      }
      country = country == null ? null : country.withRegionalCentres(more);
    } catch (IllegalArgumentException wrong) {
      section.problem(from != null ? "folder" : "synthesise", String.valueOf(wrong.getMessage()));
      country = null;
    }
    section.reportUnknownKeys();
    return country;
  }

  private @Nullable Demand demand(Section root, Path data) throws IOException {
    Section section = root.optionalSection("demand");
    Double perDay = null;
    Commute commute = Commute.WORKING_DAY;
    if (section == null) {
      root.problem("demand is missing (expected: [demand] with requests-per-day)");
    } else {
      perDay = section.number("requests-per-day", 1, 1e11);
      List<Double> atWork = section.optionalNumbers("at-work", 24, 0, 1);
      commute = atWork == null ? commute : new Commute(atWork);
      section.reportUnknownKeys();
    }
    var services = new ArrayList<Service>();
    double shares = 0;
    int wrongServices = problems.size();
    for (Section one : root.sections("service", "one [[service]] or more")) {
      Service service = service(one, data);
      if (service != null) {
        services.add(service);
        shares += service.share();
      }
    }
    if (perDay == null || problems.size() > wrongServices) {
      return null;
    }
    var scaled = new ArrayList<Service>();
    for (Service service : services) { // shares may be given as weights
      scaled.add(service.withShare(service.share() / shares));
    }
    try {
      return new Demand(perDay, scaled, commute);
    } catch (IllegalArgumentException wrong) {
      root.problem(String.valueOf(wrong.getMessage()));
      return null;
    }
  }

  private @Nullable Service service(Section one, Path data) throws IOException {
    int before = problems.size();
    String name = one.text("name");
    String latencyClass = either(one.optionalText("class"), "interactive");
    String model = either(one.optionalText("model"), "llama-3.1-8b");
    Double share = one.number("share", 1e-9, 1e9);
    Lengths[] lengths = lengths(one, data);
    double burstiness = one.numberOr("burstiness", 0.01, 100, 1);
    DayShape day = day(one, "day");
    Double ttftMs = one.number("ttft-ms", 1, 1e9);
    Double tpotMs = one.number("tpot-ms", 0.1, 1e9);
    double latencyMs = one.numberOr("latency-ms", 1, 1e12, 1e12);
    int deadlineMs = (int) one.numberOr("deadline-ms", 1, 3.6e6, 60_000);
    double followUp = one.numberOr("follow-up-share", 0, 0.99, 0);
    double moved = one.numberOr("moved-share", 0, 1, 0);
    double limit =
        one.has("requests-per-minute-max")
            ? one.numberOr("requests-per-minute-max", 1, 1e12, 1)
            : Double.POSITIVE_INFINITY;
    List<String> jurisdictions = one.texts("jurisdictions");
    one.reportUnknownKeys();
    if (problems.size() > before
        || name == null
        || share == null
        || ttftMs == null
        || tpotMs == null
        || lengths.length < 2) {
      return null;
    }
    return new Service(
        name,
        latencyClass,
        model,
        share,
        lengths[0],
        lengths[1],
        burstiness,
        day,
        ttftMs,
        tpotMs,
        latencyMs,
        deadlineMs,
        followUp,
        moved,
        limit,
        jurisdictions);
  }

  /// Of the prompt and of the answer; empty and a problem when they are wrong.
  private Lengths[] lengths(Section one, Path data) throws IOException {
    String trace = one.optionalText("lengths-from");
    if (trace != null) {
      try {
        List<int[]> rows = TokenTrace.read(data.resolve(trace));
        return new Lengths[] {
          Lengths.ofSamples(rows.stream().mapToInt(row -> row[0]).toArray(), PROMPT_TOKENS_MAX),
          Lengths.ofSamples(rows.stream().mapToInt(row -> row[1]).toArray(), OUTPUT_TOKENS_MAX)
        };
      } catch (IllegalArgumentException wrong) {
        one.problem("lengths-from", String.valueOf(wrong.getMessage()));
        return new Lengths[0];
      }
    }
    Lengths input = percentiles(one, "input-tokens", PROMPT_TOKENS_MAX);
    Lengths output = percentiles(one, "output-tokens", OUTPUT_TOKENS_MAX);
    return input == null || output == null ? new Lengths[0] : new Lengths[] {input, output};
  }

  private @Nullable Lengths percentiles(Section one, String key, int most) {
    List<Double> three = one.optionalNumbers(key, 3, 1, most);
    if (three == null) {
      if (!one.has(key)) {
        one.problem(
            key + " is missing (expected: p50, p90 and p99 in tokens, or lengths-from a trace)");
      }
      return null;
    }
    try {
      return Lengths.ofPercentiles(three.get(0), three.get(1), three.get(2), most);
    } catch (IllegalArgumentException wrong) {
      one.problem(key, String.valueOf(wrong.getMessage()));
      return null;
    }
  }

  private static DayShape day(Section section, String key) {
    List<Double> hours = section.optionalNumbers(key, 24, 0, 1e9);
    if (hours == null) {
      return DayShape.FLAT;
    }
    if (hours.stream().allMatch(hour -> hour == 0)) {
      section.problem(key, "all 0 (expected: 24 values, one above 0)");
      return DayShape.FLAT;
    }
    return new DayShape(hours);
  }

  private static RadioLoad.Settings radio(@Nullable Section section) {
    if (section == null) {
      return RadioLoad.Settings.NONE;
    }
    DayShape day = day(section, "day");
    DayShape business = section.has("business-day") ? day(section, "business-day") : day;
    var radio =
        new RadioLoad.Settings(
            section.numberOr("mean-share", 0, 0.95, 0.15),
            section.numberOr("cell-spread", 0, 3, 0.5),
            section.numberOr("swing", 0, 3, 0.4),
            section.numberOr("correlation-s", 10, 86_400, 300) * 1_000,
            section.numberOr("excursion-share", 0, 1, 0.005),
            day,
            business);
    section.reportUnknownKeys();
    return radio;
  }

  private static RoundTrips network(@Nullable Section section, RoundTrips own) {
    if (section == null) {
      return own;
    }
    double scale = section.numberOr("scale", 0, 1_000, 1);
    var trips =
        new RoundTrips(
            section.numberOr("fibre-ms-per-km", 0, 1, own.fibreMsPerKm()) * scale,
            section.numberOr("path-factor", 0, 10, own.pathFactor()),
            section.numberOr("same-site-ms", 0, 1_000, own.sameSiteMs()),
            section.numberOr("cell-hop-ms", 0, 1_000, own.cellHopMs()),
            section.numberOr("regional-hop-ms", 0, 1_000, own.regionalHopMs()) * scale,
            section.numberOr("hub-hop-ms", 0, 1_000, own.hubHopMs()) * scale,
            own.unknownOriginMs());
    section.reportUnknownKeys();
    return trips;
  }

  private static RouterSettings router(@Nullable Section section, RoundTrips trips) {
    RouterSettings own = RouterSettings.DEFAULT;
    if (section == null) {
      return own.withRoundTrips(trips);
    }
    int waitMsMax = (int) section.numberOr("wait-ms-max", 1, 3.6e6, own.waitMsMax());
    var router =
        new RouterSettings(
            trips,
            (int) section.numberOr("neighbours", 0, 8, own.neighbours()),
            (int) section.numberOr("random-candidates", 0, 4, own.randomCandidates()),
            section.numberOr("content-ms", 0, 10_000, own.contentMs()),
            own.probesMax(),
            section.numberOr("exploration-share", 0, 1, own.explorationShare()),
            own.stickyShare(),
            own.stickyBlocks(),
            own.stickyBlocksLeast(),
            section.numberOr("sticky-penalty-ms", 0, 60_000, own.stickyPenaltyMsMax()),
            section.numberOr("decode-pace-ms", 0, 10_000, own.decodePaceMs()),
            (int) section.numberOr("mean-output-tokens", 1, 100_000, own.meanOutputTokens()),
            waitMsMax,
            waitMsMax,
            own.contextSlack());
    section.reportUnknownKeys();
    return router;
  }

  private static @Nullable PlaySettings play(
      @Nullable Section section,
      RouterSettings router,
      RadioLoad.Settings radio,
      double beginMs,
      double durationMs,
      double warmUpMs) {
    int windowMs = 10;
    int heartbeatMs = 1_000;
    int leaseMs = 5_000;
    int radioStepMs = 60_000;
    double binMinutes = Math.max(1, Math.ceil(durationMs / MINUTE_MS / 288));
    int prefixBlocks = 0;
    int stepLevelSites = 0;
    String policy = Policy.OURS.key();
    if (section != null) {
      windowMs = (int) section.numberOr("window-ms", 1, 1_000, windowMs);
      heartbeatMs = (int) section.numberOr("heartbeat-ms", 10, 600_000, heartbeatMs);
      leaseMs = (int) section.numberOr("lease-ms", 10, 3.6e6, Math.max(leaseMs, 2 * heartbeatMs));
      radioStepMs = (int) section.numberOr("radio-step-ms", 100, 3.6e6, radioStepMs);
      binMinutes = section.numberOr("bin-minutes", 0.01, 1_440, binMinutes);
      prefixBlocks = (int) section.numberOr("prefix-blocks", 0, 1e7, 0);
      stepLevelSites = (int) section.numberOr("step-level-sites", 0, 10_000, 0);
      policy = either(section.optionalText("policy"), policy);
      section.has("seed");
      section.reportUnknownKeys();
    }
    try {
      return new PlaySettings(
          Policy.ofKey(policy),
          router,
          router.roundTrips(),
          radio,
          beginMs,
          durationMs,
          warmUpMs,
          windowMs,
          heartbeatMs,
          leaseMs,
          radioStepMs,
          (int) (binMinutes * MINUTE_MS),
          prefixBlocks,
          stepLevelSites);
    } catch (IllegalArgumentException wrong) {
      if (section == null) {
        throw wrong;
      }
      section.problem(String.valueOf(wrong.getMessage()));
      return null;
    }
  }

  private static long seed(@Nullable Section play) {
    return play == null ? 1 : (long) play.numberOr("seed", 0, 1e15, 1);
  }

  private List<Incident> incidents(
      Section root, double beginMs, double durationMs, @Nullable Country country) {
    var incidents = new ArrayList<Incident>();
    for (Section one : root.optionalSections("incident", "[[incident]] tables")) {
      int before = problems.size();
      double fromMs = Math.floorMod((long) (clock(one, "from", 0) - beginMs), (long) DAY_MS);
      double toMs = Math.floorMod((long) (clock(one, "to", 0) - beginMs), (long) DAY_MS);
      if (toMs <= fromMs || fromMs >= durationMs) {
        one.problem(
            "from and to lie outside the play or in the wrong order (expected: from before to,"
                + " within the time that is played)");
      }
      String kind = one.text("kind");
      Incident incident = kind == null ? null : incident(one, kind, fromMs, toMs, country);
      if (incident != null) {
        one.reportUnknownKeys();
      }
      if (incident != null && problems.size() == before) {
        incidents.add(incident);
      }
    }
    return incidents;
  }

  private static @Nullable Incident incident(
      Section one, String kind, double fromMs, double toMs, @Nullable Country country) {
    switch (kind) {
      case "sites-down" -> {
        String tier = one.optionalText("tier");
        GeoPoint centre = centre(one);
        var selection =
            new Incident.Selection(
                tier == null ? null : tier(one, tier),
                region(one, one.optionalText("region"), country),
                site(one, one.optionalText("site"), country),
                centre,
                centre == null ? 0 : one.numberOr("radius-km", 0.01, 20_000, 10));
        return new Incident.SitesDown(fromMs, toMs, selection, one.numberOr("share", 0, 1, 1));
      }
      case "region-cut" -> {
        String region = region(one, one.text("region"), country);
        return region == null ? null : new Incident.RegionCut(fromMs, toMs, region);
      }
      case "slow-heartbeats" -> {
        return new Incident.SlowHeartbeats(
            fromMs, toMs, (int) one.numberOr("factor", 2, 1_000, 10));
      }
      case "crowd" -> {
        GeoPoint centre = centre(one);
        if (centre == null) {
          one.problem("latitude and longitude are missing (expected: where the crowd is)");
          return null;
        }
        double radiusKm = one.numberOr("radius-km", 0.01, 20_000, 2);
        if (country != null && !anyCell(country, centre, radiusKm)) {
          one.problem(
              "no base station within "
                  + radiusKm
                  + " km of "
                  + centre
                  + " (expected: a place with base stations; see endpoints.csv of the country)");
        }
        return new Incident.Crowd(
            fromMs,
            toMs,
            centre,
            radiusKm,
            one.numberOr("requests-per-second", 0, 1e9, 0),
            one.numberOr("radio-share", 0, 1, 0));
      }
      case "surge" -> {
        List<String> regions = one.texts("regions");
        regions.forEach(region -> region(one, region, country));
        return new Incident.Surge(
            fromMs,
            toMs,
            regions,
            one.numberOr("factor", 0, 1_000, 1),
            one.numberOr("radio-share", 0, 1, 0));
      }
      default -> {
        one.problem(
            "kind",
            "'" + kind + "' (expected: sites-down, region-cut, slow-heartbeats, crowd or surge)");
        return null;
      }
    }
  }

  private static boolean anyCell(Country country, GeoPoint centre, double radiusKm) {
    return country.places().stream()
        .anyMatch(
            place ->
                place.spec().tier() == Tier.CELL
                    && centre.distanceKm(place.spec().position()) <= radiusKm);
  }

  private static @Nullable GeoPoint centre(Section one) {
    if (!one.has("latitude") && !one.has("longitude")) {
      return null;
    }
    Double latitude = one.number("latitude", -90, 90);
    Double longitude = one.number("longitude", -180, 180);
    return latitude == null || longitude == null ? null : new GeoPoint(latitude, longitude);
  }

  private static @Nullable Tier tier(Section one, String tier) {
    return switch (tier) {
      case "hub" -> Tier.HUB;
      case "regional" -> Tier.REGIONAL;
      case "cell" -> Tier.CELL;
      default -> {
        one.problem("tier", "'" + tier + "' (expected: hub, regional or cell)");
        yield null;
      }
    };
  }

  private static @Nullable String region(
      Section one, @Nullable String region, @Nullable Country country) {
    if (region != null && country != null && country.indexOfRegion(region) < 0) {
      one.problem(
          "region '"
              + region
              + "' (expected: one of "
              + String.join(", ", country.regions().stream().map(Country.Region::name).toList())
              + ")");
    }
    return region;
  }

  private static @Nullable String site(
      Section one, @Nullable String id, @Nullable Country country) {
    if (id != null
        && country != null
        && country.places().stream().noneMatch(place -> place.spec().id().equals(id))) {
      one.problem("site", "'" + id + "' (expected: the id of a site of " + country.name() + ")");
    }
    return id;
  }

  private static Cost cost(@Nullable Section section) {
    if (section == null) {
      return new Cost("USD", 3, 2.5, 1);
    }
    var cost =
        new Cost(
            either(section.optionalText("currency"), "USD"),
            section.numberOr("hub-gpu-hour", 0, 1e9, 3),
            section.numberOr("regional-gpu-hour", 0, 1e9, 2.5),
            section.numberOr("cell-gpu-hour", 0, 1e9, 1));
    section.reportUnknownKeys();
    return cost;
  }

  private static List<WhatIf> whatIfs(Section root, double beginMs) {
    var list = new ArrayList<WhatIf>();
    for (Section one : root.optionalSections("what-if", "[[what-if]] tables")) {
      list.add(
          new WhatIf(
              (int) one.numberOr("more-regional-centres", -1_000, 1_000, 0),
              clock(one, "begin", beginMs),
              one.numberOr("minutes", 0.1, 1_440, 30) * MINUTE_MS));
      one.reportUnknownKeys();
    }
    return list;
  }

  /// A time of the day, `HH:MM`, as milliseconds since midnight.
  private static double clock(Section section, String key, double otherwise) {
    String text = section.optionalText(key);
    if (text == null) {
      return otherwise;
    }
    if (text.matches("([01][0-9]|2[0-3]):[0-5][0-9]")) {
      return Integer.parseInt(text.substring(0, 2)) * HOUR_MS
          + Integer.parseInt(text.substring(3)) * MINUTE_MS;
    }
    section.problem(key, "'" + text + "' (expected: a time of the day such as \"18:30\")");
    return otherwise;
  }
}
