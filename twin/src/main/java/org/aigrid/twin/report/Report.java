package org.aigrid.twin.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Histogram;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Outcome.Ends;
import org.aigrid.twin.scenario.Scenario;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The numbers of a play as JSON, the source of the page and of the terminal's summary. The same
/// scenario and seed give the same bytes: nothing in it depends on the clock, the machine or the
/// number of threads.
public final class Report {
  static final JsonMapper JSON = JsonMapper.shared();
  private static final double HOUR_MS = 3_600_000;
  private static final int SITES_ON_MAP_MAX = 3_000;
  private static final List<Tier> TIERS = List.of(Tier.CELL, Tier.REGIONAL, Tier.HUB);

  private final Scenario scenario;
  private final Outcome outcome;
  private final List<Service> services;

  private Report(Scenario scenario, Outcome outcome) {
    this.scenario = scenario;
    this.outcome = outcome;
    services = outcome.demand().services();
  }

  /// The report of a play.
  ///
  /// @param whatIfs rows of `WhatIfs.json`, or an empty array
  public static ObjectNode of(Scenario scenario, Outcome outcome, ArrayNode whatIfs) {
    return new Report(scenario, outcome).make(whatIfs);
  }

  private ObjectNode make(ArrayNode whatIfs) {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "aigrid-twin-report-1");
    root.set("scenario", about());
    root.set("totals", totals());
    root.set("services", services());
    root.set("classes", classes());
    root.set("tiers", tiers());
    root.set("regions", regions());
    root.set("curve", curve());
    root.set("whatIfs", whatIfs);
    root.set("stepLevel", StepLevelCheck.json(outcome));
    root.set("continuity", continuity());
    root.set("checks", checks());
    root.set("map", map());
    return root;
  }

  private ObjectNode about() {
    Country country = outcome.country();
    ObjectNode node = JSON.createObjectNode();
    node.put("name", scenario.name());
    node.put("description", scenario.description());
    node.put("country", country.name());
    node.put("source", country.source());
    node.put("policy", outcome.settings().policy().title());
    node.put("seed", outcome.seed());
    node.put("begin", clock(outcome.settings().beginMs()));
    node.put("hours", round(outcome.settings().durationMs() / HOUR_MS));
    node.put("heartbeatMs", outcome.settings().heartbeatMs());
    node.put("windowMs", outcome.settings().windowMs());
    node.put("requestsPerDay", outcome.demand().requestsPerDay());
    node.put("regions", country.regions().size());
    node.put("cells", country.count(Tier.CELL));
    node.put("regionalCentres", country.count(Tier.REGIONAL));
    node.put("hubs", country.count(Tier.HUB));
    node.put("incidents", scenario.incidents().size());
    return node;
  }

  private static String clock(double sinceMidnightMs) {
    int minutes = (int) (sinceMidnightMs / 60_000);
    return String.format(Locale.ROOT, "%02d:%02d", minutes / 60 % 24, minutes % 60);
  }

  private ObjectNode totals() {
    ObjectNode node = JSON.createObjectNode();
    Ends ends = outcome.ends();
    put(node, ends);
    node.put("sent", outcome.arrived());
    node.put("retries", outcome.retries());
    long prompt = 0;
    long cached = 0;
    long output = 0;
    double goodput = 0;
    for (int s = 0; s < services.size(); s++) {
      long own = 0;
      for (Tier tier : TIERS) {
        prompt += outcome.promptTokens(s, tier);
        own += outcome.outputTokens(s, tier);
      }
      output += own;
      cached += outcome.cachedTokens(s);
      Ends of = outcome.ends(s);
      long answered = of.met() + of.late();
      goodput += answered == 0 ? 0 : (double) own * of.met() / answered;
    }
    node.put("promptTokens", prompt);
    node.put("cachedTokens", cached);
    node.put("outputTokens", output);
    double seconds = (outcome.settings().durationMs() - outcome.settings().warmupMs()) / 1_000;
    node.put("goodputTokensPerSecond", round(goodput / seconds));
    return node;
  }

  private static void put(ObjectNode node, Ends ends) {
    node.put("requests", ends.all());
    node.put("met", ends.met());
    node.put("late", ends.late());
    node.put("refused", ends.refused());
    node.put("failed", ends.failed());
    node.put("broken", ends.broken());
    node.put("attainment", round(ends.attainment()));
  }

  private ArrayNode services() {
    ArrayNode list = JSON.createArrayNode();
    for (int s = 0; s < services.size(); s++) {
      Service service = services.get(s);
      ObjectNode node = list.addObject();
      node.put("name", service.name());
      node.put("class", service.latencyClass());
      node.put("model", service.model());
      node.put("ttftMsMax", service.ttftMsMax());
      node.put("tpotMsMax", service.tpotMsMax());
      if (service.latencyMsMax() < 1e11) {
        node.put("latencyMsMax", service.latencyMsMax());
      }
      put(node, outcome.ends(s));
      node.set("ttftMs", percentiles(outcome.ttftUs(s)));
      node.set("tpotMs", percentiles(outcome.tpotUs(s)));
      node.set("latencyMs", percentiles(outcome.latencyUs(s)));
      ObjectNode tiers = node.putObject("tiers");
      for (Tier tier : TIERS) {
        ObjectNode own = tiers.putObject(name(tier));
        own.put("answered", outcome.answered(s, tier));
        own.put("met", outcome.met(s, tier));
        own.put("promptTokens", outcome.promptTokens(s, tier));
        own.put("outputTokens", outcome.outputTokens(s, tier));
      }
      node.put("cachedTokens", outcome.cachedTokens(s));
    }
    return list;
  }

  private static ObjectNode percentiles(Histogram us) {
    ObjectNode node = JSON.createObjectNode();
    node.put("mean", round(us.mean() / 1e3));
    for (double share : new double[] {0.5, 0.9, 0.99, 0.999}) {
      String key = "p" + String.format(Locale.ROOT, "%.1f", 100 * share).replace(".0", "");
      node.put(key, round(us.quantile(share) / 1e3));
    }
    return node;
  }

  private ArrayNode classes() {
    Map<String, Ends> byClass = new LinkedHashMap<>();
    for (int s = 0; s < services.size(); s++) {
      byClass.merge(
          services.get(s).latencyClass(),
          outcome.ends(s),
          (a, b) ->
              new Ends(
                  a.met() + b.met(),
                  a.late() + b.late(),
                  a.refused() + b.refused(),
                  a.failed() + b.failed(),
                  a.broken() + b.broken()));
    }
    ArrayNode list = JSON.createArrayNode();
    byClass.forEach(
        (latencyClass, ends) -> {
          ObjectNode node = list.addObject();
          node.put("class", latencyClass);
          put(node, ends);
        });
    return list;
  }

  private ArrayNode tiers() {
    double hours = outcome.settings().durationMs() / HOUR_MS;
    ArrayNode list = JSON.createArrayNode();
    for (Tier tier : TIERS) {
      long usedMs = 0;
      long radioMs = 0;
      for (int bin = 0; bin < outcome.bins(); bin++) {
        usedMs += outcome.usedGpuMs(bin, tier);
        radioMs += tier == Tier.CELL ? outcome.radioGpuMs(bin) : 0;
      }
      long answered = 0;
      long met = 0;
      long output = 0;
      for (int s = 0; s < services.size(); s++) {
        answered += outcome.answered(s, tier);
        met += outcome.met(s, tier);
        output += outcome.outputTokens(s, tier);
      }
      double all = outcome.gpus(tier) * hours;
      double used = usedMs / HOUR_MS;
      double radio = radioMs / HOUR_MS;
      double price =
          switch (tier) {
            case HUB -> scenario.cost().hubPerGpuHour();
            case REGIONAL -> scenario.cost().regionalPerGpuHour();
            case CELL -> scenario.cost().cellPerGpuHour();
          };
      ObjectNode node = list.addObject();
      node.put("tier", name(tier));
      node.put("gpus", outcome.gpus(tier));
      node.put("gpuHours", round(all));
      node.put("radioGpuHours", round(radio));
      node.put("usedGpuHours", round(used));
      node.put("idleGpuHours", round(Math.max(0, all - radio - used)));
      node.put("soldShareOfIdle", round(all - radio <= 0 ? 0 : used / (all - radio)));
      node.put("answered", answered);
      node.put("met", met);
      node.put("outputTokens", output);
      node.put("pricePerGpuHour", price);
      node.put("costPerMillionTokens", round(output == 0 ? 0 : used * price / output * 1e6));
      node.put(
          "costPerMillionTokensWithIdle",
          round(output == 0 ? 0 : (all - radio) * price / output * 1e6));
    }
    return list;
  }

  private ArrayNode regions() {
    ArrayNode list = JSON.createArrayNode();
    for (int r = 0; r < outcome.country().regions().size(); r++) {
      Country.Region region = outcome.country().regions().get(r);
      ObjectNode node = list.addObject();
      node.put("name", region.name());
      Ends sum = new Ends(0, 0, 0, 0, 0);
      ArrayNode attainment = JSON.createArrayNode();
      for (int s = 0; s < services.size(); s++) {
        Ends ends = outcome.endsOfRegion(r, s);
        attainment.add(round(ends.attainment()));
        sum =
            new Ends(
                sum.met() + ends.met(),
                sum.late() + ends.late(),
                sum.refused() + ends.refused(),
                sum.failed() + ends.failed(),
                sum.broken() + ends.broken());
      }
      node.put("requests", sum.all());
      node.put("attainment", round(sum.attainment()));
      node.set("attainmentByService", attainment);
    }
    return list;
  }

  private ArrayNode curve() {
    ArrayNode list = JSON.createArrayNode();
    for (int bin = 0; bin < outcome.bins(); bin++) {
      double atMs = outcome.settings().beginMs() + (double) bin * outcome.settings().binMs();
      double hours = outcome.binMs(bin) / HOUR_MS;
      ObjectNode node = list.addObject();
      node.put("at", clock(atMs));
      node.put("minutes", round(hours * 60));
      long requests = 0;
      ArrayNode attainment = JSON.createArrayNode();
      for (int s = 0; s < services.size(); s++) {
        Ends ends = outcome.ends(bin, s);
        requests += ends.all();
        attainment.add(round(ends.attainment()));
      }
      node.put("requestsPerSecond", round(requests / (hours * 3_600)));
      node.set("attainment", attainment);
      for (Tier tier : TIERS) {
        node.put(name(tier) + "GpusUsed", round(outcome.usedGpuMs(bin, tier) / HOUR_MS / hours));
      }
      node.put("radioGpus", round(outcome.radioGpuMs(bin) / HOUR_MS / hours));
    }
    return list;
  }

  /// What became of streams that lost their sites, and of radios that wanted their GPUs.
  private ObjectNode continuity() {
    ObjectNode node = JSON.createObjectNode();
    node.put("moves", outcome.moves());
    node.put("movesForRadio", outcome.movesForRadio());
    node.put("movedStreams", outcome.movedStreams());
    node.put("replayedTokens", outcome.replayedTokens());
    node.put("gapMsP50", round(outcome.gapUs().quantile(0.5) / 1e3));
    node.put("gapMsP99", round(outcome.gapUs().quantile(0.99) / 1e3));
    node.put("turnedAway", outcome.turnedAway());
    node.put("reclaims", outcome.reclaims());
    node.put("revoked", outcome.revoked());
    node.put("reclaimMsP50", round(outcome.reclaimUs().quantile(0.5) / 1e3));
    node.put("reclaimMsP99", round(outcome.reclaimUs().quantile(0.99) / 1e3));
    node.put("reclaimMsMost", round(outcome.reclaimUs().quantile(1) / 1e3));
    node.put("violations", outcome.violations());
    return node;
  }

  private ObjectNode checks() {
    ObjectNode node = JSON.createObjectNode();
    node.put("meanInside", round(outcome.meanInside()));
    node.put("rateTimesTime", round(outcome.rateTimesTime()));
    node.put("unfinished", outcome.inside());
    node.put("outputTokensOpen", outcome.outputTokensOpen());
    node.put("events", outcome.events());
    return node;
  }

  /// Sites one by one where they are few, else by municipality.
  private ArrayNode map() {
    List<Outcome.EndpointUse> uses = outcome.uses();
    boolean each = uses.size() <= SITES_ON_MAP_MAX;
    Map<String, double[]> spots = new LinkedHashMap<>();
    List<Country.Place> places = outcome.country().places();
    for (Outcome.EndpointUse use : uses) {
      Country.Place place = places.get(use.site());
      boolean cell = place.spec().tier() == Tier.CELL;
      String key =
          each || !cell ? place.spec().id() : place.spec().region() + ", " + place.municipality();
      double[] sum = spots.computeIfAbsent(key, _ -> new double[7]);
      sum[0]++;
      sum[1] += place.spec().position().latitudeDegrees();
      sum[2] += place.spec().position().longitudeDegrees();
      sum[3] = place.spec().tier().ordinal();
      sum[4] += use.requests();
      sum[5] += use.usedShare();
      sum[6] += use.radioShare();
    }
    ArrayNode list = JSON.createArrayNode();
    spots.forEach(
        (key, sum) -> {
          ObjectNode node = list.addObject();
          node.put("name", key);
          node.put("tier", name(Tier.values()[(int) sum[3]]));
          node.put("latitude", round(sum[1] / sum[0]));
          node.put("longitude", round(sum[2] / sum[0]));
          node.put("sites", (long) sum[0]);
          node.put("answered", (long) sum[4]);
          node.put("usedShare", round(sum[5] / sum[0]));
          node.put("radioShare", round(sum[6] / sum[0]));
        });
    return list;
  }

  static String name(Tier tier) {
    return tier.name().toLowerCase(Locale.ROOT);
  }

  /// Six significant figures: what follows is noise, and the file is read by people, too.
  public static double round(double value) {
    if (value == 0 || Double.isNaN(value) || Double.isInfinite(value)) {
      return 0;
    }
    double scale = Math.pow(10, 6 - Math.ceil(Math.log10(Math.abs(value))));
    return scale >= 1 ? Math.round(value * scale) / scale : Math.round(value);
  }

  /// Names of the tiers, from the base station inwards.
  static List<String> tierNames() {
    var names = new ArrayList<String>();
    TIERS.forEach(tier -> names.add(name(tier)));
    return names;
  }
}
