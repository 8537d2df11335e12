package org.aigrid.twin.slots;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// The promise to the radio team, in a smaller size than `./grid twin slots` shows it.
class SlotPlayTest {
  private static final long SLOTS = 1_000_000;
  private static final double ON_TIME = 0.99999;
  private static final double SOLD = 0.7;

  @Test
  void theRadioIsOnTimeWhileMostOfTheIdleGpuIsSold() {
    long late = 0;
    long slots = 0;
    for (long seed = 1; seed <= 3; seed++) {
      SlotOutcome ours = SlotPlay.run(RadioSettings.DEFAULT, SharingRule.OURS, SLOTS, seed);
      assertThat(ours.lateAlone()).as("the radio alone is never late").isZero();
      assertThat(ours.sold()).as("seed %d", seed).isGreaterThanOrEqualTo(SOLD);
      assertThat(ours.reclaimMsMost()).as("the reclaim bound").isLessThanOrEqualTo(100);
      late += ours.late();
      slots += ours.slots();
    }
    assertThat(1 - (double) late / slots).isGreaterThanOrEqualTo(ON_TIME);
  }

  @Test
  void whateverTheRadiosLoadItIsOnTime() {
    for (double mean : new double[] {0.02, 0.3, 0.6}) {
      for (double every : new double[] {0.3, 30}) {
        var radio = new RadioSettings(0.5, 1, 0.05, mean, every, 0.5);
        SlotOutcome ours = SlotPlay.run(radio, SharingRule.OURS, 300_000, 7);
        // Under a radio that is never calm, a piece that takes twice as long delays a row of slots.
        assertThat(ours.onTime()).as("%s", radio).isGreaterThanOrEqualTo(0.9999);
        assertThat(ours.sold()).as("%s", radio).isGreaterThan(0.4);
      }
    }
  }

  @Test
  void withoutTheGuardTheRadioIsLate() {
    for (SharingRule rule :
        new SharingRule[] {
          SharingRule.STEPS_ONLY, SharingRule.FOLLOWING_SECOND_OLD, SharingRule.fixed(0.3)
        }) {
      assertThat(SlotPlay.run(RadioSettings.DEFAULT, rule, 200_000, 1).onTime())
          .as(rule.name())
          .isLessThan(0.99);
    }
  }

  @Test
  void theSameSeedIsTheSamePlay() {
    assertThat(SlotPlay.run(RadioSettings.DEFAULT, SharingRule.OURS, 50_000, 3))
        .isEqualTo(SlotPlay.run(RadioSettings.DEFAULT, SharingRule.OURS, 50_000, 3))
        .isNotEqualTo(SlotPlay.run(RadioSettings.DEFAULT, SharingRule.OURS, 50_000, 4));
  }
}
