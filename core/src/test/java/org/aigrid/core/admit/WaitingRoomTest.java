package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.aigrid.core.admit.WaitingRoom.Settings;
import org.aigrid.core.model.ServiceTier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WaitingRoomTest {
  private static final ServiceTier STANDARD = ServiceTier.STANDARD;

  private final WaitingRoom<Integer> room = new WaitingRoom<>(Settings.USUAL);
  private final Map<Integer, String> kinds = new HashMap<>();
  private final List<Integer> asked = new ArrayList<>();

  private void enter(String model, String tenant, String kind, int item) {
    kinds.put(item, kind);
    assertThat(room.enter(model, STANDARD, tenant, 1, 10, 1, item))
        .isEqualTo(FairQueue.Offer.WAITS);
  }

  /// Serves up to so many of those that may have a place; says whom.
  private List<Integer> serve(String model, int count, Predicate<Integer> may) {
    var served = new ArrayList<Integer>();
    asked.clear();
    int said =
        room.serve(
            model,
            new WaitingRoom.Places<>() {
              @Override
              public Object kind(Integer item) {
                return String.valueOf(kinds.get(item));
              }

              @Override
              public FairQueue.Found find(Integer item, ServiceTier rank) {
                if (served.size() == count) {
                  return FairQueue.Found.ENOUGH;
                }
                asked.add(item);
                if (!may.test(item)) {
                  return FairQueue.Found.NOT_FOR_THIS;
                }
                served.add(item);
                return FairQueue.Found.PLACE;
              }
            });
    assertThat(said).isEqualTo(served.size());
    return served;
  }

  @Test
  void whoCameFirstOfTheTenantThatHadLeastIsNext() {
    enter("m", "a", "k", 1);
    enter("m", "a", "k", 2);
    enter("m", "b", "k", 3);
    assertThat(room.waiting()).isEqualTo(3);
    assertThat(room.waiting(STANDARD)).isEqualTo(3);
    assertThat(serve("m", 1, _ -> true)).containsExactly(1);
    assertThat(serve("m", 9, _ -> true)).containsExactly(3, 2);
    assertThat(serve("m", 9, _ -> true)).isEmpty();
    assertThat(room.waiting()).isZero();
  }

  @Test
  void whatIsProducedForATenantMeanwhileLetsTheOtherPass() {
    enter("m", "a", "k", 1);
    enter("m", "b", "k", 2);
    room.produced("m", STANDARD, "a", 1_000);
    assertThat(serve("m", 1, _ -> true)).containsExactly(2);
  }

  @Test
  void modelsDoNotStandInEachOthersWay() {
    enter("m", "a", "k", 1);
    enter("n", "a", "k", 2);
    assertThat(room.waitsFor("m")).isTrue();
    assertThat(room.waitsFor("o")).isFalse();
    assertThat(room.models()).containsExactlyInAnyOrder("m", "n");
    assertThat(serve("o", 1, _ -> true)).isEmpty();
    assertThat(serve("n", 1, _ -> true)).containsExactly(2);
    assertThat(room.models()).containsExactly("m");
  }

  /// Two hundred of one tenant for a place that is taken do not hold up the one of another.
  @Test
  void aTenantThatCannotBeServedHoldsUpNobody() {
    for (int i = 0; i < 200; i++) {
      enter("m", "stuck", "full", i);
    }
    enter("m", "stuck", "free", 200);
    enter("m", "other", "free", 201);
    assertThat(serve("m", 9, item -> item >= 200)).containsExactly(200, 201);
    assertThat(asked).as("of one kind one is asked for").containsExactly(0, 200, 201);
  }

  /// Nor do as many kinds as a search may ask for, of one tenant or of many, in any tier.
  @Test
  void whateverCannotBeServedInTheEndEverybodyIsAskedFor() {
    int item = 0;
    for (int i = 0; i < 100; i++) {
      enter("m", "stuck", "full " + item, item++);
      enter("m", "stuck " + i, "full " + item, item++);
      kinds.put(item, "full " + item);
      room.enter("m", ServiceTier.INTERACTIVE, "stuck " + i, 1, 10, 1, item++);
    }
    int free = item;
    enter("m", "last", "free", free);
    int harvest = free + 1;
    kinds.put(harvest, "free");
    room.enter("m", ServiceTier.HARVEST, "last", 1, 10, 1, harvest);
    var served = new ArrayList<Integer>();
    int searches = 0;
    while (served.size() < 2) {
      assertThat(searches++).as("searches").isLessThan(60);
      served.addAll(serve("m", 1, candidate -> candidate >= free));
      assertThat(asked.size()).isLessThanOrEqualTo(WaitingRoom.TRIES_MAX + 1);
    }
    assertThat(served).containsExactly(free, harvest);
  }

  @Test
  void whoLeavesIsNotPlacedAndWhoIsPlacedDoesNotLeave() {
    enter("m", "a", "k", 1);
    enter("m", "a", "other", 2);
    assertThat(room.leave("m", STANDARD, "a", 1, 1)).isTrue();
    assertThat(room.leave("m", STANDARD, "a", 1, 1)).isFalse();
    assertThat(room.leave("o", STANDARD, "a", 1, 2)).isFalse();
    assertThat(serve("m", 1, _ -> true)).containsExactly(2);
    assertThat(room.leave("m", STANDARD, "a", 1, 2)).isFalse();
    assertThat(room.waiting()).isZero();
  }

  @Test
  void nobodyWaitsLongerThanItsClassOrItsClient() {
    assertThat(Settings.USUAL.waitMs(ServiceTier.REALTIME, 600_000)).isEqualTo(2_000);
    assertThat(Settings.USUAL.waitMs(ServiceTier.HARVEST, 600_000)).isEqualTo(300_000);
    assertThat(Settings.USUAL.waitMs(ServiceTier.HARVEST, 700)).isEqualTo(700);
    assertThat(Settings.USUAL.waitMs(ServiceTier.HARVEST, -1)).isZero();
    assertThat(Settings.USUAL.withWaitMsMax(0).waitMs(STANDARD, 600_000)).isZero();
    assertThatThrownBy(() -> new Settings(FairQueue.Settings.USUAL, 0, List.of(1), 1))
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
                100));
    assertThat(small.enter("m", STANDARD, "a", 1, 1, 60, 1)).isEqualTo(FairQueue.Offer.WAITS);
    assertThat(small.enter("m", STANDARD, "a", 1, 1, 1, 2)).isEqualTo(FairQueue.Offer.TENANT_FULL);
    assertThat(small.enter("n", STANDARD, "a", 1, 1, 41, 2)).isEqualTo(FairQueue.Offer.TENANT_FULL);
    assertThat(small.enter("n", STANDARD, "a", 1, 1, 40, 2)).isEqualTo(FairQueue.Offer.WAITS);
    assertThat(small.enter("m", STANDARD, "b", 1, 1, 1, 3)).isEqualTo(FairQueue.Offer.WAITS);
    assertThat(small.enter("m", STANDARD, "c", 1, 1, 1, 4)).isEqualTo(FairQueue.Offer.TIER_FULL);
    assertThat(small.waiting()).isEqualTo(3);
    assertThat(small.leave("m", STANDARD, "a", 60, 1)).isTrue();
    assertThat(small.enter("o", STANDARD, "a", 1, 1, 60, 5)).isEqualTo(FairQueue.Offer.WAITS);
    assertThat(small.enter("p", STANDARD, "a", 1, 1, 1, 6)).isEqualTo(FairQueue.Offer.TENANT_FULL);
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
                      1,
                      request))
              .isEqualTo(FairQueue.Offer.WAITS);
          inside.add(request);
        }
        case 2 -> {
          if (!inside.isEmpty() && random.nextInt(4) == 0) {
            Request gone = inside.remove(random.nextInt(inside.size()));
            assertThat(waits.leave(gone.model, gone.tier, gone.tenant, 1, gone)).isTrue();
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
        var placed = new ArrayList<Request>();
        int said =
            waits.serve(
                model,
                new WaitingRoom.Places<>() {
                  @Override
                  public Object kind(Request request) {
                    return request.kind;
                  }

                  @Override
                  public FairQueue.Found find(Request request, ServiceTier rank) {
                    if (!take(places, request.kind)) {
                      return FairQueue.Found.NOT_FOR_THIS;
                    }
                    placed.add(request);
                    return FairQueue.Found.PLACE;
                  }
                });
        assertThat(said).isEqualTo(placed.size());
        for (Request request : placed) {
          assertThat(inside.remove(request)).as("placed once: " + request).isTrue();
          assertThat(request.model).isEqualTo(model);
          String line = request.model + request.tier + request.tenant + request.kind;
          Integer last = lastPlaced.put(line, request.number);
          assertThat(last == null || last < request.number).as(line).isTrue();
        }
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
