package org.aigrid.twin.play;

import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.twin.radio.RadioLoad;

/// How a play is set up, beside country and demand. Immutable.
///
/// @param policy who decides
/// @param router of `core`
/// @param travel round trips that requests really take; the router decides by its own
/// @param radio what the radio takes of the GPUs at base stations
/// @param beginMs since midnight, when it begins
/// @param durationMs how long people ask; afterwards what is under way is finished
/// @param warmupMs requests that arrive within so long of the beginning do not count
/// @param windowMs regions play so long alone before they exchange what crosses their borders
/// @param heartbeatMs between two reports of a site: what a gateway knows is up to this old
/// @param leaseMs a site that is silent for so long is not routed to
/// @param radioStepMs a cell's radio load is held for so long
/// @param binMs width of the bins of the report's curves
/// @param prefixBlocks that a gateway's prefix index holds; 0 for no conversations
/// @param stepLevelSites cells that are played pass by pass, too, to compare
public record PlaySettings(
    Policy policy,
    RouterSettings router,
    RoundTrips travel,
    RadioLoad.Settings radio,
    double beginMs,
    double durationMs,
    double warmupMs,
    int windowMs,
    int heartbeatMs,
    int leaseMs,
    int radioStepMs,
    int binMs,
    int prefixBlocks,
    int stepLevelSites) {
  /// A heartbeat's phases: a tenth of the sites report at a time.
  public static final int PHASES = 10;

  public PlaySettings {
    require(beginMs >= 0 && beginMs < 86_400_000, "beginMs", beginMs, "within a day");
    require(durationMs > 0 && durationMs <= 864e6, "durationMs", durationMs, "up to ten days");
    require(warmupMs >= 0 && warmupMs < durationMs, "warmupMs", warmupMs, "less than the duration");
    require(windowMs >= 1 && windowMs <= 1_000, "windowMs", windowMs, "1 to 1000");
    require(
        heartbeatMs >= PHASES * windowMs && heartbeatMs % (PHASES * windowMs) == 0,
        "heartbeatMs",
        heartbeatMs,
        "a multiple of " + PHASES + " windows");
    require(leaseMs >= heartbeatMs, "leaseMs", leaseMs, "a heartbeat or more");
    require(
        radioStepMs >= heartbeatMs && radioStepMs % (heartbeatMs / PHASES) == 0,
        "radioStepMs",
        radioStepMs,
        "a heartbeat or more, in tenths of it");
    require(binMs >= heartbeatMs && binMs % heartbeatMs == 0, "binMs", binMs, "heartbeats");
    require(prefixBlocks >= 0, "prefixBlocks", prefixBlocks, "0 or more");
    require(stepLevelSites >= 0, "stepLevelSites", stepLevelSites, "0 or more");
  }

  private static void require(boolean holds, String name, double value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /// Between two reports of a tenth of the sites.
  public int phaseMs() {
    return heartbeatMs / PHASES;
  }

  /// Another time of the day, all else alike; without a warm-up beyond a tenth of it.
  public PlaySettings at(double otherBeginMs, double otherDurationMs) {
    return new PlaySettings(
        policy,
        router,
        travel,
        radio,
        otherBeginMs,
        otherDurationMs,
        Math.min(warmupMs, otherDurationMs / 10),
        windowMs,
        heartbeatMs,
        leaseMs,
        radioStepMs,
        binMs,
        prefixBlocks,
        stepLevelSites);
  }

  /// Another policy, all else alike.
  public PlaySettings with(Policy other) {
    return new PlaySettings(
        other,
        router,
        travel,
        radio,
        beginMs,
        durationMs,
        warmupMs,
        windowMs,
        heartbeatMs,
        leaseMs,
        radioStepMs,
        binMs,
        prefixBlocks,
        stepLevelSites);
  }
}
