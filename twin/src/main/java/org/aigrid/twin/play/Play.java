package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.model.Tier;
import org.aigrid.core.view.OpenGridView;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Script;
import org.aigrid.twin.radio.RadioLoad;

/// A country under virtual time. Each region is a shard with a gateway, its base stations and its
/// centres; each hub is a shard. Decisions are core's own; here are time, places, load, engines,
/// network and faults.
///
/// Time goes in windows. Within one, shards play alone, on any number of threads; between two they
/// exchange, in a fixed order, what crosses their borders. So the result does not depend on the
/// threads. What the windows cost in truth:
///
/// - a request into another region arrives at the next window at the earliest;
/// - hubs play one window behind the regions and get their requests at the exact time;
/// - a gateway hears of tokens from other shards up to two windows late.
///
/// Reports are as stale as in the live grid: a site's row changes once a heartbeat, in one of ten
/// phases, and only when something happened there since.
public final class Play {
  /// Ticks of a microsecond.
  static final long TICKS_PER_MS = 1_000;

  /// What is still inside so long after the last request counts as unfinished.
  private static final double DRAIN_MS_MAX = 7_200_000;

  /// Who wants to know how far a play is. Called from the playing thread, often; must be quick.
  public interface Progress {
    /// @param playedMs of the play's time
    /// @param arrived requests so far
    void at(double playedMs, long arrived);

    /// Nobody.
    Progress NONE = (_, _) -> {};
  }

  private final Layout layout;
  private final PlaySettings settings;
  private final List<Incident> incidents;
  private final long seed;
  private final OpenGridView openView;
  private final List<Shard> shards = new ArrayList<>();
  private final int[] order; // the largest first
  private final int bins;
  private final boolean[] begun;
  private final boolean[] over;
  private final int[] deaths; // by endpoint: incidents that hold it down
  private final boolean[] cut; // by region
  private final int[] cuts; // by region: incidents that cut it off
  private double insideSum;
  private long insideSamples;

  private Play(
      Country country,
      Demand demand,
      PlaySettings settings,
      List<Incident> incidents,
      Script script,
      long seed) {
    layout = new Layout(country, demand);
    this.settings = settings;
    this.incidents = List.copyOf(incidents);
    this.seed = seed;
    begun = new boolean[incidents.size()];
    over = new boolean[incidents.size()];
    deaths = new int[layout.roster.endpointCount()];
    cut = new boolean[layout.regions];
    cuts = new int[layout.regions];
    bins = (int) Math.ceil(settings.durationMs() / settings.binMs());
    openView = new OpenGridView(layout.roster);
    var root = new SplittableRandom(seed);
    var radio = new RadioLoad(settings.radio(), root.nextLong());
    for (int i = 0; i < layout.shards; i++) {
      var tally = new Tally(demand.services(), bins, layout.regions);
      shards.add(
          new Shard(layout, i, settings, openView, radio, this.incidents, tally, root.nextLong()));
    }
    for (int region = 0; region < layout.regions; region++) {
      shards
          .get(region)
          .open(
              new Gateway(
                  layout, region, settings, incidents, script, openView.view(), root.nextLong()));
    }
    drawSamples(root.split());
    order = largestFirst();
  }

  private void drawSamples(SplittableRandom random) {
    var cells = new ArrayList<Integer>();
    for (int e = 0; e < layout.roster.endpointCount(); e++) {
      if (layout.roster.tierOfEndpoint(e) == Tier.CELL && layout.roster.replicas(e) == 1) {
        cells.add(e);
      }
    }
    for (int i = 0; i < settings.stepLevelSites() && !cells.isEmpty(); i++) {
      int at = random.nextInt(cells.size());
      int e = cells.set(at, cells.getLast());
      cells.removeLast();
      shards.get(layout.shardOfEndpoint[e]).sample(layout.localOfEndpoint[e]);
    }
  }

  private int[] largestFirst() {
    var list = new ArrayList<Integer>();
    for (int i = 0; i < shards.size(); i++) {
      list.add(i);
    }
    list.sort(
        (a, b) ->
            a >= layout.regions != b >= layout.regions
                ? (a >= layout.regions ? -1 : 1)
                : shards.get(b).endpoints().length - shards.get(a).endpoints().length);
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  /// Plays until the last request has ended.
  ///
  /// @param threads 1 or more; the outcome is the same
  public static Outcome of(
      Country country,
      Demand demand,
      PlaySettings settings,
      List<Incident> incidents,
      long seed,
      int threads,
      Progress progress) {
    var play = new Play(country, demand, settings, incidents, Script.NONE, seed);
    try (var crew = new Crew(threads)) {
      return play.run(crew, progress);
    }
  }

  /// Plays requests that are given rather than drawn, in one thread.
  ///
  /// @param demand says which services there are; how many requests it would send does not count
  public static Outcome ofScript(
      Country country, Demand demand, PlaySettings settings, Script script, long seed) {
    var play = new Play(country, demand, settings, List.of(), script, seed);
    try (var crew = new Crew(1)) {
      return play.run(crew, Progress.NONE);
    }
  }

  private Outcome run(Crew crew, Progress progress) {
    long windowTicks = settings.windowMs() * TICKS_PER_MS;
    long phaseTicks = settings.phaseMs() * TICKS_PER_MS;
    long durationTicks = ticks(settings.durationMs());
    long binTicks = settings.binMs() * TICKS_PER_MS;
    long tick = 0;
    int bin = 0;
    int window = 0;
    while (true) {
      happen(tick);
      for (Shard shard : shards) {
        shard.exchange(shards);
      }
      for (Shard shard : shards) {
        shard.handBack(shards, tick);
      }
      if (tick % phaseTicks == 0) {
        long inside = count();
        if (tick <= durationTicks) {
          insideSum += inside;
          insideSamples++;
        }
        report(crew, tick, phaseTicks, windowTicks);
        progress.at(tick / (double) TICKS_PER_MS, arrived());
        if (bin < bins && tick >= Math.min(durationTicks, (bin + 1) * binTicks)) {
          for (Shard shard : shards) {
            shard.closeBin(bin);
          }
          bin++;
        }
        if (tick >= durationTicks
            && bin == bins
            && (inside == 0 || tick > durationTicks + ticks(DRAIN_MS_MAX))) {
          return outcome(tick, inside);
        }
      }
      long from = tick;
      int number = window++;
      crew.run(
          order.length,
          i -> {
            int shard = order[i];
            long until = shard < layout.regions ? from + windowTicks : from;
            shards.get(shard).play(until, number, shards);
          });
      tick += windowTicks;
    }
  }

  private void report(Crew crew, long tick, long phaseTicks, long windowTicks) {
    long step = tick / phaseTicks;
    boolean silent = silent(step, tick / (double) TICKS_PER_MS);
    crew.run(
        order.length,
        i -> {
          int shard = order[i];
          shards
              .get(shard)
              .report(
                  step, shard < layout.regions ? tick : Math.max(0, tick - windowTicks), silent);
        });
  }

  private boolean silent(long step, double atMs) {
    for (Incident incident : incidents) {
      if (incident instanceof Incident.SlowHeartbeats slow
          && slow.fromMs() <= atMs
          && atMs < slow.toMs()
          && step / PlaySettings.PHASES % slow.factor() != 0) {
        return true;
      }
    }
    return false;
  }

  private long arrived() {
    long arrived = 0;
    for (Shard shard : shards) {
      arrived += shard.tally.arrived;
    }
    return arrived;
  }

  /// Requests inside. Each is in one place: what was counted in and out must agree with what lies
  /// in the shards.
  private long count() {
    long inside = 0;
    long held = 0;
    for (Shard shard : shards) {
      inside += shard.tally.arrived - shard.tally.closed;
      held += shard.held();
    }
    if (inside != held) {
      throw new IllegalStateException(
          inside
              + " requests were counted in and not out, and "
              + held
              + " are there, seed "
              + seed
              + " (expected: as many; a request was lost or counted twice)");
    }
    return inside;
  }

  private void happen(long tick) {
    double nowMs = tick / (double) TICKS_PER_MS;
    for (int i = 0; i < incidents.size(); i++) {
      Incident incident = incidents.get(i);
      if (!begun[i] && incident.fromMs() <= nowMs) {
        begun[i] = true;
        change(incident, i, true, tick);
      }
      if (begun[i] && !over[i] && incident.toMs() <= nowMs) {
        over[i] = true;
        change(incident, i, false, tick);
      }
    }
  }

  private void change(Incident incident, int number, boolean begins, long tick) {
    switch (incident) {
      case Incident.SitesDown down -> changeSites(down, number, begins, tick);
      case Incident.RegionCut regionCut -> {
        int region = layout.country.indexOfRegion(regionCut.region());
        cuts[region] += begins ? 1 : -1;
        if (cut[region] != cuts[region] > 0) {
          cut[region] = begins;
          changeCuts(region, tick);
        }
      }
      case Incident.SlowHeartbeats _, Incident.Crowd _, Incident.Surge _ -> {}
    }
  }

  private void changeSites(Incident.SitesDown down, int number, boolean begins, long tick) {
    var draws = new SplittableRandom(seed * 31 + number);
    for (int site = 0; site < layout.roster.siteCount(); site++) {
      boolean drawn = draws.nextDouble() < down.share();
      if (!drawn || !down.sites().covers(layout.country.places().get(site))) {
        continue;
      }
      for (int e = layout.roster.firstEndpoint(site); e < layout.roster.endpointsEnd(site); e++) {
        deaths[e] += begins ? 1 : -1;
        Shard shard = shards.get(layout.shardOfEndpoint[e]);
        shard.setDown(e, deaths[e] > 0);
        if (deaths[e] == 1 && begins) {
          shard.letLeaseEnd(e, tick / TICKS_PER_MS + settings.leaseMs());
        }
      }
    }
  }

  /// The region's link to everybody else has changed: streams across it are lost, and each side
  /// sees the leases of the other end.
  private void changeCuts(int region, long tick) {
    Shard shard = shards.get(region);
    long endMs = tick / TICKS_PER_MS + settings.leaseMs();
    OpenGridView seen = openView;
    if (cut[region]) {
      seen = openView.copy();
      for (int e = 0; e < layout.roster.endpointCount(); e++) {
        if (deaths[e] == 0) { // else its lease ends sooner, or has ended
          (layout.shardOfEndpoint[e] == region ? openView : seen).lease(e, endMs);
        }
      }
      boolean[] within = new boolean[layout.regions];
      within[region] = true;
      boolean[] outside = new boolean[layout.regions];
      Arrays.fill(outside, true);
      outside[region] = false;
      for (Shard other : shards) {
        other.loseRequestsOf(other == shard ? outside : within);
      }
    }
    shard.reportTo(seen);
    for (int r = 0; r < layout.regions; r++) {
      boolean[] unreachable = new boolean[layout.shards];
      boolean any = false;
      for (int s = 0; s < layout.shards; s++) {
        unreachable[s] = s != r && (cut[r] || s < layout.regions && cut[s]);
        any |= unreachable[s];
      }
      Gateway gateway = shards.get(r).gateway();
      if (gateway != null) {
        gateway.connect(
            r == region ? seen.view() : gateway.view(), any ? unreachable : new boolean[0]);
      }
    }
  }

  private Outcome outcome(long tick, long inside) {
    var sum = new Tally(layout.demand.services(), bins, layout.regions);
    var uses = new ArrayList<Outcome.EndpointUse>();
    var samples = new ArrayList<Outcome.SampledCell>();
    long[] gpus = new long[Tally.TIERS];
    for (int e = 0; e < layout.roster.endpointCount(); e++) {
      Shard shard = shards.get(layout.shardOfEndpoint[e]);
      int p = layout.localOfEndpoint[e];
      int replicas = layout.roster.replicas(e);
      gpus[layout.roster.tierOfEndpoint(e).ordinal()] += replicas;
      uses.add(
          new Outcome.EndpointUse(
              layout.roster.siteOf(e),
              shard.answered()[p],
              shard.usedGpuMs(p) / (replicas * (tick / (double) TICKS_PER_MS)),
              shard.radioShare(p)));
    }
    for (Shard shard : shards) {
      shard.tellAll(shards);
    }
    for (int region = 0; region < layout.regions && inside == 0; region++) {
      Gateway gateway = shards.get(region).gateway();
      for (int i = 0; gateway != null && i < gateway.inFlight().leases(); i++) {
        sum.violated(Violation.CHARGE_LEFT);
      }
    }
    for (Shard shard : shards) {
      sum.add(shard.tally);
      for (Shard.Sample sample : shard.samples()) {
        int site = layout.roster.siteOf(sample.endpoint);
        samples.add(
            new Outcome.SampledCell(
                layout.country.places().get(site).spec().id(),
                sample.hardware,
                sample.arrivals,
                sample.timings,
                sample.shares));
      }
    }
    return new Outcome(
        layout.country,
        layout.demand,
        settings,
        seed,
        sum,
        insideSum / Math.max(1, insideSamples),
        settings.durationMs(),
        inside,
        uses,
        samples,
        gpus);
  }

  static long ticks(double ms) {
    return (long) Math.ceil(ms * TICKS_PER_MS);
  }
}
