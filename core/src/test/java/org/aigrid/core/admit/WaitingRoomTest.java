package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.admit.WaitingRoom.Settings;
import org.aigrid.core.model.ServiceTier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WaitingRoomTest {
  private static final ServiceTier STANDARD = ServiceTier.STANDARD;

  private final WaitingRoom<Integer> room = new WaitingRoom<>(Settings.USUAL);

  private void enter(String model, String tenant, String kind, int item) {
    assertThat(room.enter(model, STANDARD, tenant, 1, 10, kind, item))
        .isEqualTo(FairQueue.Offer.WAITS);
  }

  @Test
  void whoCameFirstOfTheTenantThatHadLeastIsNext() {
    enter("m", "a", "k", 1);
    enter("m", "a", "k", 2);
    enter("m", "b", "k", 3);
    assertThat(room.waiting()).isEqualTo(3);
    assertThat(room.waiting(STANDARD)).isEqualTo(3);
    assertThat(room.next("m", (item, rank) -> true)).isEqualTo(1);
    assertThat(room.next("m", (item, rank) -> true)).isEqualTo(3);
    assertThat(room.next("m", (item, rank) -> true)).isEqualTo(2);
    assertThat(room.next("m", (item, rank) -> true)).isNull();
    assertThat(room.waiting()).isZero();
  }

  @Test
  void whatIsProducedForATenantMeanwhileLetsTheOtherPass() {
    enter("m", "a", "k", 1);
    enter("m", "b", "k", 2);
    room.produced("m", STANDARD, "a", 1_000);
    assertThat(room.next("m", (item, rank) -> true)).isEqualTo(2);
  }

  @Test
  void modelsDoNotStandInEachOthersWay() {
    enter("m", "a", "k", 1);
    enter("n", "a", "k", 2);
    assertThat(room.waitsFor("m")).isTrue();
    assertThat(room.waitsFor("o")).isFalse();
    assertThat(room.models()).containsExactlyInAnyOrder("m", "n");
    assertThat(room.next("o", (item, rank) -> true)).isNull();
    assertThat(room.next("n", (item, rank) -> true)).isEqualTo(2);
    assertThat(room.models()).containsExactly("m");
  }

  @Test
  void ofOneKindOneIsAskedForAndOfManyNotAll() {
    for (int i = 0; i < 40; i++) {
      enter("m", "t" + i, i < 20 ? "same" : "kind " + i, i);
    }
    var asked = new ArrayList<Integer>();
    assertThat(
            room.next(
                "m",
                (item, rank) -> {
                  asked.add(item);
                  return false;
                }))
        .isNull();
    assertThat(asked).hasSize(Settings.USUAL.triesMax()).startsWith(0, 20, 21);
    assertThat(room.waiting()).isEqualTo(40);
    assertThat(room.next("m", (item, rank) -> item == 22)).isEqualTo(22);
  }

  @Test
  void whoLeavesIsNotPlacedAndWhoIsPlacedDoesNotLeave() {
    enter("m", "a", "k", 1);
    enter("m", "a", "other", 2);
    assertThat(room.leave("m", STANDARD, "a", 1)).isTrue();
    assertThat(room.leave("m", STANDARD, "a", 1)).isFalse();
    assertThat(room.leave("o", STANDARD, "a", 2)).isFalse();
    assertThat(room.next("m", (item, rank) -> true)).isEqualTo(2);
    assertThat(room.leave("m", STANDARD, "a", 2)).isFalse();
    assertThat(room.waiting()).isZero();
  }

  @Test
  void nobodyWaitsLongerThanItsClassOrItsClient() {
    assertThat(Settings.USUAL.waitMs(ServiceTier.REALTIME, 600_000)).isEqualTo(2_000);
    assertThat(Settings.USUAL.waitMs(ServiceTier.HARVEST, 600_000)).isEqualTo(300_000);
    assertThat(Settings.USUAL.waitMs(ServiceTier.HARVEST, 700)).isEqualTo(700);
    assertThat(Settings.USUAL.waitMs(ServiceTier.HARVEST, -1)).isZero();
    assertThat(Settings.USUAL.withWaitMsMax(0).waitMs(STANDARD, 600_000)).isZero();
    assertThatThrownBy(() -> new Settings(FairQueue.Settings.USUAL, 0, List.of(1), 1, 1))
        .hasMessageContaining("placeWaitMsMax 0")
        .hasMessageContaining("5 times of 0 or more");
  }

  @Test
  void whatIsFullSaysSo() {
    var small =
        new WaitingRoom<Integer>(
            new Settings(
                new FairQueue.Settings(2, 1, List.of(0.0, 0.0, 0.0, 0.0, 0.0)),
                1,
                List.of(1, 1, 1, 1, 1),
                1,
                1));
    assertThat(small.enter("m", STANDARD, "a", 1, 1, "k", 1)).isEqualTo(FairQueue.Offer.WAITS);
    assertThat(small.enter("m", STANDARD, "a", 1, 1, "k", 2))
        .isEqualTo(FairQueue.Offer.TENANT_FULL);
    assertThat(small.enter("m", STANDARD, "b", 1, 1, "k", 3)).isEqualTo(FairQueue.Offer.WAITS);
    assertThat(small.enter("m", STANDARD, "c", 1, 1, "k", 4)).isEqualTo(FairQueue.Offer.TIER_FULL);
    assertThat(small.waiting()).isEqualTo(2);
  }

  static LongStream seeds() {
    return LongStream.range(0, 300);
  }

  private record Request(String model, ServiceTier tier, String tenant, String kind, int number) {}

  /// Random comings, goings and places: nobody is lost or placed twice, what waits is counted, a
  /// tenant's requests of one class and kind are placed in the order in which they came, and no
  /// place is left empty that somebody waits for.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void nobodyIsLostAndNoPlaceStaysEmpty(long seed) {
    var random = new SplittableRandom(seed);
    var waits = new WaitingRoom<Request>(Settings.USUAL);
    var inside = new ArrayList<Request>();
    var places = new HashMap<String, Integer>(); // free places by kind
    var lastPlaced = new HashMap<String, Integer>();
    for (int number = 0; number < 600; number++) {
      switch (random.nextInt(4)) {
        case 0, 1 -> {
          var tier = ServiceTier.values()[random.nextInt(5)];
          var request =
              new Request(
                  "m" + random.nextInt(2),
                  tier,
                  "t" + random.nextInt(4),
                  "k" + random.nextInt(3),
                  number);
          assertThat(
                  waits.enter(
                      request.model,
                      tier,
                      request.tenant,
                      1 + random.nextInt(9),
                      random.nextInt(100),
                      request.kind,
                      request))
              .isEqualTo(FairQueue.Offer.WAITS);
          inside.add(request);
        }
        case 2 -> {
          if (!inside.isEmpty() && random.nextInt(4) == 0) {
            Request gone = inside.remove(random.nextInt(inside.size()));
            assertThat(waits.leave(gone.model, gone.tier, gone.tenant, gone)).isTrue();
          } else {
            waits.produced(
                "m" + random.nextInt(2),
                ServiceTier.values()[random.nextInt(5)],
                "t" + random.nextInt(4),
                random.nextInt(500));
          }
        }
        default -> places.merge("k" + random.nextInt(3), random.nextInt(3), Integer::sum);
      }
      for (String model : List.of("m0", "m1")) {
        Request placed;
        do {
          placed = waits.next(model, (request, rank) -> take(places, request.kind));
          if (placed != null) {
            assertThat(inside.remove(placed)).as("placed once: " + placed).isTrue();
            assertThat(placed.model).isEqualTo(model);
            String line = placed.model + placed.tier + placed.tenant + placed.kind;
            Integer last = lastPlaced.put(line, placed.number);
            assertThat(last == null || last < placed.number).as(line).isTrue();
          }
        } while (placed != null);
      }
      assertThat(waits.waiting()).isEqualTo(inside.size());
      for (Request request : inside) {
        assertThat(places.getOrDefault(request.kind, 0)).as("left empty").isZero();
      }
    }
  }

  private static boolean take(Map<String, Integer> places, String kind) {
    int free = places.getOrDefault(kind, 0);
    places.put(kind, Math.max(0, free - 1));
    return free > 0;
  }
}
