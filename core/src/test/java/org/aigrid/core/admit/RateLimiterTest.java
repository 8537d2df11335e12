package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.SplittableRandom;
import org.aigrid.core.admit.Admission.Allowance;
import org.junit.jupiter.api.Test;

class RateLimiterTest {
  private record Entry(long atMs, long tokens) {}

  @Test
  void noWindowOfAnyLengthHoldsMoreThanTheBurstAndTheRate() {
    for (int seed = 0; seed < 200; seed++) {
      var random = new SplittableRandom(seed);
      long requestsPerMinute = random.nextLong(1, 120);
      long tokensPerMinute = random.nextLong(100, 20_000);
      var limiter = new RateLimiter(requestsPerMinute, tokensPerMinute, 0);
      var entries = new ArrayList<Entry>();
      long now = 0;
      for (int i = 0; i < 600; i++) {
        now += random.nextInt(3) == 0 ? random.nextInt(5_000) : random.nextInt(50);
        long tokens = random.nextLong(tokensPerMinute / 5 + 1);
        if (limiter.admit(tokens, now) instanceof Admission.Admitted) {
          entries.add(new Entry(now, tokens));
        }
      }
      assertThat(entries).isNotEmpty();
      for (int from = 0; from < entries.size(); from++) {
        long sum = 0;
        for (int to = from; to < entries.size(); to++) {
          sum += entries.get(to).tokens();
          double minutes = (entries.get(to).atMs() - entries.get(from).atMs()) / 60_000.0;
          assertThat(to - from + 1.0)
              .as("requests, seed %d", seed)
              .isLessThanOrEqualTo(requestsPerMinute * (1 + minutes) + 1e-6);
          assertThat((double) sum)
              .as("tokens, seed %d", seed)
              .isLessThanOrEqualTo(tokensPerMinute * (1 + minutes) + 1e-6);
        }
      }
    }
  }

  @Test
  void whoWaitsAsLongAsToldIsAdmittedAndNotAMillisecondSooner() {
    for (int seed = 0; seed < 200; seed++) {
      var random = new SplittableRandom(seed);
      var limiter = new RateLimiter(random.nextLong(1, 50), random.nextLong(100, 5_000), 0);
      long tokens = 1 + random.nextLong(limiter.tokensPerMinute());
      Admission answer = limiter.admit(tokens, 0);
      while (answer instanceof Admission.Admitted) {
        answer = limiter.admit(tokens, 0);
      }
      assertThat(answer).isInstanceOf(Admission.Limited.class);
      if (answer instanceof Admission.Limited limited) {
        assertThat(limited.retryAfterMs()).isBetween(1L, 60_000L);
        assertThat(limiter.admit(tokens, limited.retryAfterMs() - 1))
            .as("seed %d", seed)
            .isInstanceOf(Admission.Limited.class);
        assertThat(limiter.admit(tokens, limited.retryAfterMs()))
            .as("seed %d", seed)
            .isInstanceOf(Admission.Admitted.class);
      }
    }
  }

  @Test
  void whatWasEstimatedAndNotUsedIsGivenBack() {
    var limiter = new RateLimiter(100, 1_000, 0);
    assertThat(limiter.admit(1_000, 0)).isInstanceOf(Admission.Admitted.class);
    limiter.settle(1_000, 100);
    assertThat(limiter.admit(900, 0)).isInstanceOf(Admission.Admitted.class);
    assertThat(limiter.admit(1, 0)).isInstanceOf(Admission.Limited.class);
  }

  @Test
  void givingBackNeverFillsABucketBeyondItsBrim() {
    var limiter = new RateLimiter(100, 1_000, 0);
    limiter.admit(500, 0);
    limiter.settle(Long.MAX_VALUE, 0);
    assertThat(limiter.admit(0, 0))
        .isInstanceOfSatisfying(
            Admission.Admitted.class, a -> assertThat(a.left().tokens()).isEqualTo(1_000));
  }

  @Test
  void usingMoreThanTheEstimateIsADebtOfAMinuteAtMost() {
    var limiter = new RateLimiter(100, 1_000, 0);
    for (int i = 0; i < 100; i++) {
      limiter.settle(0, Long.MAX_VALUE);
    }
    assertThat(limiter.admit(1_000, 0))
        .isEqualTo(
            new Admission.Limited(
                Admission.Limit.TOKENS_PER_MINUTE, 120_000, new Allowance(100, 0, 0, 120_000)));
  }

  @Test
  void aRequestLargerThanTheLimitIsNotToldToComeBack() {
    assertThat(new RateLimiter(100, 1_000, 0).admit(1_001, 0))
        .isEqualTo(new Admission.TooLarge(1_000, new Allowance(100, 1_000, 0, 0)));
  }

  @Test
  void aClockThatStepsBackGrantsNothing() {
    var limiter = new RateLimiter(1, 1_000, 100_000);
    limiter.admit(1, 100_000);
    assertThat(limiter.admit(1, 0)).isInstanceOf(Admission.Limited.class);
    assertThat(limiter.admit(1, 159_999)).isInstanceOf(Admission.Limited.class);
    assertThat(limiter.admit(1, 160_000)).isInstanceOf(Admission.Admitted.class);
  }

  @Test
  void limitsThatAreNotSetNeverLimit() {
    var limiter = new RateLimiter(RateLimiter.UNLIMITED, Long.MAX_VALUE, 0);
    for (int i = 0; i < 1_000; i++) {
      assertThat(limiter.admit(32_000_000, i * 3_600_000L)).isInstanceOf(Admission.Admitted.class);
    }
  }

  @Test
  void nonsenseIsRefused() {
    assertThatThrownBy(() -> new RateLimiter(0, 1, 0)).hasMessageContaining("expected");
    assertThatThrownBy(() -> new RateLimiter(1, 1, 0).admit(-1, 0)).hasMessageContaining("tokens");
  }
}
