package org.aigrid.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.residency.Residency;
import org.aigrid.core.residency.SiteClasses;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.Roster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A claim beyond L1 names what shows it, and policies decide by what a site claims.
class LocationClaimTest {
  private static final String EVIDENCE = "sha256:" + "0a".repeat(32);

  @Test
  void whoeverClaimsMoreThanDeclaredNamesTheEvidence() {
    assertThat(new LocationClaim(LocationLevel.L2, EVIDENCE).level().number()).isEqualTo(2);
    assertThat(new LocationClaim(LocationLevel.L1, EVIDENCE).evidence()).isEqualTo(EVIDENCE);
    assertThatThrownBy(() -> new LocationClaim(LocationLevel.L2, ""))
        .hasMessageContaining("level 2 without evidence")
        .hasMessageContaining("expected: the SHA-256 of the document");
    for (String odd :
        List.of("measured", "sha256:", "sha256:0A" + "0a".repeat(31), EVIDENCE + "0", " ")) {
      assertThatThrownBy(() -> new LocationClaim(LocationLevel.L3, odd))
          .hasMessageContaining("expected: sha256:");
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, 30);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aPolicyThatAsksForALevelPermitsTheSitesThatClaimItAndNoOther(long seed) {
    var random = new SplittableRandom(seed);
    var sites = new ArrayList<SiteSpec>();
    for (int i = 0; i < 40; i++) {
      LocationLevel level = LocationLevel.values()[random.nextInt(3)];
      sites.add(
          new SiteSpec(
              "cell-" + i,
              "",
              Tier.CELL,
              "r",
              new GeoPoint(35, 139),
              "JP",
              "telco",
              level == LocationLevel.L1 && random.nextBoolean()
                  ? LocationClaim.DECLARED
                  : new LocationClaim(level, EVIDENCE),
              List.of()));
    }
    Roster roster = Roster.EMPTY.with(sites);
    long asked = 1 + random.nextInt(3);
    String text = "permit (principal, action, resource) when { resource.level >= " + asked + " };";
    if (!(PolicySet.compile(text) instanceof Compilation.Accepted(PolicySet set, var _))) {
      throw new AssertionError(text);
    }
    var residency =
        new Residency(
            new Principal("t", "p", "JP", ServiceTier.STANDARD, List.of()), List.of(set), null);
    var request = new RequestFacts(ServiceTier.STANDARD, "m", null);
    var prepared =
        residency.on(SiteClasses.of(roster, site -> site.location().level(), List.of(residency)));
    for (int i = 0; i < sites.size(); i++) {
      boolean claimed = sites.get(i).location().level().number() >= asked;
      assertThat(prepared.permits(PolicyAction.INFER, i, request))
          .as("site %d", i)
          .isEqualTo(claimed);
      assertThat(
              residency.check(PolicyAction.INFER, SiteFacts.of(sites.get(i)), request).permitted())
          .as("site %d", i)
          .isEqualTo(claimed);
    }
  }
}
