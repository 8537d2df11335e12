package org.aigrid.twin.play;

import java.util.List;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.engine.Arrival;
import org.aigrid.twin.engine.Hardware;
import org.aigrid.twin.engine.Timing;
import org.aigrid.twin.play.Tally.End;

/// What a play came to. Immutable once made; the same country, demand, settings and seed give the
/// same, on any number of threads.
public final class Outcome {
  /// A cell that was played pass by pass, too.
  ///
  /// @param siteId which
  /// @param hardware it runs on
  /// @param arrivals that reached it
  /// @param timings what became of them in the play; without a first token where it was lost
  /// @param shares rows of a time in milliseconds and the share that the radio left from then on
  public record SampledCell(
      String siteId,
      Hardware hardware,
      List<Arrival> arrivals,
      List<Timing> timings,
      List<double[]> shares) {}

  /// What one endpoint did.
  ///
  /// @param site index in the country
  /// @param requests that it answered
  /// @param usedShare of its GPU time that requests used
  /// @param radioShare that its radio took at the end
  public record EndpointUse(int site, long requests, double usedShare, double radioShare) {}

  /// Requests by how they ended.
  ///
  /// @param met answered within all objectives
  /// @param late answered, not within them
  /// @param refused by the router
  /// @param failed after all attempts
  /// @param broken in the middle of the answer
  public record Ends(long met, long late, long refused, long failed, long broken) {
    public long all() {
      return met + late + refused + failed + broken;
    }

    /// Share that met their objectives; of nothing, all.
    public double attainment() {
      return all() == 0 ? 1 : (double) met / all();
    }

    Ends plus(Ends other) {
      return new Ends(
          met + other.met,
          late + other.late,
          refused + other.refused,
          failed + other.failed,
          broken + other.broken);
    }
  }

  private static final Ends NONE = new Ends(0, 0, 0, 0, 0);

  private final Country country;
  private final Demand demand;
  private final PlaySettings settings;
  private final long seed;
  private final Tally tally;
  private final double meanInside;
  private final double playedMs;
  private final long inside;
  private final List<EndpointUse> uses;
  private final List<SampledCell> samples;
  private final long[] gpus;

  Outcome(
      Country country,
      Demand demand,
      PlaySettings settings,
      long seed,
      Tally tally,
      double meanInside,
      double playedMs,
      long inside,
      List<EndpointUse> uses,
      List<SampledCell> samples,
      long[] gpus) {
    this.country = country;
    this.demand = demand;
    this.settings = settings;
    this.seed = seed;
    this.tally = tally;
    this.meanInside = meanInside;
    this.playedMs = playedMs;
    this.inside = inside;
    this.uses = List.copyOf(uses);
    this.samples = List.copyOf(samples);
    this.gpus = gpus.clone();
  }

  public Country country() {
    return country;
  }

  public Demand demand() {
    return demand;
  }

  public PlaySettings settings() {
    return settings;
  }

  public long seed() {
    return seed;
  }

  /// Requests that were sent, warm-up and all.
  public long arrived() {
    return tally.arrived;
  }

  /// Events that were played.
  public long events() {
    return tally.events;
  }

  /// Tries beyond the first.
  public long retries() {
    return tally.retries;
  }

  /// Streams taken to another site, and how often that was because a radio wanted the GPU.
  public long moves() {
    return tally.moves;
  }

  public long movesForRadio() {
    return tally.movesForRadio;
  }

  /// Streams that moved and came to their end.
  public long movedStreams() {
    return tally.movedStreams;
  }

  /// Tokens of prompts and answers that were computed again for moved streams.
  public long replayedTokens() {
    return tally.replayedTokens;
  }

  /// Requests that a site turned away because its radio held the GPU.
  public long turnedAway() {
    return tally.turnedAway;
  }

  /// Sequences revoked for radios.
  public long revoked() {
    return tally.revoked;
  }

  /// Claims of radios for which AI had to leave.
  public long reclaims() {
    return tally.reclaims;
  }

  /// How long these took, microseconds.
  public Histogram reclaimUs() {
    return tally.reclaimUs;
  }

  /// How long callers of moved streams waited for the next token, microseconds.
  public Histogram gapUs() {
    return tally.gapUs;
  }

  /// How often that happened which must never happen.
  public long violations(Violation what) {
    return switch (what) {
      case REQUEST_LOST -> Math.abs(arrived() - tally.closed - inside);
      case TOKENS_DIFFER ->
          tally.violations[what.ordinal()] + (inside == 0 ? Math.abs(outputTokensOpen()) : 0);
      case RECLAIM_LATE, NOT_PERMITTED, CHARGE_LEFT, LEASE_OUTLIVED, BOUND_EXCEEDED ->
          tally.violations[what.ordinal()];
    };
  }

  /// All of them.
  public long violations() {
    long sum = 0;
    for (Violation what : Violation.values()) {
      sum += violations(what);
    }
    return sum;
  }

  /// Requests still inside when the play was given up; 0 when it came to its end.
  public long inside() {
    return inside;
  }

  /// Output tokens of requests that were placed, less those of requests that ended, however: 0 when
  /// nothing was lost or counted twice and nothing is inside.
  public long outputTokensOpen() {
    return tally.outputTokensAccepted - tally.outputTokensClosed;
  }

  /// Mean number of requests inside, as counted ten times a heartbeat: L of Little's law.
  public double meanInside() {
    return meanInside;
  }

  /// Arrival rate times mean time inside: lambda W of Little's law.
  public double rateTimesTime() {
    return tally.sojournUs / 1e3 / playedMs;
  }

  /// Curves have so many bins.
  public int bins() {
    return tally.bins;
  }

  /// Requests of a service that arrived in a bin, by how they ended.
  public Ends ends(int bin, int service) {
    return read(tally.ends, bin * tally.services.size() + service);
  }

  /// Requests of a service, by how they ended.
  public Ends ends(int service) {
    Ends sum = NONE;
    for (int bin = 0; bin < tally.bins; bin++) {
      sum = sum.plus(ends(bin, service));
    }
    return sum;
  }

  /// All requests, by how they ended.
  public Ends ends() {
    Ends sum = NONE;
    for (int service = 0; service < tally.services.size(); service++) {
      sum = sum.plus(ends(service));
    }
    return sum;
  }

  /// Requests of a region's people for a service, by how they ended.
  public Ends endsOfRegion(int region, int service) {
    return read(tally.byRegion, region * tally.services.size() + service);
  }

  private static Ends read(long[] from, int row) {
    int at = row * Tally.ENDS;
    return new Ends(
        from[at + End.MET.ordinal()],
        from[at + End.LATE.ordinal()],
        from[at + End.REFUSED.ordinal()],
        from[at + End.FAILED.ordinal()],
        from[at + End.BROKEN.ordinal()]);
  }

  public long answered(int service, Tier tier) {
    return tally.finishedByTier[service * Tally.TIERS + tier.ordinal()];
  }

  public long met(int service, Tier tier) {
    return tally.metByTier[service * Tally.TIERS + tier.ordinal()];
  }

  public long promptTokens(int service, Tier tier) {
    return tally.promptTokensByTier[service * Tally.TIERS + tier.ordinal()];
  }

  public long cachedTokens(int service) {
    return tally.cachedTokens[service];
  }

  public long outputTokens(int service, Tier tier) {
    return tally.outputTokensByTier[service * Tally.TIERS + tier.ordinal()];
  }

  /// Output tokens of the answers that met all objectives: goodput, when divided by the time.
  public long metTokens(int service, Tier tier) {
    return tally.metTokensByTier[service * Tally.TIERS + tier.ordinal()];
  }

  /// Client time to first token, microseconds.
  public Histogram ttftUs(int service) {
    return tally.ttftUs[service];
  }

  /// Time per output token after the first, microseconds.
  public Histogram tpotUs(int service) {
    return tally.tpotUs[service];
  }

  /// Client time to the last token, microseconds.
  public Histogram latencyUs(int service) {
    return tally.latencyUs[service];
  }

  /// GPU time that requests used in a bin, milliseconds.
  public long usedGpuMs(int bin, Tier tier) {
    return tally.usedGpuMs[bin * Tally.TIERS + tier.ordinal()];
  }

  /// GPU time that the radio used in a bin, milliseconds.
  public long radioGpuMs(int bin) {
    return tally.radioGpuMs[bin];
  }

  /// GPUs that a tier has.
  public long gpus(Tier tier) {
    return gpus[tier.ordinal()];
  }

  /// How long a bin is, milliseconds; the last may be shorter.
  public double binMs(int bin) {
    return Math.min(settings.durationMs() - (double) bin * settings.binMs(), settings.binMs());
  }

  /// By endpoint.
  public List<EndpointUse> uses() {
    return uses;
  }

  public List<SampledCell> samples() {
    return samples;
  }
}
