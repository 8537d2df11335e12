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
import java.util.function.DoubleConsumer;
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
  private final DoubleConsumer leaves;
  private final Runnable changed;
  private final int sequencesMax;
  private final double longestStepMs;
  private final double leastShare; // of the GPU, with which AI could be gone in time
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
  private RevocationRate rate = RevocationRate.UNKNOWN;
  private int revokedSince;
  private double runningSum;
  private int turns;
  private long ratedNanos = System.nanoTime();
  private double toldShare = -1;
  private double toldDemand = Double.NaN;
  private long budgetFellNanos = System.nanoTime();

  private volatile @Nullable Claim claim; // written on the clock's thread
  private volatile long closedMs = Long.MAX_VALUE;
  private volatile double aiShare;
  private volatile double demand = 1;
  private volatile double reclaimsPerHour = rate.perHour();
  private volatile long reclaims;

  /// A claim of the radio that is not satisfied yet. Immutable.
  private record Claim(
      long claimedAtMs,
      double demand,
      double closedAfterMs,
      int revoked,
      int unconfirmed,
      long lostTokens) {
    Claim with(RunningCall call, int replayTokens) {
      return new Claim(
          claimedAtMs,
          demand,
          closedAfterMs,
          revoked + 1,
          unconfirmed + (call.confirms() ? 0 : 1),
          lostTokens + replayTokens);
    }

    ReclaimRecord record(long afterMs, boolean open, Governor.Settings settings) {
      return new ReclaimRecord(
          System.currentTimeMillis() - (nowMs() - claimedAtMs),
          demand,
          closedAfterMs,
          afterMs,
          revoked,
          unconfirmed,
          lostTokens,
          settings.missedMs(afterMs),
          open);
    }
  }

  /// @param running who is at work at the site
  /// @param leaves told what share of the GPU the radio leaves, when that changes
  /// @param changed what to do when the share of AI changes
  SiteGovernor(
      SiteSpec site,
      CalibratedRadio radio,
      GpuSplit split,
      Governor.Settings settings,
      Set<RunningCall> running,
      DoubleConsumer leaves,
      Runnable changed) {
    siteId = site.id();
    this.radio = radio;
    this.split = split;
    this.settings = settings;
    this.running = running;
    this.leaves = leaves;
    this.changed = changed;
    int sequences = 0;
    double stepMs = 0;
    double least = 0;
    double prefill = Double.MAX_VALUE;
    for (EndpointSpec endpoint : site.endpoints()) {
      EngineProfile profile = EngineProfiles.of(endpoint);
      sequences += endpoint.sequencesMax() * endpoint.replicas();
      EngineProfile shared = AiBudget.inPieces(profile, settings.stepMsMax());
      stepMs = Math.max(stepMs, shared.longestStepMs());
      least = Math.max(least, AiBudget.leastShare(profile, settings.stepMsMax()));
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
    leastShare = least;
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

  /// The last reclaims, the oldest first; the last one may still be under way.
  List<ReclaimRecord> records() {
    synchronized (records) {
      var all = new ArrayList<ReclaimRecord>(records);
      Claim open = claim;
      if (open != null) {
        long ageMs = Math.min(nowMs(), closedMs) - open.claimedAtMs();
        if (settings.recorded(open.revoked(), ageMs)) {
          all.add(open.record(ageMs, true, settings));
        }
      }
      return all;
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
      step(new Governor.Event.Left(1.0 / sequencesMax), at, at / 1_000_000); // when it did
    }
    long wordNanos = radio.heardNanos(); // before the word itself: a later one is told again
    double heard = AiBudget.wholeDemand(radio.demand(nowMs), leastShare);
    if (Double.isNaN(heard) || wordNanos == lastWordNanos) {
      step(new Governor.Event.Tick(), now, nowMs);
    } else {
      // It may have risen right after the last look.
      long sinceMs = heard <= lastDemand ? nowMs : lookedNanos / 1_000_000;
      step(new Governor.Event.Heard(heard, wordNanos / 1_000_000, sinceMs), now, nowMs);
      lastWordNanos = wordNanos;
    }
    double wanted = wanted(nowMs);
    if (wanted != toldDemand) {
      toldDemand = wanted;
      leaves.accept(1 - wanted);
    }
    demand = wanted;
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
        case Governor.Effect.Reclaimed(long _, long afterMs) -> reclaimed(afterMs);
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
      long claimedAtMs = governor.claimedAtMs();
      // The budget may have been closed before the demand rose.
      double closedAfterMs = Math.max(0, budgetFellNanos / 1e6 - claimedAtMs);
      open = new Claim(claimedAtMs, wanted(nowMs), closedAfterMs, 0, 0, 0);
    }
    double shareLeft = 1 - wanted(nowMs); // who stays is slower from now on
    double stepMs = shareLeft <= 0 ? Double.POSITIVE_INFINITY : longestStepMs / shareLeft;
    int gone = 0;
    for (Victims.Running victim :
        Victims.choose(list, share, stepMs, prefillTokensPerSecond, withinMs)) {
      RunningCall call = calls.get(victim.number());
      if (call.move("radio", withinMs, () -> left.add(System.nanoTime()))) {
        gone++;
        leaving++;
        open = open.with(call, victim.replayTokens());
      }
    }
    claim = open;
    revokedSince += gone;
    governor =
        governor
            .on(new Governor.Event.Revoked(gone / (double) sequencesMax), inUse(), settings, nowMs)
            .state();
  }

  private void reclaimed(long afterMs) {
    Claim done = claim;
    if (done == null) {
      return;
    }
    boolean told = settings.recorded(done.revoked(), afterMs);
    synchronized (records) {
      claim = null;
      if (told) {
        if (records.size() == RECORDS_MAX) {
          records.removeFirst();
        }
        records.addLast(done.record(afterMs, false, settings));
      }
    }
    if (done.revoked() > 0) {
      reclaims++;
    }
    if (told) {
      log.info(
          "{}: the radio wanted {} %, had it after {} ms, {} requests had to go",
          siteId, Math.round(100 * done.demand()), afterMs, done.revoked());
    }
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
    closedMs = nowMs(); // what is claimed of a dead site grows no older
    radio.close();
    split.close();
  }
}
