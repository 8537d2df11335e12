package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.aigrid.core.model.Tier;
import org.aigrid.core.view.Roster;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Gaps;

/// Who plays what: a shard for each region with its base stations and centres, and one for each
/// hub. Immutable.
final class Layout {
  final Country country;
  final Demand demand;
  final Roster roster;
  final int regions;
  final int shards;
  final int[] modelOfService;
  final long[] jurisdictionsOfService; // bits
  final int[] shardOfEndpoint;
  final int[] localOfEndpoint; // its place in the shard's list
  final List<int[]> endpointsOfShard = new ArrayList<>();

  private final Map<Double, Gaps> gaps = new HashMap<>();

  /// The gaps of a burstiness; services that are alike share the table.
  Gaps gaps(double burstiness) {
    return gaps.computeIfAbsent(burstiness, Gaps::of);
  }

  /// @throws IllegalArgumentException when a service asks for a model that nobody serves
  Layout(Country country, Demand demand) {
    this.country = country;
    this.demand = demand;
    roster = Roster.of(country.sites());
    regions = country.regions().size();
    modelOfService =
        demand.services().stream().mapToInt(s -> roster.indexOfModel(s.model())).toArray();
    for (int i = 0; i < modelOfService.length; i++) {
      if (modelOfService[i] < 0) {
        throw new IllegalArgumentException(
            "service "
                + demand.services().get(i).name()
                + " asks for "
                + demand.services().get(i).model()
                + ", which no site of "
                + country.name()
                + " serves (expected: a model that a site serves)");
      }
    }
    jurisdictionsOfService =
        demand.services().stream()
            .mapToLong(
                s -> s.jurisdictions().isEmpty() ? -1 : roster.jurisdictionBits(s.jurisdictions()))
            .toArray();
    var lists = new ArrayList<List<Integer>>();
    for (int i = 0; i < regions + roster.hubCount(); i++) {
      lists.add(new ArrayList<>());
    }
    shardOfEndpoint = new int[roster.endpointCount()];
    localOfEndpoint = new int[roster.endpointCount()];
    int hub = regions;
    for (int site = 0; site < roster.siteCount(); site++) {
      int shard =
          roster.tier(site) == Tier.HUB
              ? hub++
              : country.indexOfRegion(country.places().get(site).spec().region());
      for (int e = roster.firstEndpoint(site); e < roster.endpointsEnd(site); e++) {
        shardOfEndpoint[e] = shard;
        localOfEndpoint[e] = lists.get(shard).size();
        lists.get(shard).add(e);
      }
    }
    shards = lists.size();
    lists.forEach(
        list -> endpointsOfShard.add(list.stream().mapToInt(Integer::intValue).toArray()));
  }
}
