package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.aigrid.core.admit.Quota.Entry;
import org.aigrid.core.admit.Quota.Limit;
import org.junit.jupiter.api.Test;

class QuotaTest {
  private static final long NONE = RateLimiter.UNLIMITED;

  @Test
  void aRefusalByTheTenantLeavesTheKeyAsItWas() {
    var key = new Quota(new Limits(NONE, 10, 1_000, 5), 0);
    var tenant = new Quota(new Limits(NONE, 1, NONE, NONE), 0);
    var both = new Quota[] {key, tenant};
    assertThat(Quota.enter(both, 100, 0)).isInstanceOf(Entry.Entered.class);
    Entry second = Quota.enter(both, 100, 0);
    assertThat(second).isInstanceOf(Entry.Refused.class);
    if (second instanceof Entry.Refused(int scope, Limit limit, long retryAfterMs, var _)) {
      assertThat(scope).isEqualTo(1);
      assertThat(limit).isEqualTo(Limit.REQUESTS_PER_MINUTE);
      assertThat(retryAfterMs).isEqualTo(60_000);
    }
    assertThat(key.underWay()).isEqualTo(1);
    var alone = new Quota[] {key};
    for (int i = 0; i < 4; i++) {
      assertThat(Quota.enter(alone, 225, 0)).as("%d", i).isInstanceOf(Entry.Entered.class);
    }
  }

  @Test
  void streamsAtATimeAndRequestsASecondAreBounded() {
    var quota = new Quota(new Limits(3, NONE, NONE, 2), 0);
    var all = new Quota[] {quota};
    Quota.enter(all, 1, 0);
    Quota.enter(all, 1, 0);
    assertThat(Quota.enter(all, 1, 0))
        .isInstanceOfSatisfying(
            Entry.Refused.class, no -> assertThat(no.limit()).isEqualTo(Limit.CONCURRENT));
    quota.leave(1, 1);
    assertThat(Quota.enter(all, 1, 0)).isInstanceOf(Entry.Entered.class);
    quota.leave(1, 1);
    assertThat(Quota.enter(all, 1, 0))
        .isInstanceOfSatisfying(
            Entry.Refused.class,
            no -> {
              assertThat(no.limit()).isEqualTo(Limit.REQUESTS_PER_SECOND);
              assertThat(no.retryAfterMs()).isEqualTo(334);
              assertThat(Quota.enter(all, 1, 333)).isInstanceOf(Entry.Refused.class);
              assertThat(Quota.enter(all, 1, 334)).isInstanceOf(Entry.Entered.class);
            });
  }

  @Test
  void whatEnteredAndLeftIsNeverCountedTwiceOverSeeds() {
    for (int seed = 0; seed < 100; seed++) {
      var random = new SplittableRandom(seed);
      var quotas = new Quota[3];
      for (int i = 0; i < 3; i++) {
        quotas[i] =
            new Quota(
                new Limits(
                    1 + random.nextInt(50),
                    1 + random.nextInt(500),
                    1 + random.nextInt(50_000),
                    1 + random.nextInt(20)),
                0);
      }
      int inside = 0;
      long now = 0;
      for (int i = 0; i < 2_000; i++) {
        now += random.nextInt(200);
        if (inside > 0 && random.nextBoolean()) {
          for (Quota quota : quotas) {
            quota.leave(100, random.nextInt(100));
          }
          inside--;
        } else if (Quota.enter(quotas, random.nextInt(1_000), now) instanceof Entry.Entered) {
          inside++;
        }
        for (Quota quota : quotas) {
          assertThat(quota.underWay()).as("seed %d", seed).isEqualTo(inside);
          assertThat(quota.underWay()).isLessThanOrEqualTo(quota.limits().concurrentMax());
        }
      }
    }
  }

  @Test
  void changedLimitsKeepWhatIsUnderWay() {
    var quota = new Quota(new Limits(NONE, NONE, NONE, 2), 0);
    Quota.enter(new Quota[] {quota}, 1, 0);
    quota.change(new Limits(NONE, NONE, NONE, 1), 0);
    assertThat(Quota.enter(new Quota[] {quota}, 1, 0)).isInstanceOf(Entry.Refused.class);
  }
}
