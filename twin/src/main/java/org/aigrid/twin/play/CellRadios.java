package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.Governor;
import org.aigrid.core.node.Step;
import org.aigrid.core.reclaim.AiBudget;
import org.aigrid.core.reclaim.RevocationRate;
import org.aigrid.core.view.Roster;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.radio.RadioLoad;
import org.jspecify.annotations.Nullable;

/// The radios of a shard's base stations, and core's governor beside each: what the radio takes,
/// what AI may have, who has to leave. One thread.
///
/// A radio's load changes once a radio step, so that a claim comes in one jump. What is revoked for
/// it leaves at the end of the pass under way, and the time to there is the reclaim's; nothing
/// comes out of the engine meanwhile, so the play takes it out at once.
final class CellRadios {
  /// Beside a radio an engine takes prompts in pieces, so that its passes keep the promise to it.
  static final double PASS_MS_MAX = Governor.Settings.DEFAULT.stepMsMax();

  /// What a governor says when it says nothing.
  private static final double NOTHING = 0;

  private final Layout layout;
  private final Roster roster;
  private final int[] endpoints;
  private final PlaySettings settings;
  private final Governor.Settings promise;
  private final RadioLoad radio;
  private final Tally tally;
  private final List<Incident> incidents = new ArrayList<>();
  private final List<boolean[]> incidentCells = new ArrayList<>();

  // By endpoint of the shard.
  private final @Nullable Governor[] governors; // where a radio shares the GPU
  private final @Nullable RevocationRate[] rates;
  private final float[] leastShare; // that AI can use within the promise
  private final float[] share;
  private final float[] aiShare;
  private final float[] business;
  private final float[] passMs; // of the claim that is open
  private final int[] revoked; // since the last turn

  private double withinMs;
  private double gpuMs;

  CellRadios(
      Layout layout,
      int[] endpoints,
      PlaySettings settings,
      RadioLoad radio,
      List<Incident> all,
      Tally tally) {
    this.layout = layout;
    this.endpoints = endpoints;
    this.settings = settings;
    this.radio = radio;
    this.tally = tally;
    roster = layout.roster;
    promise = Governor.Settings.DEFAULT.withSignalMsMax(3 * settings.radioStepMs());
    int count = endpoints.length;
    governors = new @Nullable Governor[count];
    rates = new @Nullable RevocationRate[count];
    leastShare = new float[count];
    share = new float[count];
    aiShare = new float[count];
    business = new float[count];
    passMs = new float[count];
    revoked = new int[count];
    all.forEach(this::add);
    for (int p = 0; p < count; p++) {
      Country.Place place = place(p);
      double people = place.residents() + place.workers();
      business[p] = people == 0 ? 0 : (float) (place.workers() / people);
      share[p] = (float) wanted(p, 0);
      aiShare[p] = 1;
      if (shared(p)) {
        begin(p);
      }
    }
  }

  private Country.Place place(int p) {
    return layout.country.places().get(roster.siteOf(endpoints[p]));
  }

  private void add(Incident incident) {
    boolean[] cells = new boolean[endpoints.length];
    boolean any = false;
    for (int p = 0; p < endpoints.length; p++) {
      Country.Place place = place(p);
      cells[p] =
          isCell(p)
              && switch (incident) {
                case Incident.Crowd crowd ->
                    crowd.radioShare() > 0 && Arrivals.within(crowd, place);
                case Incident.Surge surge ->
                    surge.radioShare() > 0
                        && (surge.regions().isEmpty()
                            || surge.regions().contains(place.spec().region()));
                case Incident.SitesDown _, Incident.RegionCut _, Incident.SlowHeartbeats _ -> false;
              };
      any |= cells[p];
    }
    if (any) {
      incidents.add(incident);
      incidentCells.add(cells);
    }
  }

  private boolean isCell(int p) {
    return roster.tierOfEndpoint(endpoints[p]) == Tier.CELL;
  }

  private boolean shared(int p) {
    return isCell(p)
        && (settings.radio().meanShare() > 0 || incidentCells.stream().anyMatch(cells -> cells[p]));
  }

  /// A governor that has known its radio for a while.
  private void begin(int p) {
    rates[p] = RevocationRate.UNKNOWN;
    leastShare[p] = (float) AiBudget.leastShare(roster.profile(endpoints[p]), PASS_MS_MAX);
    aiShare[p] = 0;
    int beforeMs = 2 * promise.raiseAfterMs();
    var heard = new Governor.Event.Heard(demand(p), 0);
    Governor governor = Governor.begin(-4L * beforeMs);
    for (int i = -3; i <= 0; i++) {
      Step<Governor, Governor.Effect> step = governor.on(heard, 0, promise, (long) i * beforeMs);
      take(p, step);
      governor = step.state();
    }
  }

  private double demand(int p) {
    return AiBudget.wholeDemand(share[p], leastShare[p]);
  }

  /// Whether a radio shares the endpoint's GPU.
  boolean governed(int p) {
    return governors[p] != null;
  }

  /// What the radio takes.
  double share(int p) {
    return share[p];
  }

  /// What AI may be admitted to.
  double aiShare(int p) {
    return aiShare[p];
  }

  double reclaimsPerHour(int p) {
    RevocationRate rate = rates[p];
    return rate == null ? 0 : rate.perHour();
  }

  /// GPU time of all radios so far, milliseconds.
  double gpuMs() {
    return gpuMs;
  }

  /// Whether one more of that class may begin where so many are.
  boolean admits(int p, ServiceTier tier, int inside) {
    return governors[p] == null || AiBudget.admits(aiShare[p], sequencesMax(p), tier, inside);
  }

  private int sequencesMax(int p) {
    return roster.profile(endpoints[p]).sequencesMax() * roster.replicas(endpoints[p]);
  }

  private double inUse(int p, int inside) {
    return Math.min(1, inside / (double) sequencesMax(p));
  }

  /// Share of the GPU that a request holds.
  double shareOfOne(int p) {
    return 1.0 / sequencesMax(p);
  }

  private double wanted(int p, double atMs) {
    if (!isCell(p)) {
      return 0;
    }
    double added = 0;
    for (int i = 0; i < incidents.size(); i++) {
      if (incidentCells.get(i)[p]) {
        Incident incident = incidents.get(i);
        double more =
            switch (incident) {
              case Incident.Crowd crowd -> crowd.radioShare();
              case Incident.Surge surge -> surge.radioShare();
              case Incident.SitesDown _, Incident.RegionCut _, Incident.SlowHeartbeats _ -> 0;
            };
        added += more * incident.strength(atMs);
      }
    }
    int site = roster.siteOf(endpoints[p]);
    return radio.share(site, business[p], settings.beginMs() + atMs, added);
  }

  /// Lets the cell's radio have its next load. Whether it changed.
  boolean turn(int p, double nowMs) {
    if (!isCell(p)) {
      return false;
    }
    gpuMs += share[p] * roster.replicas(endpoints[p]) * settings.radioStepMs();
    float next = (float) wanted(p, nowMs);
    boolean changed = next != share[p];
    share[p] = next;
    return changed;
  }

  /// The governor hears its radio.
  ///
  /// @param inside requests at the endpoint
  /// @return the share of the GPU that has to be revoked; `withinMs` says until when
  double hear(int p, int inside, long nowMs) {
    Governor governor = governors[p];
    RevocationRate rate = rates[p];
    if (governor == null || rate == null) {
      return NOTHING;
    }
    rates[p] = rate.with(revoked[p], inside, settings.radioStepMs());
    revoked[p] = 0;
    var heard = new Governor.Event.Heard(demand(p), nowMs);
    return take(p, governor.on(heard, inUse(p, inside), promise, nowMs));
  }

  /// Time has passed, or somebody has left, while a claim is open.
  double tick(int p, int inside, long nowMs) {
    Governor governor = governors[p];
    return governor == null
        ? NOTHING
        : take(p, governor.on(new Governor.Event.Tick(), inUse(p, inside), promise, nowMs));
  }

  /// What is left of the promise, for what `hear` or `tick` wants revoked.
  double withinMs() {
    return withinMs;
  }

  /// So many have been revoked, and are off the device at the end of the pass.
  ///
  /// @param inside requests that are left
  void revoked(int p, int count, int inside, double pass, long nowMs) {
    Governor governor = governors[p];
    if (governor == null || count == 0) {
      return;
    }
    passMs[p] = (float) Math.max(passMs[p], pass);
    revoked[p] += count;
    tally.revoked += count;
    double worth = count * shareOfOne(p);
    Governor owing =
        governor
            .on(new Governor.Event.Revoked(worth), inUse(p, inside + count), promise, nowMs)
            .state();
    take(p, owing.on(new Governor.Event.Left(worth), inUse(p, inside), promise, nowMs));
  }

  /// Whether the radio still lacks something that AI holds.
  boolean claimOpen(int p) {
    Governor governor = governors[p];
    return governor != null && governor.claimed();
  }

  private double take(int p, Step<Governor, Governor.Effect> step) {
    governors[p] = step.state();
    double revoke = NOTHING;
    for (Governor.Effect effect : step.effects()) {
      switch (effect) {
        case Governor.Effect.Admit(double most) -> aiShare[p] = (float) most;
        case Governor.Effect.Revoke(double share, double within) -> {
          revoke = share;
          withinMs = within;
        }
        case Governor.Effect.Reclaimed(_, long afterMs) -> {
          double ms = Math.max(afterMs, passMs[p]);
          passMs[p] = 0;
          tally.reclaimed(ms, ms > promise.reclaimMsMax());
        }
      }
    }
    return revoke;
  }
}
