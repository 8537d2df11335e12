package org.aigrid.twin.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.StepModel;
import org.junit.jupiter.api.Test;

class StepLevelTest {
  private static final EngineProfile TEN_MS =
      new EngineProfile(new StepModel(10, 1e-9, 0, 0), 2_048, 8, 10_000);

  @Test
  void anArrivalJoinsTheNextPassAndWithAsynchronousSchedulingTheOneAfterIt() {
    var arrivals = List.of(new Arrival(100, 50, 0, 5), new Arrival(104, 50, 0, 2));
    Timing[] plain = StepLevel.play(TEN_MS, arrivals, false);
    assertThat(plain[0].ttftMs()).isBetween(9.99, 10.01);
    assertThat(plain[0].latencyMs()).isBetween(49.9, 50.1);
    assertThat(plain[1].firstTokenMs()).isBetween(119.9, 120.1);
    Timing[] ahead = StepLevel.play(TEN_MS, arrivals, true);
    assertThat(ahead[0].latencyMs()).isBetween(49.9, 50.1);
    assertThat(ahead[1].firstTokenMs()).isBetween(129.9, 130.1);
  }

  @Test
  void anIdleEngineWaitsForTheNextArrival() {
    var arrivals = List.of(new Arrival(0, 50, 0, 1), new Arrival(9_000, 50, 0, 1));
    for (boolean asynchronous : new boolean[] {false, true}) {
      Timing[] timings = StepLevel.play(TEN_MS, arrivals, asynchronous);
      assertThat(timings[1].ttftMs()).isBetween(9.99, 10.01);
    }
  }
}
