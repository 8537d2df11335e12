package org.aigrid.live.drill;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.aigrid.live.drill.DrillVerdict.Facts;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DrillVerdictTest {
  private static final Map<String, Integer> ALL = Map.of("kill", 2, "surge", 1, "mute", 1);

  private static DrillVerdict of(
      Map<String, Integer> done,
      @Nullable String failure,
      long moved,
      long disturbed,
      long survived,
      long refused,
      long reclaims,
      boolean kept) {
    return DrillVerdict.of(
        new Facts(done, failure, 990, moved, disturbed, survived, refused, reclaims, kept));
  }

  @Test
  void aDrillThatDisturbedMovedAndReclaimedProvesItsPoint() {
    assertThat(of(ALL, null, 100, 100, 99, 10, 3, true).proved()).isTrue();
    assertThat(of(Map.of("kill", 1), null, 1, 1, 1, 0, 0, true).proved())
        .as("without a surge there is nothing to reclaim")
        .isTrue();
  }

  @Test
  void whatNothingHappenedToIsNotProved() {
    assertThat(of(Map.of(), null, 0, 0, 0, 0, 0, true).reasons()).hasSize(2);
    assertThat(of(ALL, null, 0, 0, 0, 0, 3, true).reasons())
        .singleElement()
        .asString()
        .contains("no stream moved");
    assertThat(of(ALL, null, 100, 100, 100, 0, 0, true).reasons())
        .singleElement()
        .asString()
        .contains("nothing was reclaimed");
    assertThat(of(ALL, "no admin", 100, 100, 100, 0, 3, true).reasons())
        .singleElement()
        .asString()
        .contains("no admin");
  }

  @Test
  void whatBrokeIsNotProvedEither() {
    assertThat(of(ALL, null, 100, 100, 98, 0, 3, true).reasons())
        .containsExactly("98 of 100 disturbed streams survived unchanged");
    assertThat(of(ALL, null, 100, 100, 100, 11, 3, true).reasons())
        .containsExactly("11 of 1001 requests were refused");
    assertThat(of(ALL, null, 100, 100, 100, 0, 3, false).reasons())
        .containsExactly("a reclaim broke its bound");
  }
}
