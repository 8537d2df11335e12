package org.aigrid.live.site;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.node.Governor;
import org.aigrid.core.node.Step;
import org.aigrid.core.reclaim.AiBudget;
import org.aigrid.core.reclaim.RevocationRate;
import org.aigrid.core.reclaim.Victims;
import org.aigrid.live.radio.CalibratedRadio;
import org.aigrid.live.radio.GpuSplit;
import org.aigrid.live.radio.ReclaimRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Carries out at one site what core's `Governor` decides: listens to the radio every `PERIOD_MS`,
/// sets what AI is admitted to, moves those who have to go, and keeps a record of each reclaim.
/// Needs no answer from anybody.
///
/// A request holds its share of the site's sequences from the moment it is admitted until it is
/// over; one that is moved, until its engine says that it has left the device. One whose client
/// goes away counts as over at once, some milliseconds before its last pass is. All governors of a
/// process share one thread; a turn costs some microseconds. Safe for many threads.
final class SiteGovernor implements AutoCloseable {
  /// Between two looks at the radio: half of what the promise to close the budget allows.
  static final int PERIOD_MS = 5;

  private static final Logger log = LoggerFactory.getLogger(SiteGovernor.class);
  private static final int RECORDS_MAX = 1_000;
  private static final int SEQUENCES_LEAST = 2;
  private static final long RATE_EVERY_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final ScheduledExecutorService CLOCK =
      Executors.newSingleThreadScheduledExecutor(
          task ->
              Thread.ofPlatform()
                  .name("radio-governors")
                  .priority(Thread.MAX_PRIORITY)
                  .daemon()
                  .unstarted(task));

  private final String siteId;
  private final CalibratedRadio radio;
  private final GpuSplit split;
  private final Governor.Settings settings;
  private final Set<RunningCall> running;
  private final Runnable changed;
  private final int sequencesMax;
  private final double longestStepMs;
  private final double prefillTokensPerSecond;
  private final ConcurrentLinkedQueue<Long> left = new ConcurrentLinkedQueue<>(); // when, nanos
  private final ArrayDeque<ReclaimRecord> records = new ArrayDeque<>(); // guarded by itself
  private final ScheduledFuture<?> ticking;

  // Of the clock's thread.
  private Governor governor;
  private int leaving;
  private double lastDemand = Double.NaN;
  private long lastWordNanos = Long.MIN_VALUE;
  private long lookedNanos = System.nanoTime();
  private @Nullable Claim claim;
  private RevocationRate rate = RevocationRate.UNKNOWN;
  private int revokedSince;
  private double runningSum;
  private int turns;
  private long ratedNanos = System.nanoTime();
  private double toldShare = -1;
  private long budgetFellNanos = System.nanoTime();

  private volatile double aiShare;
  private volatile double demand = 1;
  private volatile double reclaimsPerHour = rate.perHour();
  private volatile long reclaims;

  /// A claim of the radio that has taken running work away and is not satisfied yet.
  private static final class Claim {
    final long roseNanos;
    final double demand;
    final long closedNanos;
    int revoked;
    long lostTokens;
    long lastGoneNanos;

    /// @param budgetFellNanos the budget may have been closed before the demand rose
    Claim(long roseNanos, double demand, long budgetFellNanos) {
      this.roseNanos = roseNanos;
      this.demand = demand;
      closedNanos = Math.max(roseNanos, budgetFellNanos);
    }
  }

  /// @param running who is at work at the site
  /// @param changed what to do when the share of AI changes
  SiteGovernor(
      SiteSpec site,
      CalibratedRadio radio,
      GpuSplit split,
      Governor.Settings settings,
      Set<RunningCall> running,
      Runnable changed) {
    siteId = site.id();
    this.radio = radio;
    this.split = split;
    this.settings = settings;
    this.running = running;
    this.changed = changed;
    int sequences = 0;
    double stepMs = 0;
    double prefill = Double.MAX_VALUE;
    for (EndpointSpec endpoint : site.endpoints()) {
      EngineProfile profile = EngineProfiles.of(endpoint);
      sequences += endpoint.sequencesMax() * endpoint.replicas();
      EngineProfile shared = AiBudget.inPieces(profile, settings.stepMsMax());
      stepMs = Math.max(stepMs, shared.longestStepMs());
      prefill = Math.min(prefill, profile.prefillTokensPerSecond());
    }
    if (sequences < SEQUENCES_LEAST) {
      throw new IllegalArgumentException(
          "site "
              + siteId
              + ": its engines take "
              + sequences
              + " request at a time and its GPU is shared with a radio (expected: sequences = "
              + SEQUENCES_LEAST
              + " or more; a share of one request is none, so AI would never run there)");
    }
    sequencesMax = sequences;
    longestStepMs = stepMs;
    prefillTokensPerSecond = prefill;
    governor = Governor.begin(nowMs());
    ticking = CLOCK.scheduleAtFixedRate(this::turnSafely, 0, PERIOD_MS, TimeUnit.MILLISECONDS);
  }

  private static long nowMs() {
    return System.nanoTime() / 1_000_000;
  }

  /// Share of the GPU up to which AI is admitted.
  double aiShare() {
    return aiShare;
  }

  /// What the radio wants, as last heard; 1 when it was not heard of.
  double demand() {
    return demand;
  }

  double reclaimsPerHour() {
    return reclaimsPerHour;
  }

  /// How many claims have taken running work away.
  long reclaims() {
    return reclaims;
  }

  /// The last reclaims, the oldest first.
  List<ReclaimRecord> records() {
    synchronized (records) {
      return List.copyOf(records);
    }
  }

  CalibratedRadio radio() {
    return radio;
  }

  /// Whether one more request of that class may begin.
  boolean admits(ServiceTier tier) {
    return AiBudget.admits(aiShare, sequencesMax, tier, running.size());
  }

  private void turnSafely() {
    try {
      turn();
    } catch (RuntimeException e) {
      log.error("the governor of {} failed", siteId, e);
    }
  }

  private void turn() {
    long now = System.nanoTime();
    long nowMs = now / 1_000_000;
    for (Long at = left.poll(); at != null; at = left.poll()) {
      leaving--;
      if (claim != null) {
        claim.lastGoneNanos = Math.max(claim.lastGoneNanos, at);
      }
      step(new Governor.Event.Left(1.0 / sequencesMax), now, nowMs);
    }
    long wordNanos = radio.heardNanos(); // before the word itself: a later one is told again
    double heard = radio.demand(nowMs);
    if (Double.isNaN(heard) || wordNanos == lastWordNanos) {
      step(new Governor.Event.Tick(), now, nowMs);
    } else {
      // It may have risen right after the last look.
      long sinceMs = heard <= lastDemand ? nowMs : lookedNanos / 1_000_000;
      step(new Governor.Event.Heard(heard, wordNanos / 1_000_000, sinceMs), now, nowMs);
      lastWordNanos = wordNanos;
    }
    demand = wanted(nowMs);
    lastDemand = heard;
    lookedNanos = now;
    rate(now);
  }

  /// What the radio wants of the GPU: all of it when it is not heard of.
  private double wanted(long nowMs) {
    return governor.silent(settings, nowMs) ? 1 : governor.demand();
  }

  private double inUse() {
    return Math.min(1, (running.size() + leaving) / (double) sequencesMax);
  }

  private void step(Governor.Event event, long now, long nowMs) {
    Step<Governor, Governor.Effect> step = governor.on(event, inUse(), settings, nowMs);
    governor = step.state();
    for (Governor.Effect effect : step.effects()) {
      switch (effect) {
        case Governor.Effect.Admit(double share) -> admit(share);
        case Governor.Effect.Revoke(double share, double withinMs) ->
            revoke(share, withinMs, now, nowMs);
        case Governor.Effect.Reclaimed _ -> reclaimed();
      }
    }
  }

  private void admit(double share) {
    if (share < aiShare) {
      budgetFellNanos = System.nanoTime();
    }
    aiShare = share;
    split.give(share);
    boolean none = share == 0 != (toldShare == 0);
    if (none || Math.abs(share - toldShare) > 0.1) {
      toldShare = share;
      changed.run();
    }
  }

  private void revoke(double share, double withinMs, long now, long nowMs) {
    List<RunningCall> calls = new ArrayList<>(running);
    var list = new ArrayList<Victims.Running>(calls.size());
    for (int i = 0; i < calls.size(); i++) {
      RunningCall call = calls.get(i);
      list.add(
          new Victims.Running(
              i,
              call.tier(),
              1.0 / sequencesMax,
              call.promptTokens(),
              call.tokens(),
              call.tokensMax(),
              (now - call.sinceNanos()) / 1e6));
    }
    Claim open = claim;
    if (open == null) {
      open = new Claim(governor.claimedAtMs() * 1_000_000, wanted(nowMs), budgetFellNanos);
      claim = open;
    }
    int gone = 0;
    for (Victims.Running victim :
        Victims.choose(list, share, longestStepMs, prefillTokensPerSecond, withinMs)) {
      RunningCall call = calls.get(victim.number());
      if (call.move("radio", () -> left.add(System.nanoTime()))) {
        gone++;
        leaving++;
        open.revoked++;
        open.lostTokens += victim.replayTokens();
      }
    }
    revokedSince += gone;
    governor =
        governor
            .on(new Governor.Event.Revoked(gone / (double) sequencesMax), inUse(), settings, nowMs)
            .state();
  }

  private void reclaimed() {
    Claim done = claim;
    claim = null;
    if (done == null || done.revoked == 0) {
      return;
    }
    double goneMs = (Math.max(done.lastGoneNanos, done.closedNanos) - done.roseNanos) / 1e6;
    var entry =
        new ReclaimRecord(
            System.currentTimeMillis() - (long) ((System.nanoTime() - done.roseNanos) / 1e6),
            done.demand,
            (done.closedNanos - done.roseNanos) / 1e6,
            goneMs,
            done.revoked,
            done.lostTokens,
            Math.max(0, goneMs - settings.reclaimMsMax()));
    reclaims++;
    synchronized (records) {
      if (records.size() == RECORDS_MAX) {
        records.removeFirst();
      }
      records.addLast(entry);
    }
    log.info(
        "{}: the radio wanted {} %, {} requests had left after {} ms",
        siteId, Math.round(100 * done.demand), done.revoked, Math.round(goneMs));
  }

  private void rate(long now) {
    turns++;
    runningSum += running.size();
    if (now - ratedNanos >= RATE_EVERY_NANOS) {
      rate = rate.with(revokedSince, runningSum / turns, (now - ratedNanos) / 1e6);
      reclaimsPerHour = rate.perHour();
      revokedSince = 0;
      runningSum = 0;
      turns = 0;
      ratedNanos = now;
    }
  }

  @Override
  public void close() {
    ticking.cancel(false);
    radio.close();
    split.close();
  }
}
