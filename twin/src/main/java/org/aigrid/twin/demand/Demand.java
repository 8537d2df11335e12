package org.aigrid.twin.demand;

import java.util.List;

/// What a country asks for on a day. Immutable.
///
/// @param requestsPerDay of all services, if the whole day were played
/// @param services whose shares sum to 1
/// @param commute who is where, hour by hour
public record Demand(double requestsPerDay, List<Service> services, Commute commute) {
  /// Services that one demand may have: what a request needs of it fits into a byte.
  public static final int SERVICES_MAX = 64;

  public Demand {
    services = List.copyOf(services);
    double sum = services.stream().mapToDouble(Service::share).sum();
    if (!(requestsPerDay > 0 && requestsPerDay <= 1e11)
        || services.isEmpty()
        || services.size() > SERVICES_MAX
        || Math.abs(sum - 1) > 1e-6) {
      throw new IllegalArgumentException(
          "demand of "
              + requestsPerDay
              + " requests a day from "
              + services.size()
              + " services with shares of "
              + sum
              + " (expected: above 0 to 1e11, 1 to "
              + SERVICES_MAX
              + " services, 1 together)");
    }
  }

  /// Share of the requests of a span that are sent in its first part, by the services' days: for
  /// who wants to know how much is still to come.
  ///
  /// @param beginMs since midnight
  public double shareBefore(double beginMs, double durationMs, double partMs) {
    double stepMs = Math.min(60_000, durationMs / 100);
    double before = 0;
    double all = 0;
    for (double at = 0; at < durationMs; at += stepMs) {
      double rate = 0;
      for (Service service : services) {
        rate += service.share() * service.day().at(beginMs + at);
      }
      all += rate;
      before += rate * Math.clamp((partMs - at) / stepMs, 0, 1);
    }
    return all == 0 ? 0 : before / all;
  }
}
