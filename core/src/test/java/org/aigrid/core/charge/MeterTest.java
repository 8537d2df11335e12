package org.aigrid.core.charge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.charge.Meter.Verdict;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MeterTest {
  static LongStream seeds() {
    return LongStream.range(0, 300);
  }

  /// A stream longer than its tenant's money ends within one chunk of it: what was passed is paid
  /// for, and one chunk more would not have been.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aStreamIsCutWithinOneChunkOfItsBudget(long seed) {
    var random = new SplittableRandom(seed);
    var price =
        new Price(
            random.nextLong(1_000_000), random.nextLong(500_000), 1 + random.nextLong(9_000_000));
    int prompt = random.nextInt(5_000);
    int outputMax = 1_000_000;
    long least = Meter.leastMicros(price, prompt, outputMax);
    var budget = new Budget();
    long slice = least + random.nextLong(20_000);
    budget.grant(slice, Long.MAX_VALUE);
    long first = Math.min(slice, least + random.nextLong(2_000));
    assertThat(budget.reserve("r", least, first, 1_000, 0))
        .isEqualTo(new Budget.Reserve.Granted(first));
    var meter = new Meter(price, prompt, outputMax, first);
    int chunk = 1;
    for (int i = 0; i < 2_000_000; i++) {
      chunk = 1 + random.nextInt(16);
      Verdict verdict = meter.next(chunk);
      if (verdict == Verdict.EXTEND) {
        switch (budget.extend("r", meter.leastMicros(chunk), meter.wantMicros(chunk), 1_000, 0)) {
          case Budget.Reserve.Granted(long held) -> meter.held(held);
          case null, default -> meter.refused();
        }
        verdict = meter.next(chunk);
        assertThat(verdict).isNotEqualTo(Verdict.EXTEND);
      }
      if (verdict == Verdict.CUT) {
        break;
      }
    }
    long passed = meter.tokensPassed();
    assertThat(price.worstMicros(prompt, passed)).isLessThanOrEqualTo(slice);
    assertThat(price.worstMicros(prompt, passed + chunk)).isGreaterThan(slice);
    Budget.Settled settled = budget.settle("r", price.costMicros(prompt, 0, passed));
    assertThat(settled).isNotNull();
    assertThat(settled == null ? 1 : settled.operatorMicros()).isZero();
  }
}
