package org.aigrid.twin.play;

import java.util.List;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.demand.Service;

/// What one shard counts: whole numbers only, so that shards can be added in any order. One thread.
/// Rows of small arrays are flat: `[a][b]` lies at `a * width + b`.
final class Tally {
  static final int TIERS = Tier.values().length;

  /// How a request can end.
  enum End {
    MET,
    LATE,
    REFUSED,
    FAILED,
    BROKEN
  }

  static final int ENDS = End.values().length;

  final List<Service> services;
  final int bins;
  final int regions;

  final long[] ends; // [bin][service][end], by the time of arrival
  final long[] byRegion; // [region][service][end]
  final long[] finishedByTier; // [service][tier]
  final long[] metByTier; // [service][tier]
  final long[] promptTokensByTier; // [service][tier]
  final long[] cachedTokens; // [service]
  final long[] outputTokensByTier; // [service][tier]
  final long[] metTokensByTier; // [service][tier], of the answers that met their objectives
  final Histogram[] ttftUs; // [service]
  final Histogram[] tpotUs; // [service]
  final Histogram[] latencyUs; // [service]
  final long[] usedGpuMs; // [bin][tier]
  final long[] radioGpuMs; // [bin]

  // Of the whole play, warm-up and all.
  long arrived;
  long closed;
  long events;
  long sojournUs;
  long retries;
  long outputTokensAccepted;
  long outputTokensClosed;
  long moves; // of streams, to another site
  long movesForRadio;
  long movedStreams; // answered to their end
  long replayedTokens; // computed again for them
  long turnedAway; // by sites whose radio holds the GPU
  long revoked;
  long reclaims;
  final Histogram gapUs = new Histogram(); // that movers' callers saw
  final Histogram reclaimUs = new Histogram();

  // What must never happen.
  final long[] violations = new long[Violation.values().length];

  Tally(List<Service> services, int bins, int regions) {
    this.services = services;
    this.bins = bins;
    this.regions = regions;
    int count = services.size();
    ends = new long[bins * count * ENDS];
    byRegion = new long[regions * count * ENDS];
    finishedByTier = new long[count * TIERS];
    metByTier = new long[count * TIERS];
    promptTokensByTier = new long[count * TIERS];
    cachedTokens = new long[count];
    outputTokensByTier = new long[count * TIERS];
    metTokensByTier = new long[count * TIERS];
    ttftUs = histograms(count);
    tpotUs = histograms(count);
    latencyUs = histograms(count);
    usedGpuMs = new long[bins * TIERS];
    radioGpuMs = new long[bins];
  }

  private static Histogram[] histograms(int count) {
    var histograms = new Histogram[count];
    for (int i = 0; i < count; i++) {
      histograms[i] = new Histogram();
    }
    return histograms;
  }

  void violated(Violation what) {
    violations[what.ordinal()]++;
  }

  void reclaimed(double ms, boolean late) {
    reclaims++;
    reclaimUs.add((long) (ms * 1_000));
    if (late) {
      violated(Violation.RECLAIM_LATE);
    }
  }

  void ended(int bin, int service, int region, End end) {
    ends[(bin * services.size() + service) * ENDS + end.ordinal()]++;
    byRegion[(region * services.size() + service) * ENDS + end.ordinal()]++;
  }

  void answered(
      int bin,
      int service,
      int region,
      int tier,
      long ttft,
      long latency,
      int promptTokens,
      int cached,
      int outputTokens) {
    boolean met = services.get(service).met(ttft / 1e3, latency / 1e3, outputTokens);
    ended(bin, service, region, met ? End.MET : End.LATE);
    int at = service * TIERS + tier;
    finishedByTier[at]++;
    metByTier[at] += met ? 1 : 0;
    promptTokensByTier[at] += promptTokens;
    cachedTokens[service] += cached;
    outputTokensByTier[at] += outputTokens;
    metTokensByTier[at] += met ? outputTokens : 0;
    ttftUs[service].add(ttft);
    latencyUs[service].add(latency);
    if (outputTokens > 1) {
      tpotUs[service].add((latency - ttft) / (outputTokens - 1));
    }
  }

  void add(Tally other) {
    add(ends, other.ends);
    add(byRegion, other.byRegion);
    add(finishedByTier, other.finishedByTier);
    add(metByTier, other.metByTier);
    add(promptTokensByTier, other.promptTokensByTier);
    add(cachedTokens, other.cachedTokens);
    add(outputTokensByTier, other.outputTokensByTier);
    add(metTokensByTier, other.metTokensByTier);
    add(usedGpuMs, other.usedGpuMs);
    add(radioGpuMs, other.radioGpuMs);
    for (int i = 0; i < ttftUs.length; i++) {
      ttftUs[i].add(other.ttftUs[i]);
      tpotUs[i].add(other.tpotUs[i]);
      latencyUs[i].add(other.latencyUs[i]);
    }
    arrived += other.arrived;
    closed += other.closed;
    events += other.events;
    sojournUs += other.sojournUs;
    retries += other.retries;
    outputTokensAccepted += other.outputTokensAccepted;
    outputTokensClosed += other.outputTokensClosed;
    moves += other.moves;
    movesForRadio += other.movesForRadio;
    movedStreams += other.movedStreams;
    replayedTokens += other.replayedTokens;
    turnedAway += other.turnedAway;
    revoked += other.revoked;
    reclaims += other.reclaims;
    gapUs.add(other.gapUs);
    reclaimUs.add(other.reclaimUs);
    add(violations, other.violations);
  }

  private static void add(long[] to, long[] from) {
    for (int i = 0; i < to.length; i++) {
      to[i] += from[i];
    }
  }
}
