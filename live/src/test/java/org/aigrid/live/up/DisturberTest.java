package org.aigrid.live.up;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.model.Tier;
import org.aigrid.live.up.SiteState.Condition;
import org.aigrid.live.up.SiteState.EndpointState;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a disturber orders of a grid, and leaves behind.
@Timeout(60)
class DisturberTest {
  private static final String MODEL = "m";

  private final List<String> orders = new ArrayList<>();

  private static SiteState site(String id, Tier tier, int running) {
    return new SiteState(
        id,
        id,
        tier,
        "r",
        Condition.UP,
        1_000,
        "a",
        tier == Tier.CELL ? 0.2 : -1,
        0.5,
        0,
        false,
        List.of(new EndpointState(MODEL, "emulated", running, 0, 0, 0)));
  }

  /// A grid that stops the disturber, or fails, at its n-th order.
  private final class Told implements Disturber.Grid {
    private final int lastOrder;
    private final boolean fails;
    private @Nullable Disturber disturber;

    Told(int lastOrder, boolean fails) {
      this.lastOrder = lastOrder;
      this.fails = fails;
    }

    @Override
    public List<SiteState> sites() {
      return List.of(
          site("hub", Tier.HUB, 90), site("one", Tier.CELL, 3), site("two", Tier.CELL, 5));
    }

    @Override
    public void order(String site, String order) {
      orders.add(order + " " + site);
      if (orders.size() == lastOrder) {
        if (fails) {
          throw new CommandFailure("no answer"); // it may have been carried out all the same
        }
        requireNonNull(disturber).stop();
      }
    }
  }

  private Disturber run(Told grid, long disturbedForMs) {
    var disturber = new Disturber(grid, MODEL, 1, disturbedForMs, what -> {});
    grid.disturber = disturber;
    disturber.run();
    return disturber;
  }

  @Test
  void theBusiestBaseStationIsDisturbedInTurnAndAllIsMadeGoodAtTheEnd() {
    Disturber disturber = run(new Told(4, false), 60_000);
    assertThat(orders)
        .containsExactly(
            "kill two",
            "surge/0.97/1500 two",
            "mute two",
            "kill two",
            "revive two",
            "unmute two",
            "revive two");
    assertThat(disturber.done()).hasToString("{kill=2, mute=1, surge=1}");
    assertThat(disturber.failure()).isNull();
  }

  @Test
  void aDisturbanceIsMadeGoodInItsTime() {
    run(new Told(2, false), 0);
    assertThat(orders).containsExactly("kill two", "revive two");
  }

  @Test
  void anOrderThatFailsEndsItAndIsMadeGoodAllTheSame() {
    Disturber disturber = run(new Told(3, true), 60_000);
    assertThat(orders)
        .containsExactly("kill two", "surge/0.97/1500 two", "mute two", "revive two", "unmute two");
    assertThat(disturber.failure()).isEqualTo("no answer");
    assertThat(disturber.done()).hasToString("{kill=1, surge=1}");
  }

  @Test
  void aMendThatFailsIsTriedAgainAndTheOthersAreNotForgotten() {
    Disturber disturber = run(new Told(2, true), 0);
    assertThat(orders).containsExactly("kill two", "revive two", "revive two");
    assertThat(disturber.failure()).isEqualTo("no answer");
  }
}
