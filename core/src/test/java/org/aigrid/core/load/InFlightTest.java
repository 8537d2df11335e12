package org.aigrid.core.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InFlightTest {
  private static final int SEEDS = 200;
  private static final int ENDPOINTS = 6;

  @Test
  void whateverTheOrderOfEventsLoadIsNeverNegativeAndIsZeroAtTheEnd() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      var inFlight = new InFlight(32);
      var known = new ArrayList<Long>(); // leases ever given out, ended or not
      long now = 0;
      for (int step = 0; step < 500; step++) {
        now += random.nextInt(50);
        switch (random.nextInt(5)) {
          case 0, 1 -> {
            boolean full = inFlight.leases() == 32;
            long lease =
                inFlight.charge(
                    random.nextInt(ENDPOINTS),
                    random.nextInt(-5, 4_000),
                    now + random.nextInt(2_000));
            assertThat(lease == InFlight.NONE).isEqualTo(full);
            known.add(lease);
          }
          case 2 -> inFlight.firstToken(any(known, random));
          case 3 -> inFlight.end(any(known, random));
          default -> inFlight.expire(now, random.nextInt(40));
        }
        int requests = 0;
        for (int e = 0; e < ENDPOINTS; e++) {
          assertThat(inFlight.ownRequests(e)).as("seed %d step %d", seed, step).isNotNegative();
          assertThat(inFlight.ownUncachedTokens(e)).as("seed %d", seed).isNotNegative();
          requests += inFlight.ownRequests(e);
        }
        assertThat(requests).isEqualTo(inFlight.leases());
      }
      inFlight.expire(now + 10_000, 32);
      assertThat(inFlight.leases()).isZero();
      for (int e = 0; e < ENDPOINTS; e++) {
        assertThat(inFlight.ownRequests(e)).as("seed %d", seed).isZero();
        assertThat(inFlight.ownUncachedTokens(e)).as("seed %d", seed).isZero();
      }
    }
  }

  private static long any(ArrayList<Long> known, SplittableRandom random) {
    return known.isEmpty() ? InFlight.NONE : known.get(random.nextInt(known.size()));
  }

  @Test
  void releasingTwiceReleasesOnceEvenWhenTheSlotHasANewTenant() {
    var inFlight = new InFlight(1);
    long first = inFlight.charge(0, 100, 1_000);
    inFlight.firstToken(first);
    inFlight.firstToken(first);
    assertThat(inFlight.ownUncachedTokens(0)).isZero();
    inFlight.end(first);
    inFlight.end(first);
    assertThat(inFlight.ownRequests(0)).isZero();
    long second = inFlight.charge(0, 70, 1_000);
    inFlight.firstToken(first);
    inFlight.end(first);
    assertThat(inFlight.ownRequests(0)).isEqualTo(1);
    assertThat(inFlight.ownUncachedTokens(0)).isEqualTo(70);
    assertThat(second).isNotEqualTo(first);
  }

  @Test
  void aReportThatHoldsOurOwnRequestsDoesNotCountThemTwice() {
    var inFlight = new InFlight(8);
    inFlight.charge(0, 1_000, 9_000);
    inFlight.charge(0, 500, 9_000);
    inFlight.onReport(0, 1, 1_500, 2); // the site counts ours
    assertThat(inFlight.uncachedTokens(0)).isEqualTo(1_500);
    assertThat(inFlight.requests(0)).isEqualTo(2);
    inFlight.onReport(0, 2, 1_900, 3); // and one of somebody else
    assertThat(inFlight.uncachedTokens(0)).isEqualTo(1_900);
    assertThat(inFlight.requests(0)).isEqualTo(3);
  }

  @Test
  void whatWeSendBetweenReportsCountsOnTopAndAReportCountsOnce() {
    var inFlight = new InFlight(8);
    inFlight.onReport(0, 1, 400, 1);
    long lease = inFlight.charge(0, 1_000, 9_000);
    inFlight.onReport(0, 1, 400, 1); // the same report again
    assertThat(inFlight.uncachedTokens(0)).isEqualTo(1_400);
    inFlight.end(lease);
    assertThat(inFlight.uncachedTokens(0)).isEqualTo(400);
  }

  @Test
  void aReportOlderThanOurRequestsDoesNotMakeOthersNegative() {
    var inFlight = new InFlight(8);
    inFlight.charge(0, 1_000, 9_000);
    inFlight.onReport(0, 1, 0, 0);
    assertThat(inFlight.uncachedTokens(0)).isEqualTo(1_000);
    assertThat(inFlight.requests(0)).isEqualTo(1);
  }

  @Test
  void aBrokenStreamIsEndedWhenItsTimeIsOver() {
    var inFlight = new InFlight(4);
    inFlight.charge(0, 10, 1_000);
    inFlight.charge(0, 10, 2_000);
    assertThat(inFlight.expire(999, 4)).isZero();
    assertThat(inFlight.expire(1_000, 4)).isEqualTo(1);
    assertThat(inFlight.leases()).isEqualTo(1);
  }

  @Test
  void anEndpointNeverHeardOfCarriesNothing() {
    var inFlight = new InFlight(4);
    assertThat(inFlight.requests(99)).isZero();
    assertThat(inFlight.uncachedTokens(99)).isZero();
  }

  @Test
  void aSuspicionEndsWithTheNextReportIsAboutOneEndpointAndChangesNoLoad() {
    var inFlight = new InFlight(1);
    assertThat(inFlight.suspected(3, 7)).isFalse();
    inFlight.onReport(3, 7, 900, 4);
    inFlight.suspect(3);
    assertThat(inFlight.suspected(3, 7)).isTrue();
    assertThat(inFlight.uncachedTokens(3)).isEqualTo(900);
    assertThat(inFlight.requests(3)).isEqualTo(4);
    assertThat(inFlight.suspected(2, 7)).isFalse();
    assertThat(inFlight.suspected(3, 8)).as("the site has spoken").isFalse();
    inFlight.onReport(3, 8, 100, 1);
    assertThat(inFlight.suspected(3, 8)).isFalse();
  }

  /// Forty gateways over one hub that reports each second and was idle at the last report: each
  /// alone sees only what it sent, and with the others taken for its like each sees them all.
  @Test
  void betweenReportsTheOthersAreTakenForOnesLike() {
    int gateways = 40;
    var all = new ArrayList<InFlight>();
    for (int g = 0; g < gateways; g++) {
      all.add(new InFlight(100_000));
    }
    // It has been learnt over some reports that the load is shared evenly.
    var leases = new ArrayList<Long>();
    for (int report = 0; report < 20; report++) {
      for (InFlight gateway : all) {
        leases.add(gateway.charge(0, 100, Long.MAX_VALUE));
      }
      for (InFlight gateway : all) {
        gateway.onReport(0, report, gateways * (report + 1) * 100, gateways * (report + 1));
      }
    }
    InFlight one = all.getFirst();
    assertThat(one.requests(0)).isEqualTo(gateways * 20);
    assertThat(one.uncachedTokens(0)).isEqualTo(gateways * 20 * 100);
    // Now each sends ten more, and there is no report yet.
    for (InFlight gateway : all) {
      for (int i = 0; i < 10; i++) {
        leases.add(gateway.charge(0, 100, Long.MAX_VALUE));
      }
    }
    assertThat(one.requests(0)).isBetween(gateways * 29, gateways * 31);
    assertThat(one.uncachedTokens(0)).isBetween(gateways * 2_900L, gateways * 3_100L);
    // What ends for it ends for the others, and never below nothing.
    for (int i = 0; i < leases.size(); i += gateways) {
      one.end(leases.get(Math.min(i, 19 * gateways)));
    }
    assertThat(one.requests(0)).isNotNegative();
  }

  @Test
  void whoIsAloneAtAnEndpointTakesNobodyIntoAccount() {
    var inFlight = new InFlight(100);
    for (int report = 0; report < 10; report++) {
      inFlight.charge(0, 50, Long.MAX_VALUE);
      inFlight.onReport(0, report, (report + 1) * 50, report + 1);
    }
    inFlight.charge(0, 50, Long.MAX_VALUE);
    assertThat(inFlight.requests(0)).isEqualTo(11);
    assertThat(inFlight.uncachedTokens(0)).isEqualTo(550);
  }
}
