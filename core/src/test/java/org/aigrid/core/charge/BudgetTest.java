package org.aigrid.core.charge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.charge.Budget.Reserve;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BudgetTest {
  private static final long FOREVER = Long.MAX_VALUE;

  private static Budget with(long micros) {
    var budget = new Budget();
    budget.grant(micros, FOREVER);
    return budget;
  }

  @Test
  void whatIsReservedIsSettledAndTheRestGoesBack() {
    Budget budget = with(1_000);
    assertThat(budget.reserve("r1", 100, 700, 10, 0)).isEqualTo(new Reserve.Granted(700));
    assertThat(budget.reserve("r2", 400, 500, 10, 0)).isEqualTo(new Reserve.Short(100));
    assertThat(budget.reserve("r2", 200, 500, 10, 0)).isEqualTo(new Reserve.Granted(300));
    assertThat(budget.settle("r1", 250)).isEqualTo(new Budget.Settled(250, 450, 0));
    assertThat(budget.extend("r2", 300, 500, 20, 1)).isEqualTo(new Reserve.Granted(500));
    assertThat(budget.freeMicros()).isEqualTo(250);
  }

  @Test
  void askingTwiceIsAskingOnce() {
    Budget budget = with(1_000);
    budget.reserve("r", 100, 400, 10, 0);
    assertThat(budget.reserve("r", 100, 900, 10, 0)).isEqualTo(new Reserve.Granted(400));
    assertThat(budget.settle("r", 100)).isNotNull();
    assertThat(budget.settle("r", 100)).isNull();
    assertThat(budget.release("r")).isNull();
    assertThat(budget.extend("r", 1, 1, 10, 0)).isNull();
    assertThat(budget.spentMicros()).isEqualTo(100);
    assertThat(budget.freeMicros()).isEqualTo(900);
  }

  @Test
  void whatGoesBeyondTheSliceIsTheOperatorsLoss() {
    Budget budget = with(100);
    budget.reserve("r", 60, 60, 10, 0);
    assertThat(budget.settle("r", 150)).isEqualTo(new Budget.Settled(100, 0, 50));
    assertThat(budget.freeMicros()).isZero();
  }

  @Test
  void aReservationEndsByItselfUnlessProlonged() {
    Budget budget = with(100);
    budget.reserve("lost", 60, 60, 10, 0);
    budget.reserve("long", 40, 40, 10, 0);
    budget.extend("long", 40, 40, 30, 5);
    assertThat(budget.expire(9)).isEmpty();
    assertThat(budget.expire(10)).containsExactly("lost");
    assertThat(budget.freeMicros()).isEqualTo(60);
    assertThat(budget.expire(29)).isEmpty();
    assertThat(budget.expire(30)).containsExactly("long");
    assertThat(budget.heldMicros()).isZero();
  }

  @Test
  void aSliceWhoseLeaseEndedGrantsNothing() {
    var budget = new Budget();
    budget.grant(100, 50);
    assertThat(budget.reserve("a", 10, 10, 99, 49)).isEqualTo(new Reserve.Granted(10));
    assertThat(budget.reserve("b", 10, 10, 99, 50)).isEqualTo(new Reserve.Short(10));
    budget.grant(0, 90);
    assertThat(budget.reserve("b", 10, 10, 99, 50)).isEqualTo(new Reserve.Granted(10));
  }

  @Test
  void nonsenseIsRefusedWithItsFigures() {
    assertThatThrownBy(() -> with(1).reserve("r", 5, 4, 1, 0)).hasMessageContaining("5 to 4");
    assertThatThrownBy(() -> with(-1)).hasMessageContaining("-1");
  }

  static LongStream seeds() {
    return LongStream.range(0, 200);
  }

  /// Whatever happens in whatever order: free + held + spent is what was granted less what was
  /// given back, nothing is ever negative, and at the end nothing is held.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noMicroIsMadeOrLost(long seed) {
    var random = new SplittableRandom(seed);
    var budget = new Budget();
    long granted = 0;
    long now = 0;
    var open = new ArrayList<String>();
    for (int i = 0; i < 500; i++) {
      now += random.nextInt(5);
      String id = open.isEmpty() ? "none" : open.get(random.nextInt(open.size()));
      switch (random.nextInt(7)) {
        case 0 -> {
          long micros = random.nextLong(1_000);
          budget.grant(micros, now + random.nextInt(100));
          granted += micros;
        }
        case 1, 2 -> {
          long least = random.nextLong(200);
          open.add("r" + i);
          budget.reserve("r" + i, least, least + random.nextLong(200), now + 20, now);
        }
        case 3 -> {
          long least = random.nextLong(300);
          budget.extend(id, least, least + random.nextLong(100), now + 20, now);
        }
        case 4 -> budget.settle(id, random.nextLong(400));
        case 5 -> granted -= budget.giveBack(random.nextLong(50));
        default -> budget.expire(now);
      }
      budget.tidy();
      assertThat(budget.freeMicros()).isNotNegative();
      assertThat(budget.heldMicros()).isNotNegative();
      assertThat(budget.freeMicros() + budget.heldMicros() + budget.spentMicros())
          .isEqualTo(granted);
    }
    budget.expire(now + 1_000);
    assertThat(budget.heldMicros()).isZero();
    assertThat(budget.reservations()).isZero();
  }
}
