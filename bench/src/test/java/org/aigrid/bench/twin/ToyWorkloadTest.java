package org.aigrid.bench.twin;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class ToyWorkloadTest {
  @Test
  void theTwinGivesWhatTheoryGivesForSharedServers() {
    ToyWorkload toy = ToyWorkload.of(50, 100_000, 3);
    assertThat(OwnToy.play(toy).meanInsideS())
        .isCloseTo(ToyWorkload.MEAN_WORK_S / (1 - ToyWorkload.LOAD), Percentage.withPercentage(4));
  }

  @Test
  void cloudSimPlusPlaysTheSameWorkload() {
    ToyWorkload toy = ToyWorkload.of(10, 2_000, 5);
    assertThat(CloudSimToy.play(toy).meanInsideS())
        .isCloseTo(OwnToy.play(toy).meanInsideS(), Percentage.withPercentage(10));
  }
}
