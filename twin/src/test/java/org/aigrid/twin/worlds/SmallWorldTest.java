package org.aigrid.twin.worlds;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.report.Report;
import org.aigrid.twin.report.WhatIfs;
import org.junit.jupiter.api.Test;

class SmallWorldTest {
  private static final long SEEDS = 2_000;
  private static final String REPLAY = "./grid twin faults --seed ";

  @Test
  void whateverGoesWrongNothingHappensThatMustNeverHappen() {
    long requests = 0;
    long moved = 0;
    long reclaims = 0;
    long refusedByRadio = 0;
    long broken = 0;
    List<String> failed = new ArrayList<>();
    for (long seed = 1; seed <= SEEDS; seed++) {
      Outcome outcome = SmallWorld.of(seed).play(1);
      List<String> violations = SmallWorld.violations(outcome);
      if (!violations.isEmpty()) {
        failed.add(REPLAY + seed + "   " + String.join("; ", violations));
      }
      requests += outcome.arrived();
      moved += outcome.movedStreams();
      reclaims += outcome.reclaims();
      refusedByRadio += outcome.turnedAway();
      broken += outcome.ends().broken() + outcome.ends().failed();
    }
    assertThat(failed).as("worlds in which an invariant broke").isEmpty();
    // Worlds in which nothing goes wrong would prove nothing.
    assertThat(requests).isGreaterThan(100 * SEEDS);
    assertThat(moved).as("streams that moved and were answered").isGreaterThan(5 * SEEDS);
    assertThat(reclaims).as("claims of radios").isGreaterThan(SEEDS / 2);
    assertThat(refusedByRadio).as("requests turned away").isGreaterThan(SEEDS / 10);
    assertThat(broken).as("requests lost with all their sites").isGreaterThan(SEEDS / 10);
  }

  @Test
  void theSameSeedGivesTheSameReportOnAnyNumberOfThreads() {
    for (long seed : LongStream.iterate(1, seed -> seed + 37).limit(10).toArray()) {
      SmallWorld world = SmallWorld.of(seed);
      String one = report(world, 1);
      assertThat(report(SmallWorld.of(seed), 1)).as("seed %d again", seed).isEqualTo(one);
      assertThat(report(world, 2)).as("seed %d on two threads", seed).isEqualTo(one);
    }
  }

  private static String report(SmallWorld world, int threads) {
    return Report.of(world.scenario(), world.play(threads), WhatIfs.list()).toString();
  }
}
