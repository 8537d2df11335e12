package org.aigrid.core.charge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.charge.JointBudget.Claim;
import org.aigrid.core.charge.JointBudget.Settled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class JointBudgetTest {
  private static final long FOREVER = Long.MAX_VALUE;

  private static Budget with(long micros) {
    var budget = new Budget();
    budget.grant(micros, FOREVER);
    return budget;
  }

  @Test
  void theTightestBudgetDecidesForAll() {
    Budget cap = with(300);
    Budget money = with(1_000);
    var joint = new JointBudget("r", cap, money);
    assertThat(joint.reserve(100, 700, 10, 0)).isEqualTo(new Claim.Granted(300));
    assertThat(money.heldMicros())
        .as("no more of the tenant's than of the project's")
        .isEqualTo(300);
    assertThat(joint.extend(301, 400, 20, 1)).isEqualTo(new Claim.Short(0, 1));
    cap.grant(50, FOREVER);
    assertThat(joint.extend(301, 400, 20, 1)).isEqualTo(new Claim.Granted(350));
    assertThat(joint.settle(120, 2)).isEqualTo(new Settled(120, 0));
    assertThat(cap.freeMicros()).isEqualTo(230);
    assertThat(money.freeMicros()).isEqualTo(880);
  }

  @Test
  void whatOneDoesNotHaveTheOtherKeeps() {
    Budget cap = with(10);
    Budget money = with(1_000);
    assertThat(new JointBudget("r", money, cap).reserve(11, 50, 10, 0))
        .isEqualTo(new Claim.Short(1, 1));
    assertThat(money.freeMicros()).isEqualTo(1_000);
    assertThat(money.reservations()).isZero();
  }

  @Test
  void whatGoesBeyondACapIsTheOperatorsLossAndNotTheTenants() {
    Budget cap = with(100);
    Budget money = with(1_000);
    var joint = new JointBudget("r", cap, money);
    joint.reserve(60, 60, 10, 0);
    assertThat(joint.settle(150, 1)).isEqualTo(new Settled(100, 50));
    assertThat(money.freeMicros()).isEqualTo(900);
    assertThat(cap.freeMicros()).isZero();
  }

  @Test
  void aShortageProlongsWhatIsHeldAndAReservationThatEndedIsPaidFromWhatIsFree() {
    Budget cap = with(100);
    Budget money = with(100);
    var joint = new JointBudget("r", cap, money);
    joint.reserve(100, 100, 10, 0);
    assertThat(joint.extend(101, 101, 30, 5)).isInstanceOf(Claim.Short.class);
    assertThat(cap.expire(20)).isEmpty();
    assertThat(cap.expire(30)).containsExactly("r");
    assertThat(joint.extend(1, 1, 50, 31)).as("one of them holds nothing").isNull();
    assertThat(joint.settle(70, 31)).isEqualTo(new Settled(70, 0));
    assertThat(cap.freeMicros()).isEqualTo(30);
    assertThat(money.freeMicros()).isEqualTo(30);
  }

  @Test
  void nothingIsPaidOutOfNothing() {
    assertThatThrownBy(() -> new JointBudget("r")).hasMessageContaining("expected: 1 or more");
  }

  static LongStream seeds() {
    return LongStream.range(0, 100);
  }

  /// Requests of two projects of one tenant, with caps of their own and one purse.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void nobodySpendsBeyondACapAndNothingIsLostOrMade(long seed) {
    var random = new SplittableRandom(seed);
    long[] granted = {random.nextLong(5_000), random.nextLong(5_000), random.nextLong(8_000)};
    Budget[] budgets = {with(granted[0]), with(granted[1]), with(granted[2])};
    var open = new ArrayList<JointBudget>();
    long[] paid = {0, 0};
    var projects = new ArrayList<Integer>();
    for (int i = 0; i < 400; i++) {
      if (open.isEmpty() || random.nextInt(3) == 0) {
        int project = random.nextInt(2);
        var joint = new JointBudget("r" + i, budgets[project], budgets[2]);
        long least = random.nextLong(50);
        long[] before = state(budgets);
        Claim claim = joint.reserve(least, least + random.nextLong(500), FOREVER, i);
        if (claim instanceof Claim.Granted(long held)) {
          assertThat(held).isGreaterThanOrEqualTo(least);
          open.add(joint);
          projects.add(project);
        } else {
          assertThat(state(budgets)).containsExactly(before);
        }
      } else if (random.nextBoolean()) {
        long least = random.nextLong(300);
        open.get(random.nextInt(open.size())).extend(least, least + 100, FOREVER, i);
      } else {
        int which = random.nextInt(open.size());
        Settled settled = open.remove(which).settle(random.nextLong(600), i);
        paid[projects.remove(which)] += settled.chargedMicros();
      }
      for (int b = 0; b < budgets.length; b++) {
        Budget budget = budgets[b];
        assertThat(budget.freeMicros()).isNotNegative();
        assertThat(budget.freeMicros() + budget.heldMicros() + budget.spentMicros())
            .isEqualTo(granted[b]);
      }
      assertThat(budgets[0].spentMicros()).isEqualTo(paid[0]);
      assertThat(budgets[1].spentMicros()).isEqualTo(paid[1]);
      assertThat(budgets[2].spentMicros()).isEqualTo(paid[0] + paid[1]);
    }
  }

  private static long[] state(Budget[] budgets) {
    return LongStream.range(0, budgets.length)
        .flatMap(
            b ->
                LongStream.of(
                    budgets[(int) b].freeMicros(),
                    budgets[(int) b].heldMicros(),
                    budgets[(int) b].reservations()))
        .toArray();
  }
}
