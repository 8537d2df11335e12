package org.aigrid.core.residency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.SmallWorld;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RandomPolicies;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Policies, key and request together: the strictest wins.
class ResidencyTest {
  private static final SiteFacts TOKYO =
      new SiteFacts("cell-minato", "JP", "telco", Tier.CELL, LocationLevel.L2);
  private static final SiteFacts BERLIN =
      new SiteFacts("hub-berlin", "DE", "partner", Tier.HUB, LocationLevel.L1);
  private static final Principal MINISTRY = Principal.tenant("ministry", "JP");
  private static final PolicySet ANYWHERE = compiled("permit (principal, action, resource);");

  static LongStream seeds() {
    return LongStream.range(0, 200);
  }

  private static PolicySet compiled(String text) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, _) -> set;
      case Compilation.Refused refused -> throw new AssertionError(text + refused.mistakes());
    };
  }

  private static RequestFacts narrowedTo(String... names) {
    return new RequestFacts(ServiceTier.STANDARD, "m", names.length == 0 ? null : List.of(names));
  }

  private static ResidencyVerdict infer(
      Residency residency, @Nullable SiteFacts site, RequestFacts request) {
    return residency.check(PolicyAction.INFER, site, request);
  }

  @Test
  void withoutAnyPolicyATenantStaysAtHome() {
    var residency = new Residency(MINISTRY, List.of(), null);
    assertThat(infer(residency, TOKYO, narrowedTo())).isEqualTo(ResidencyVerdict.PERMITTED);
    assertThat(infer(residency, BERLIN, narrowedTo())).isEqualTo(ResidencyVerdict.NOT_PERMITTED);
    assertThat(residency.explain(PolicyAction.INFER, BERLIN, narrowedTo()).sentence())
        .isEqualTo(
            "infer for ministry at hub-berlin (DE) is not permitted: no permit applies, and its"
                + " home jurisdiction is JP.");
    assertThat(residency.explain(PolicyAction.INFER, TOKYO, narrowedTo()).sentence())
        .contains("is permitted by the home rule");
  }

  @Test
  void everyLayerHasToPermit() {
    PolicySet home = compiled("permit (principal, action, resource in Jurisdiction::\"JP\");");
    for (List<PolicySet> layers : List.of(List.of(ANYWHERE, home), List.of(home, ANYWHERE))) {
      var residency = new Residency(MINISTRY, layers, null);
      assertThat(infer(residency, TOKYO, narrowedTo()).permitted()).isTrue();
      assertThat(infer(residency, BERLIN, narrowedTo())).isEqualTo(ResidencyVerdict.NOT_PERMITTED);
    }
  }

  @Test
  void aKeyAndARequestOnlyTakeAway() {
    var residency = new Residency(MINISTRY, List.of(ANYWHERE), List.of("DE"));
    assertThat(infer(residency, TOKYO, narrowedTo())).isEqualTo(ResidencyVerdict.OUTSIDE_KEY);
    assertThat(infer(residency, BERLIN, narrowedTo("DE", "JP")).permitted()).isTrue();
    assertThat(infer(residency, BERLIN, narrowedTo("JP")))
        .isEqualTo(ResidencyVerdict.OUTSIDE_REQUEST);
    assertThat(infer(residency, TOKYO, narrowedTo("JP"))).isEqualTo(ResidencyVerdict.OUTSIDE_KEY);
    var nowhere = new Residency(MINISTRY, List.of(ANYWHERE), List.of());
    assertThat(infer(nowhere, TOKYO, narrowedTo())).isEqualTo(ResidencyVerdict.OUTSIDE_KEY);
  }

  @Test
  void aSiteOfWhichAnythingIsMissingIsPermittedToNobody() {
    var residency = new Residency(MINISTRY, List.of(ANYWHERE), null);
    var missing =
        List.of(
            new SiteFacts(null, "JP", "o", Tier.HUB, LocationLevel.L1),
            new SiteFacts("s", null, "o", Tier.HUB, LocationLevel.L1),
            new SiteFacts("s", "", "o", Tier.HUB, LocationLevel.L1),
            new SiteFacts("s", "JP", null, Tier.HUB, LocationLevel.L1),
            new SiteFacts("s", "JP", "o", null, LocationLevel.L1),
            new SiteFacts("s", "JP", "o", Tier.HUB, null));
    for (SiteFacts site : missing) {
      assertThat(infer(residency, site, narrowedTo())).isEqualTo(ResidencyVerdict.SITE_UNKNOWN);
    }
    assertThat(infer(residency, null, narrowedTo())).isEqualTo(ResidencyVerdict.SITE_UNKNOWN);
    assertThat(residency.explain(PolicyAction.INFER, missing.getLast(), narrowedTo()).sentence())
        .endsWith("the site's level is not known.");
  }

  @Test
  void anExplanationNamesThePolicyItsLineAndItsReason() {
    PolicySet set =
        compiled(
            """
            permit (principal, action, resource);

            @id("no partners")
            @reason("Contract 12 covers our own sites only.")
            forbid (principal, action, resource in Operator::"partner");
            """);
    var residency = new Residency(MINISTRY, List.of(set), null);
    assertThat(residency.explain(PolicyAction.INFER, BERLIN, narrowedTo()).sentence())
        .isEqualTo(
            "infer for ministry at hub-berlin (DE) is forbidden by 'no partners' (line 5):"
                + " \"Contract 12 covers our own sites only.\".");
  }

  @Test
  void narrowingIsAListOfCodesOrNothing() {
    assertThat(Narrowing.parse("JP")).containsExactly("JP");
    assertThat(Narrowing.parse(" jp , DE,jp")).containsExactly("JP", "DE");
    for (String wrong : List.of("", "JPN", "J1", "JP,", ",", "日本", "JP DE", "ıı", "*")) {
      assertThat(Narrowing.parse(wrong)).as(wrong).isNull();
    }
    assertThat(Narrowing.parse("JP,".repeat(100_000) + "JP")).isNull();
    assertThat(Narrowing.both(List.of("JP", "DE"), List.of("DE", "US"))).containsExactly("DE");
    assertThat(Narrowing.both(null, List.of("DE"))).containsExactly("DE");
    assertThat(Narrowing.both(List.of("JP"), List.of("DE"))).isEmpty();
    assertThat(Narrowing.both(null, null)).isNull();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void narrowingNeverWidens(long seed) {
    var draws = new RandomPolicies(seed);
    PolicySet one = compiled(RandomPolicies.text(draws.rules(6)));
    PolicySet two = compiled(RandomPolicies.text(draws.rules(6)));
    Principal principal = draws.principal();
    var wide = new Residency(principal, List.of(one), null);
    var bound = new Residency(principal, List.of(one), List.of("JP", "US"));
    var layered = new Residency(principal, List.of(one, two), List.of("JP", "US"));
    for (int i = 0; i < 60; i++) {
      PolicyAction action = draws.action();
      SiteFacts site = draws.site(i % 3 * 4);
      RequestFacts request = draws.request();
      boolean permitted = wide.check(action, site, request).permitted();
      if (layered.check(action, site, request).permitted()) {
        assertThat(bound.check(action, site, request).permitted()).isTrue();
      }
      if (bound.check(action, site, request).permitted()) {
        assertThat(permitted).isTrue();
        assertThat(site.jurisdiction()).isIn("JP", "US");
      }
      if (permitted) {
        assertThat(site.complete()).isTrue();
        assertThat(request.allows(java.util.Objects.requireNonNull(site.jurisdiction()))).isTrue();
      }
      assertThat(wide.explain(action, site, request).verdict())
          .isEqualTo(wide.check(action, site, request));
    }
  }

  /// A policy may read what the request narrowed itself to, and could so permit more to a narrower
  /// request; the sites it adds are still inside the narrowing.
  @Test
  void aPolicyThatReadsTheNarrowingStaysInsideIt() {
    PolicySet set =
        compiled(
            "permit (principal, action, resource) when { context has jurisdictions &&"
                + " context.jurisdictions.contains(resource.jurisdiction) };");
    var residency = new Residency(MINISTRY, List.of(set), null);
    assertThat(infer(residency, BERLIN, narrowedTo()).permitted()).isFalse();
    assertThat(infer(residency, BERLIN, narrowedTo("DE")).permitted()).isTrue();
    assertThat(infer(residency, TOKYO, narrowedTo("DE")))
        .isEqualTo(ResidencyVerdict.OUTSIDE_REQUEST);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatIsDecidedAheadIsWhatIsDecidedAtTheSite(long seed) {
    var random = new SplittableRandom(seed);
    var draws = new RandomPolicies(seed);
    var residencies = new ArrayList<Residency>();
    for (int i = 0; i < 3; i++) {
      residencies.add(
          new Residency(
              draws.principal(),
              List.of(compiled(RandomPolicies.text(draws.rules(5)))),
              random.nextInt(3) == 0 ? List.of("JP", "DE") : null));
    }
    var sites = new ArrayList<SiteSpec>();
    for (int i = 0; i < 40; i++) {
      sites.add(site(i, random));
    }
    Roster roster = Roster.of(sites);
    roster = roster.without(List.of("cell-3", "cell-4"));
    SiteClasses classes = SiteClasses.of(roster, ResidencyTest::level, residencies);
    for (Residency residency : residencies) {
      SiteResidency ahead = residency.on(classes);
      for (int i = 0; i < 20; i++) {
        PolicyAction action = draws.action();
        RequestFacts request = draws.request();
        SiteSet permitted = ahead.sites(action, request);
        long jurisdictionBits = ahead.jurisdictionBits(action, request);
        List<String> jurisdictions = ahead.jurisdictions(action, request);
        long foundBits = 0;
        int count = 0;
        for (int site = -1; site <= roster.siteCount(); site++) {
          SiteSpec spec = site < 0 || site == roster.siteCount() ? null : roster.siteSpec(site);
          SiteFacts facts = spec == null ? null : SiteFacts.of(spec, level(spec));
          boolean expected = residency.check(action, facts, request).permitted();
          assertThat(ahead.permits(action, site, request)).isEqualTo(expected);
          assertThat(permitted.contains(site)).isEqualTo(expected);
          count += expected ? 1 : 0;
          foundBits |= expected ? roster.jurisdictionBit(site) : 0;
          if (expected && facts != null) {
            assertThat(jurisdictions).contains(facts.jurisdiction());
          }
        }
        assertThat(permitted.count()).isEqualTo(count);
        assertThat(jurisdictionBits).isEqualTo(foundBits);
        assertThat(jurisdictions).hasSize(Long.bitCount(foundBits));
        assertThat(permitted.isEmpty()).isEqualTo(count == 0);
      }
    }
  }

  private static @Nullable LocationLevel level(SiteSpec site) {
    return site.id().hashCode() % 7 == 0
        ? null
        : LocationLevel.values()[Math.floorMod(site.id().hashCode(), 3)];
  }

  private static SiteSpec site(int i, SplittableRandom random) {
    return new SiteSpec(
        i % 5 == 0 ? "hub-" + i : "cell-" + i,
        "a site",
        Tier.values()[random.nextInt(3)],
        "somewhere",
        new GeoPoint(35 + i * 0.01, 139),
        List.of("JP", "DE", "US", "BR").get(random.nextInt(4)),
        random.nextBoolean() ? "telco" : "partner",
        List.of(SmallWorld.endpoint(SmallWorld.MODEL, "RTX PRO 6000")));
  }

  @Test
  void classesThatKnowNothingOfANamedSiteAreRefused() {
    Roster roster = Roster.of(List.of(site(1, new SplittableRandom(1))));
    var naming =
        new Residency(
            MINISTRY,
            List.of(compiled("permit (principal, action, resource == Site::\"cell-1\");")),
            null);
    SiteClasses classes = SiteClasses.of(roster, _ -> LocationLevel.L1, List.of());
    assertThat(classes.suits(naming)).isFalse();
    assertThatThrownBy(() -> naming.on(classes)).hasMessageContaining("SiteClasses made for");
    SiteClasses fresh = SiteClasses.of(roster, _ -> LocationLevel.L1, List.of(naming));
    assertThat(naming.on(fresh).permits(PolicyAction.INFER, 0, narrowedTo())).isTrue();
  }
}
