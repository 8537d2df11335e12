package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.admit.FairQueue.Found;
import org.aigrid.core.admit.FairQueue.Offer;
import org.aigrid.core.model.ServiceTier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FairQueueTest {
  private static final int TENANTS = 10;
  private static final int SLOTS = 8;

  private record Request(int tenant, int input, int output) {}

  private static final class Running {
    final Request request;
    int produced;

    Running(Request request) {
      this.request = request;
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, 60);
  }

  /// Ten tenants that always wait, with weights, share eight slots for ten thousand steps. In every
  /// interval of time their service by weight differs by no more than the bound.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void backloggedTenantsStayWithinTheBoundOfTheCounters(long seed) {
    var random = new SplittableRandom(seed);
    int inputMax = 1 + random.nextInt(2_000);
    int outputMax = 1 + random.nextInt(500);
    var weights = new int[TENANTS];
    int weightMin = FairQueue.WEIGHT_MAX;
    for (int i = 0; i < TENANTS; i++) {
      weights[i] = 1 + random.nextInt(8);
      weightMin = Math.min(weightMin, weights[i]);
    }
    var queue = new FairQueue<Request>(FairQueue.Settings.USUAL);
    var waiting = new int[TENANTS];
    var service = new long[TENANTS];
    var running = new ArrayList<Running>();
    double widest = 0;
    // a window's difference is the difference of two running differences
    var lowest = new double[TENANTS][TENANTS];
    var highest = new double[TENANTS][TENANTS];
    for (int step = 0; step < 10_000; step++) {
      for (int tenant = 0; tenant < TENANTS; tenant++) {
        while (waiting[tenant] < 2) {
          var request =
              new Request(tenant, 1 + random.nextInt(inputMax), 1 + random.nextInt(outputMax));
          assertThat(
                  queue.offer(
                      ServiceTier.STANDARD,
                      "t" + tenant,
                      weights[tenant],
                      request.input(),
                      request))
              .isEqualTo(Offer.WAITS);
          waiting[tenant]++;
        }
      }
      while (running.size() < SLOTS) {
        FairQueue.Taken<Request> taken = queue.take();
        assertThat(taken).isNotNull();
        if (taken == null) {
          return;
        }
        running.add(new Running(taken.item()));
        waiting[taken.item().tenant()]--;
        service[taken.item().tenant()] += taken.item().input();
        // keep everybody backlogged, also between two takes
        int tenant = taken.item().tenant();
        var next = new Request(tenant, 1 + random.nextInt(inputMax), 1 + random.nextInt(outputMax));
        queue.offer(ServiceTier.STANDARD, "t" + tenant, weights[tenant], next.input(), next);
        waiting[tenant]++;
      }
      for (Running one : running) {
        one.produced++;
        service[one.request.tenant()] += 2;
        queue.produced(ServiceTier.STANDARD, "t" + one.request.tenant(), 1);
      }
      running.removeIf(one -> one.produced >= one.request.output());
      for (int a = 0; a < TENANTS; a++) {
        for (int b = 0; b < a; b++) {
          double now = (double) service[a] / weights[a] - (double) service[b] / weights[b];
          lowest[a][b] = Math.min(lowest[a][b], now);
          highest[a][b] = Math.max(highest[a][b], now);
          widest = Math.max(widest, highest[a][b] - lowest[a][b]);
        }
      }
    }
    double bound =
        2.0 * Math.max(inputMax, 2.0 * SLOTS * outputMax) / weightMin; // M: all slots one tenant's
    assertThat(widest).isPositive().isLessThanOrEqualTo(bound);
  }

  @Test
  void threeTimesTheWeightIsThreeTimesTheTokens() {
    var queue = new FairQueue<Integer>(FairQueue.Settings.USUAL);
    var tokens = new long[2];
    for (int i = 0; i < 4_000; i++) {
      queue.offer(ServiceTier.STANDARD, "a", 1, 100, 0);
      queue.offer(ServiceTier.STANDARD, "b", 3, 100, 1);
      FairQueue.Taken<Integer> taken = queue.take();
      tokens[taken == null ? 0 : taken.item()] += 100;
    }
    assertThat((double) tokens[1] / tokens[0]).isBetween(2.98, 3.02);
  }

  @Test
  void whoWasIdleHasSavedUpNothing() {
    var queue = new FairQueue<String>(FairQueue.Settings.USUAL);
    for (int i = 0; i < 100; i++) {
      queue.offer(ServiceTier.STANDARD, "busy", 1, 1_000, "busy");
      queue.take();
    }
    var order = new ArrayList<String>();
    for (int i = 0; i < 10; i++) {
      queue.offer(ServiceTier.STANDARD, "busy", 1, 1_000, "busy");
      queue.offer(ServiceTier.STANDARD, "idle", 1, 1_000, "idle");
    }
    for (int i = 0; i < 10; i++) {
      FairQueue.Taken<String> taken = queue.take();
      order.add(taken == null ? "" : taken.item());
    }
    assertThat(order.stream().filter("idle"::equals).count()).isBetween(4L, 6L);
  }

  @Test
  void tiersAreServedInOrderButForTheirFloors() {
    var queue =
        new FairQueue<ServiceTier>(
            new FairQueue.Settings(100, 100, List.of(0.0, 0.0, 0.0, 0.2, 0.0)));
    var taken = new int[ServiceTier.values().length];
    for (int i = 0; i < 1_000; i++) {
      for (ServiceTier tier :
          List.of(ServiceTier.INTERACTIVE, ServiceTier.BACKGROUND, ServiceTier.HARVEST)) {
        queue.offer(tier, "t", 1, 100, tier);
      }
      FairQueue.Taken<ServiceTier> next = queue.take();
      taken[next == null ? 0 : next.tier().ordinal()]++;
    }
    assertThat(taken[ServiceTier.BACKGROUND.ordinal()]).isBetween(195, 201);
    assertThat(taken[ServiceTier.HARVEST.ordinal()]).isZero();
    assertThat(taken[ServiceTier.INTERACTIVE.ordinal()]).isBetween(799, 805);
  }

  @Test
  void fullQueuesSaySo() {
    var queue =
        new FairQueue<Integer>(new FairQueue.Settings(3, 2, List.of(0.0, 0.0, 0.0, 0.0, 0.0)));
    assertThat(queue.offer(ServiceTier.STANDARD, "a", 1, 1, 1)).isEqualTo(Offer.WAITS);
    assertThat(queue.offer(ServiceTier.STANDARD, "a", 1, 1, 2)).isEqualTo(Offer.WAITS);
    assertThat(queue.offer(ServiceTier.STANDARD, "a", 1, 1, 3)).isEqualTo(Offer.TENANT_FULL);
    assertThat(queue.offer(ServiceTier.STANDARD, "b", 1, 1, 4)).isEqualTo(Offer.WAITS);
    assertThat(queue.offer(ServiceTier.STANDARD, "c", 1, 1, 5)).isEqualTo(Offer.TIER_FULL);
    assertThat(queue.offer(ServiceTier.HARVEST, "c", 1, 1, 5)).isEqualTo(Offer.WAITS);
    assertThat(queue.remove(ServiceTier.STANDARD, "a", 1)).isTrue();
    assertThat(queue.remove(ServiceTier.STANDARD, "b", 4)).isTrue();
    assertThat(queue.remove(ServiceTier.STANDARD, "b", 4)).isFalse();
    assertThat(queue.waiting()).isEqualTo(2);
    assertThat(queue.take()).isEqualTo(taken(ServiceTier.STANDARD, "a", 2));
    assertThat(queue.take()).isEqualTo(taken(ServiceTier.HARVEST, "c", 5));
    assertThat(queue.take()).isNull();
    queue.tidy();
    assertThatThrownBy(() -> queue.offer(ServiceTier.STANDARD, "a", 0, 1, 1))
        .hasMessageContaining("weight 0");
  }

  private static FairQueue.Taken<Integer> taken(ServiceTier tier, String tenant, int item) {
    return new FairQueue.Taken<>(tier, tenant, item, tier);
  }

  /// Whoever there is no place for keeps its turn and is charged nothing.
  @Test
  void whatHasNoPlaceIsPassedOver() {
    var queue = new FairQueue<Integer>(FairQueue.Settings.USUAL);
    queue.offer(ServiceTier.STANDARD, "a", 1, 10, 1);
    queue.offer(ServiceTier.STANDARD, "a", 1, 10, 2);
    queue.offer(ServiceTier.STANDARD, "b", 1, 10, 3);
    queue.offer(ServiceTier.HARVEST, "c", 1, 10, 4);
    assertThat(queue.take((item, rank) -> item == 4 ? Found.PLACE : Found.NOT_FOR_THIS))
        .isEqualTo(taken(ServiceTier.HARVEST, "c", 4));
    assertThat(queue.take((item, rank) -> item == 2 ? Found.PLACE : Found.NOT_FOR_THIS))
        .isEqualTo(taken(ServiceTier.STANDARD, "a", 2));
    var asked = new ArrayList<Integer>();
    assertThat(
            queue.take(
                (item, rank) -> {
                  asked.add(item);
                  return Found.NOT_FOR_THIS;
                }))
        .isNull();
    assertThat(asked).as("b has had nothing yet, a has").containsExactly(3, 1);
    asked.clear();
    assertThat(
            queue.take(
                (item, rank) -> {
                  asked.add(item);
                  return Found.ENOUGH;
                }))
        .isNull();
    assertThat(asked).containsExactly(3);
    assertThat(queue.take()).isEqualTo(taken(ServiceTier.STANDARD, "b", 3));
    assertThat(queue.take()).isEqualTo(taken(ServiceTier.STANDARD, "a", 1));
  }

  /// The lowest tier may have the places of the highest when its floor has earned them: by its own
  /// share it would never find one while those above fill theirs.
  @Test
  void aTurnThatAFloorHasEarnedHasTheRankOfTheHighestThatWait() {
    var queue =
        new FairQueue<Integer>(new FairQueue.Settings(100, 100, List.of(0.0, 0.0, 0.0, 0.0, 0.5)));
    queue.offer(ServiceTier.HARVEST, "h", 1, 10, 1);
    for (int i = 2; i < 6; i++) {
      queue.offer(ServiceTier.INTERACTIVE, "i", 1, 10, i);
    }
    var ranks = new ArrayList<ServiceTier>();
    for (int i = 0; i < 3; i++) {
      FairQueue.Taken<Integer> next = queue.take();
      ranks.add(next == null || next.tier() != ServiceTier.HARVEST ? null : next.rank());
    }
    assertThat(ranks).containsExactly(null, null, ServiceTier.INTERACTIVE);
  }
}
