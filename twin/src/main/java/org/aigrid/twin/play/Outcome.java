package org.aigrid.twin.play;

import java.util.List;

/// What a play came to. Immutable; the same country, demand, settings and seed give an equal one.
///
/// @param policy who decided
/// @param requests that counted
/// @param refused of them
/// @param byService in the order of the demand's services
/// @param byTier finished requests at cells, regional centres and hubs
/// @param events that were played, warm-up and all
/// @param unfinished requests inside when everything had been played; 0 unless something was lost
public record Outcome(
    Policy policy,
    long requests,
    long refused,
    List<ServiceOutcome> byService,
    List<Long> byTier,
    long events,
    long unfinished) {
  /// What callers of one service had.
  ///
  /// @param service its name
  /// @param requests that counted
  /// @param refused of them
  /// @param withinObjectives those answered within both objectives
  public record ServiceOutcome(
      String service,
      long requests,
      long refused,
      long withinObjectives,
      double ttftP50Ms,
      double ttftP90Ms,
      double ttftP99Ms,
      double latencyP50Ms,
      double latencyP99Ms) {
    /// Share of all requests that met their objectives; a refused one did not.
    public double attainment() {
      return requests == 0 ? 1 : (double) withinObjectives / requests;
    }
  }

  /// Share of all requests that met their objectives.
  public double attainment() {
    long within = byService.stream().mapToLong(ServiceOutcome::withinObjectives).sum();
    return requests == 0 ? 1 : (double) within / requests;
  }
}
