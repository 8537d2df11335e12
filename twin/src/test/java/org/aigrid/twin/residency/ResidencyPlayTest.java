package org.aigrid.twin.residency;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ResidencyPlayTest {
  private static final int WORLDS = 750;
  private static final int REQUESTS = 400;

  @Test
  void noSiteEverBeginsWorkThatItsTenantsPoliciesDoNotPermit() {
    ResidencyOutcome all = ResidencyOutcome.NOTHING;
    for (long seed = 1; seed <= WORLDS; seed++) {
      all = all.and(ResidencyPlay.play(seed, REQUESTS, Slip.NONE));
    }
    assertThat(all.violations()).isEmpty();
    assertThat(all.caughtLate()).as("places the router's filter let through").isZero();
    // Worlds in which nothing happens would prove nothing.
    assertThat(all.requests()).isGreaterThanOrEqualTo(200_000);
    for (WorkPath path : WorkPath.values()) {
      assertThat(all.begun(path)).as("work begun, %s", path).isGreaterThan(10_000);
      assertThat(all.refusedBySite(path)).as("refused by sites, %s", path).isGreaterThan(50);
    }
    assertThat(all.refused()).as("requests that may go nowhere").isGreaterThan(1_000);
    assertThat(all.policyChanges()).isGreaterThan(2_000);
  }

  @ParameterizedTest
  @EnumSource(value = Slip.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void everyMistakeIsFound(Slip slip) {
    ResidencyOutcome all = ResidencyOutcome.NOTHING;
    for (long seed = 1; seed <= 20; seed++) {
      all = all.and(ResidencyPlay.play(seed, 200, slip));
    }
    assertThat(all.violations()).isNotEmpty();
    if (slip != Slip.SITES_TRUST && slip != Slip.NARROWING_FORGOTTEN) {
      // A site's own check holds even then, where the order says what the client asked for.
      assertThat(all.violations()).noneMatch(what -> what.contains(" began "));
    }
  }

  @Test
  void theSameSeedIsTheSamePlay() {
    for (long seed = 1; seed <= 5; seed++) {
      assertThat(ResidencyPlay.play(seed, 200, Slip.NONE))
          .isEqualTo(ResidencyPlay.play(seed, 200, Slip.NONE));
    }
  }
}
