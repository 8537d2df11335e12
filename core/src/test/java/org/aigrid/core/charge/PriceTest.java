package org.aigrid.core.charge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.model.ServiceTier;
import org.junit.jupiter.api.Test;

class PriceTest {
  @Test
  void aRequestIsRoundedUpOnce() {
    var price = new Price(200_000, 50_000, 800_000);
    assertThat(price.costMicros(1_000, 400, 100)).isEqualTo(120 + 20 + 80);
    assertThat(price.costMicros(1, 0, 0)).isEqualTo(1);
    assertThat(price.costMicros(0, 0, 0)).isZero();
  }

  @Test
  void whatIsHeldPaysForExactlyAsManyTokensAsItSays() {
    for (int seed = 0; seed < 2_000; seed++) {
      var random = new SplittableRandom(seed);
      var price =
          new Price(
              random.nextLong(Price.MICROS_MAX >> random.nextInt(36)),
              random.nextLong(Price.MICROS_MAX >> random.nextInt(36)),
              1 + random.nextLong(Price.MICROS_MAX >> random.nextInt(36)));
      long prompt = random.nextLong(100_000);
      long held = random.nextLong(Price.MICROS_MAX);
      long tokens = price.outputTokensFor(held, prompt);
      if (tokens < 0) {
        assertThat(price.worstMicros(prompt, 0)).as("seed %d", seed).isGreaterThan(held);
        continue;
      }
      assertThat(price.worstMicros(prompt, tokens)).as("seed %d", seed).isLessThanOrEqualTo(held);
      if (tokens < Price.TOKENS_MAX) {
        assertThat(price.worstMicros(prompt, tokens + 1)).as("seed %d", seed).isGreaterThan(held);
      }
    }
  }

  @Test
  void theDearestRequestDoesNotOverflow() {
    var price = new Price(Price.MICROS_MAX, Price.MICROS_MAX, Price.MICROS_MAX);
    long cost = price.costMicros(Long.MAX_VALUE, 0, Long.MAX_VALUE);
    assertThat(cost).isEqualTo(2 * Price.MICROS_MAX / 1_000_000 * Price.TOKENS_MAX);
    assertThat(price.outputTokensFor(Long.MAX_VALUE, 0)).isEqualTo(Price.TOKENS_MAX);
    assertThatThrownBy(() -> new Price(-1, 0, 0)).hasMessageContaining("promptMicros: -1");
  }

  @Test
  void theClosestLineHolds() {
    var any = new PriceList.Line("any", "*", null, Price.FREE);
    var anyHarvest = new PriceList.Line("harvest", "*", ServiceTier.HARVEST, Price.FREE);
    var model = new PriceList.Line("m", "m", null, Price.FREE);
    var modelRealtime = new PriceList.Line("m-rt", "m", ServiceTier.REALTIME, Price.FREE);
    var list = new PriceList(List.of(any, anyHarvest, model, modelRealtime));
    assertThat(list.of("m", ServiceTier.REALTIME)).isEqualTo(modelRealtime);
    assertThat(list.of("m", ServiceTier.HARVEST)).isEqualTo(model);
    assertThat(list.of("x", ServiceTier.HARVEST)).isEqualTo(anyHarvest);
    assertThat(list.of("x", ServiceTier.STANDARD)).isEqualTo(any);
    assertThat(new PriceList(List.of(model)).of("x", ServiceTier.STANDARD)).isNull();
  }
}
