package org.aigrid.twin.scenario;

import java.util.List;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.play.Incident;
import org.aigrid.twin.play.PlaySettings;

/// Everything a play needs. Immutable.
///
/// @param name for people
/// @param description what it is to show
/// @param country where
/// @param demand what people ask for
/// @param incidents what happens
/// @param settings how it is played
/// @param seed of all draws
/// @param cost what GPUs cost
/// @param whatIfs countries to compare with
public record Scenario(
    String name,
    String description,
    Country country,
    Demand demand,
    List<Incident> incidents,
    PlaySettings settings,
    long seed,
    Cost cost,
    List<WhatIf> whatIfs) {
  /// What an hour of a GPU costs, by tier: a declared figure of the scenario, not a measurement.
  ///
  /// @param currency for people
  /// @param hubPerGpuHour at the hub
  /// @param regionalPerGpuHour at a regional centre
  /// @param cellPerGpuHour at a base station, where the radio has paid for the GPU: what AI adds
  public record Cost(
      String currency, double hubPerGpuHour, double regionalPerGpuHour, double cellPerGpuHour) {}

  /// The same demand in a country with more or fewer regional centres, for a part of the time.
  ///
  /// @param regionalCentres how many more; below 0 fewer
  /// @param beginMs since midnight
  /// @param durationMs how long
  public record WhatIf(int regionalCentres, double beginMs, double durationMs) {}

  /// The same in another country.
  public Scenario in(Country other) {
    return new Scenario(name, description, other, demand, incidents, settings, seed, cost, whatIfs);
  }

  /// The same when nothing happens.
  public Scenario withoutIncidents() {
    return new Scenario(
        name, description, country, demand, List.of(), settings, seed, cost, whatIfs);
  }

  public Scenario {
    incidents = List.copyOf(incidents);
    whatIfs = List.copyOf(whatIfs);
  }
}
