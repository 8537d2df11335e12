package org.aigrid.core.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.aigrid.core.SmallWorld;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.junit.jupiter.api.Test;

class RosterTest {
  private static final int SEEDS = 200;

  @Test
  void theNearestBaseStationsAreThoseThatASearchOfAllFinds() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      List<SiteSpec> sites = SmallWorld.sites(1 + random.nextInt(80), random);
      Roster roster = Roster.of(sites);
      for (int site = 0; site < sites.size(); site++) {
        int from = site;
        GeoPoint here = sites.get(site).position();
        double[] expected =
            IntStream.range(0, sites.size())
                .filter(other -> other != from && sites.get(other).tier() == Tier.CELL)
                .mapToDouble(other -> here.distanceKm(sites.get(other).position()))
                .sorted()
                .limit(Roster.NEIGHBOURS_MAX)
                .toArray();
        for (int i = 0; i < Roster.NEIGHBOURS_MAX; i++) {
          int found = roster.neighbour(site, i);
          if (i >= expected.length) {
            assertThat(found).as("seed %d site %d", seed, site).isEqualTo(-1);
          } else {
            assertThat(here.distanceKm(sites.get(found).position()))
                .as("seed %d site %d neighbour %d", seed, site, i)
                .isCloseTo(expected[i], within(1e-3));
          }
        }
      }
    }
  }

  @Test
  void sitesInOnePlaceAreAllFoundInOrderOfIndex() {
    var sites = new ArrayList<SiteSpec>();
    for (int i = 0; i < 20; i++) {
      sites.add(SmallWorld.site("s" + i, Tier.CELL, 35, 139));
    }
    Roster roster = Roster.of(sites);
    for (int i = 0; i < Roster.NEIGHBOURS_MAX; i++) {
      assertThat(roster.neighbour(0, i)).isEqualTo(i + 1);
    }
  }

  @Test
  void theNearestSiteOfAPlaceIsTheOneASearchOfAllFinds() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      List<SiteSpec> sites = SmallWorld.sites(1 + random.nextInt(80), random);
      Roster roster = Roster.of(sites);
      var place = new GeoPoint(random.nextDouble(-90, 90), random.nextDouble(-180, 180));
      double nearest =
          sites.stream()
              .map(s -> s.position().distanceKm(place))
              .min(Comparator.naturalOrder())
              .orElseThrow();
      int found = roster.nearestSite(place.latitudeDegrees(), place.longitudeDegrees());
      assertThat(sites.get(found).position().distanceKm(place))
          .as("seed %d", seed)
          .isCloseTo(nearest, within(1e-3));
    }
    assertThat(Roster.EMPTY.nearestSite(0, 0)).isEqualTo(-1);
  }

  @Test
  void neighboursAreFoundAcrossTheDateLine() {
    Roster roster =
        Roster.of(
            List.of(
                SmallWorld.site("west", Tier.CELL, 0, 179.9),
                SmallWorld.site("east", Tier.CELL, 0, -179.9),
                SmallWorld.site("far", Tier.CELL, 0, 170)));
    assertThat(roster.neighbour(0, 0)).isEqualTo(1);
    assertThat(roster.distanceKm(0, 1)).isCloseTo(22.2, within(0.1));
  }

  @Test
  void distancesAgreeWithTheHaversineUpToSevenThousandKilometres() {
    var random = new SplittableRandom(7);
    List<SiteSpec> sites = SmallWorld.sites(300, random);
    Roster roster = Roster.of(sites);
    int compared = 0;
    for (int a = 0; a < sites.size(); a++) {
      for (int b = 0; b < sites.size(); b++) {
        double exact = sites.get(a).position().distanceKm(sites.get(b).position());
        if (exact < 7_000) {
          assertThat(roster.distanceKm(a, b)).isCloseTo(exact, within(0.002 * exact + 1e-3));
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThan(10_000);
  }

  @Test
  void indicesStayAsSitesJoinChangeLeaveAndComeBack() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      List<SiteSpec> sites = SmallWorld.sites(20, random);
      Roster roster = Roster.of(sites.subList(0, 10));
      for (int step = 0; step < 20; step++) {
        Roster before = roster;
        SiteSpec site = sites.get(random.nextInt(sites.size()));
        roster =
            random.nextBoolean() ? before.with(List.of(site)) : before.without(List.of(site.id()));
        for (int i = 0; i < before.siteCount(); i++) {
          SiteSpec then = before.siteSpec(i);
          SiteSpec now = roster.siteSpec(i);
          if (then != null && now != null) {
            assertThat(now.id()).isEqualTo(then.id());
            assertThat(roster.firstEndpoint(i)).isEqualTo(before.firstEndpoint(i));
          }
          if (now != null) {
            assertThat(roster.indexOfSite(now.id())).isEqualTo(i);
          }
        }
        for (int model = 0; model < roster.modelCount(); model++) {
          for (int i = 0; i < roster.endpointCountOfModel(model); i++) {
            int endpoint = roster.endpointOfModel(model, i);
            assertThat(roster.endpointOf(roster.siteOf(endpoint), model)).isEqualTo(endpoint);
          }
        }
      }
      assertThat(roster.siteCount()).as("no id takes two indices").isLessThanOrEqualTo(20);
    }
  }

  @Test
  void aSiteThatLeftServesNothingAndGetsItsIndicesBack() {
    SiteSpec a = SmallWorld.site("a", Tier.CELL, 1, 1);
    SiteSpec b = SmallWorld.site("b", Tier.CELL, 2, 2);
    Roster without = Roster.of(List.of(a, b)).without(List.of("a"));
    assertThat(without.indexOfSite("a")).isEqualTo(-1);
    assertThat(without.siteSpec(0)).isNull();
    assertThat(without.siteOf(0)).isEqualTo(-1);
    assertThat(without.endpointOf(0, 0)).isEqualTo(-1);
    assertThat(without.endpointCountOfModel(0)).isEqualTo(1);
    assertThat(without.neighbour(1, 0)).isEqualTo(-1);
    Roster again = without.with(List.of(a));
    assertThat(again.indexOfSite("a")).isZero();
    assertThat(again.siteOf(again.endpointOf(0, 0))).isZero();
    assertThat(Objects.requireNonNull(again.siteSpec(0)).id()).isEqualTo("a");
    assertThat(again.endpointCount()).as("its endpoints have their indices back").isEqualTo(2);
  }

  @Test
  void theRegionalSiteIsThatOfTheRegionElseTheNearest() {
    Roster roster =
        Roster.of(
            List.of(
                SmallWorld.site("cell", Tier.CELL, 35, 139, "JP", List.of()),
                SmallWorld.site("near", Tier.REGIONAL, 35, 140, "DE", List.of()),
                SmallWorld.site("own", Tier.REGIONAL, 30, 130, "JP", List.of()),
                SmallWorld.site("stranger", Tier.CELL, 35, 139.5, "US", List.of())));
    assertThat(roster.regionalOf(0)).isEqualTo(2);
    assertThat(roster.regionalOf(3)).isEqualTo(1);
  }

  @Test
  void aNameThatDoesNotOccurPermitsNothing() {
    Roster roster = Roster.of(List.of(SmallWorld.site("a", Tier.CELL, 1, 1)));
    assertThat(roster.jurisdictionBits(List.of("FR"))).isZero();
    assertThat(roster.jurisdictionBits(List.of("FR", "JP"))).isEqualTo(roster.jurisdictionBit(0));
  }

  @Test
  void moreJurisdictionsThanBitsAreRefused() {
    var sites = new ArrayList<SiteSpec>();
    for (int i = 0; i <= Roster.JURISDICTIONS_MAX; i++) {
      String name = "" + (char) ('A' + i / 26) + (char) ('A' + i % 26);
      sites.add(SmallWorld.site("s" + i, Tier.CELL, 0, i, name, List.of()));
    }
    assertThat(Roster.of(sites.subList(0, 64)).siteCount()).isEqualTo(64);
    assertThatThrownBy(() -> Roster.of(sites)).hasMessageContaining("at most 64");
  }
}
