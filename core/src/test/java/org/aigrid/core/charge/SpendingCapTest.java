package org.aigrid.core.charge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.charge.SpendingCap.Per;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SpendingCapTest {
  @Test
  void whatIsLeftIsGivenAndNoMore() {
    var cap = new SpendingCap(1_000, Per.MONTH);
    assertThat(cap.grant(300, 200, 100)).isEqualTo(100);
    assertThat(cap.grant(300, 200, 900)).isEqualTo(500);
    assertThat(cap.grant(1_000, 0, 1)).isZero();
    assertThat(cap.grant(800, 300, 1)).as("more is out than a lowered cap has").isZero();
    assertThat(cap.grant(Long.MAX_VALUE, Long.MAX_VALUE, 5)).isZero();
    assertThat(cap.grant(0, 0, -5)).isZero();
    assertThat(new SpendingCap(0, Per.TOTAL).grant(0, 0, 5)).isZero();
  }

  @Test
  void noCapIsBelowNothing() {
    assertThatThrownBy(() -> new SpendingCap(-1, Per.TOTAL)).hasMessageContaining("-1 micros");
    assertThatThrownBy(() -> new SpendingCap(SpendingCap.MICROS_MAX + 1, Per.TOTAL))
        .hasMessageContaining("expected");
  }

  static LongStream seeds() {
    return LongStream.range(0, 50);
  }

  /// Several gateways that take, spend and return as they like.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void gatewaysTogetherNeverHoldOrSpendMoreThanTheCap(long seed) {
    var random = new SplittableRandom(seed);
    var cap = new SpendingCap(1 + random.nextLong(10_000), Per.TOTAL);
    var held = new long[3];
    long spent = 0;
    for (int i = 0; i < 500; i++) {
      int gateway = random.nextInt(held.length);
      switch (random.nextInt(3)) {
        case 0 ->
            held[gateway] += cap.grant(spent, LongStream.of(held).sum(), random.nextLong(2_000));
        case 1 -> {
          long used = random.nextLong(held[gateway] + 1);
          held[gateway] -= used;
          spent += used;
        }
        default -> held[gateway] -= random.nextLong(held[gateway] + 1);
      }
      assertThat(spent + LongStream.of(held).sum()).isLessThanOrEqualTo(cap.micros());
    }
  }
}
