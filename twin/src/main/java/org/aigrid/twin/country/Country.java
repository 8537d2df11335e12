package org.aigrid.twin.country;

import java.util.List;
import org.aigrid.core.model.SiteSpec;

/// A country to play. Immutable.
///
/// @param name for people
/// @param sites all of them
/// @param people share of the callers at each of `sites`, 0 where nobody calls from; sums to 1
public record Country(String name, List<SiteSpec> sites, List<Double> people) {
  public Country {
    sites = List.copyOf(sites);
    people = List.copyOf(people);
    double sum = people.stream().mapToDouble(Double::doubleValue).sum();
    if (sites.size() != people.size() || Math.abs(sum - 1) > 1e-6) {
      throw new IllegalArgumentException(
          "country "
              + name
              + ": "
              + sites.size()
              + " sites and "
              + people.size()
              + " shares of people that sum to "
              + sum
              + " (expected: a share for each site, 1 in all)");
    }
  }
}
