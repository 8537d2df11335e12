package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.node.JobNotice.Effect;
import org.aigrid.core.node.JobNotice.Phase;
import org.aigrid.core.node.JobNotice.Settings;
import org.junit.jupiter.api.Test;

class JobNoticeTest {
  private static final Settings SETTINGS = new Settings(0.3, 80, 1_000);

  private JobNotice state = JobNotice.begin();

  private List<Effect> on(double share, long nowMs) {
    Step<JobNotice, Effect> step = state.on(share, SETTINGS, nowMs);
    state = step.state();
    return step.effects();
  }

  @Test
  void aJobIsToldThenStoppedThenGoesOn() {
    assertThat(on(0.5, 0)).isEmpty();
    assertThat(on(0.2, 100)).containsExactly(new Effect.Notice(180));
    assertThat(state.nextMs(SETTINGS)).isEqualTo(180);
    assertThat(on(0.2, 179)).isEmpty();
    assertThat(on(0.2, 180)).containsExactly(new Effect.Suspend());
    assertThat(state.nextMs(SETTINGS)).isEqualTo(JobNotice.NEVER);
    assertThat(on(0.3, 5_000)).isEmpty();
    assertThat(state.nextMs(SETTINGS)).isEqualTo(6_000);
    assertThat(on(0.3, 5_999)).isEmpty();
    assertThat(on(0.3, 6_000)).containsExactly(new Effect.Resume());
    assertThat(on(0.3, 9_000)).isEmpty();
    assertThat(on(0.1, 9_500)).as("another claim").containsExactly(new Effect.Notice(9_580));
  }

  @Test
  void aShareThatFallsToNothingAfterTheNoticeCutsTheGraceShort() {
    on(0.2, 100);
    assertThat(on(0, 120)).containsExactly(new Effect.Suspend());
    assertThat(on(0, 500)).isEmpty();
  }

  @Test
  void aShareThatFallsToNothingAtOnceLeavesTheGraceHoweverOftenItIsTold() {
    on(0.5, 0);
    assertThat(on(0, 100)).containsExactly(new Effect.Notice(180));
    assertThat(on(0, 105)).isEmpty();
    assertThat(on(0, 179)).isEmpty();
    assertThat(on(0, 180)).containsExactly(new Effect.Suspend());
  }

  @Test
  void aDipThatIsOverInTimeStopsNothingAndAnotherOneIsNotToldAgain() {
    on(0.2, 0);
    assertThat(on(0.4, 50)).isEmpty();
    assertThat(on(0.4, 100)).as("the grace is over, and so is the need").isEmpty();
    assertThat(on(0.2, 1_049)).as("the same claim").containsExactly(new Effect.Suspend());

    state = JobNotice.begin();
    on(0.2, 0);
    on(0.4, 50);
    assertThat(on(0.4, 1_050)).as("nothing was stopped").isEmpty();
    assertThat(on(0.2, 1_051)).as("another claim").containsExactly(new Effect.Notice(1_131));
  }

  @Test
  void theCalmBeginsAnewWithEachDip() {
    on(0.2, 0);
    on(0.2, 80);
    on(0.5, 100);
    on(0.29, 900);
    on(0.5, 905);
    assertThat(on(0.5, 1_904)).isEmpty();
    assertThat(on(0.5, 1_905)).containsExactly(new Effect.Resume());
  }

  @Test
  void withoutGraceAJobIsToldAndStoppedAtOnceAndWithoutCalmItGoesOnAtOnce() {
    var abrupt = new Settings(1, 0, 0);
    Step<JobNotice, Effect> fallen = JobNotice.begin().on(0.99, abrupt, 7);
    assertThat(fallen.effects()).containsExactly(new Effect.Notice(7), new Effect.Suspend());
    assertThat(fallen.state().on(1, abrupt, 7).effects()).containsExactly(new Effect.Resume());
  }

  @Test
  void aShareThatNobodyKnowsIsNone() {
    on(0.5, 0);
    assertThat(on(0.1, 10)).containsExactly(new Effect.Notice(90));
    assertThat(on(Double.NaN, 15)).containsExactly(new Effect.Suspend());
  }

  @Test
  void theGraceFitsIntoWhatTheRadioIsPromised() {
    assertThat(Settings.DEFAULT.graceMs())
        .isLessThan(Governor.Settings.DEFAULT.reclaimMsMax())
        .isLessThanOrEqualTo(Governor.Settings.DEFAULT.stepMsMax());
  }

  @Test
  void settingsThatMeanNothingAreRefused() {
    assertThatThrownBy(() -> new Settings(0, 80, 1_000))
        .hasMessageContaining("needs 0.0")
        .hasMessageContaining("expected");
    assertThatThrownBy(() -> new Settings(Double.NaN, 80, 1_000)).hasMessageContaining("expected");
    assertThatThrownBy(() -> new Settings(0.3, -1, 1_000)).hasMessageContaining("graceMs -1");
    assertThatThrownBy(() -> new Settings(0.3, 80, -1)).hasMessageContaining("calmMs -1");
  }

  /// Judged from what was told and when, not from the state.
  @Test
  void whateverTheSharesTheBoundsHold() {
    int suspensions = 0;
    int resumptions = 0;
    for (int seed = 0; seed < 500; seed++) {
      var random = new SplittableRandom(seed);
      var settings =
          new Settings(random.nextDouble(0.05, 1), random.nextInt(0, 100), random.nextInt(0, 400));
      JobNotice notice = JobNotice.begin();
      long now = random.nextLong(-1_000_000, 1_000_000);
      long next = JobNotice.NEVER;
      double share = 1;
      boolean stopped = false;
      long noticedAt = JobNotice.NEVER; // of the claim under way
      long smallSince = JobNotice.NEVER;
      long enoughSince = JobNotice.NEVER;
      for (int i = 0; i < 600; i++) {
        double before = share;
        long told = now + random.nextInt(0, random.nextInt(10) == 0 ? 600 : 30);
        if (next != JobNotice.NEVER && next <= told) {
          now = Math.max(now, next); // what is due comes first
        } else {
          now = told;
          share =
              switch (random.nextInt(6)) {
                case 0 -> 0;
                case 1 -> settings.needs();
                case 2 -> Math.nextDown(settings.needs());
                case 3 -> share;
                default -> random.nextDouble();
              };
        }
        boolean enough = share >= settings.needs();
        smallSince = enough ? JobNotice.NEVER : smallSince == JobNotice.NEVER ? now : smallSince;
        enoughSince =
            !enough ? JobNotice.NEVER : enoughSince == JobNotice.NEVER ? now : enoughSince;
        boolean fell = noticedAt != JobNotice.NEVER && share == 0 && before > 0;

        Step<JobNotice, Effect> step = notice.on(share, settings, now);
        notice = step.state();
        String when = "seed " + seed + ", step " + i + ", " + settings;
        for (Effect effect : step.effects()) {
          switch (effect) {
            case Effect.Notice(long suspendsAtMs) -> {
              assertThat(enough).as("told without need, " + when).isFalse();
              assertThat(noticedAt).as("told twice of a claim, " + when).isEqualTo(JobNotice.NEVER);
              assertThat(suspendsAtMs).as(when).isEqualTo(now + settings.graceMs());
              noticedAt = now;
            }
            case Effect.Suspend() -> {
              assertThat(stopped).as("stopped twice, " + when).isFalse();
              assertThat(enough).as("stopped without need, " + when).isFalse();
              assertThat(noticedAt).as("stopped untold, " + when).isNotEqualTo(JobNotice.NEVER);
              assertThat(now - noticedAt >= settings.graceMs() || fell)
                  .as("stopped in its grace, " + when)
                  .isTrue();
              stopped = true;
              suspensions++;
            }
            case Effect.Resume() -> {
              assertThat(stopped).as("resumed what was not stopped, " + when).isTrue();
              stopped = false;
              resumptions++;
            }
          }
        }
        boolean calm = enough && now - enoughSince >= settings.calmMs();
        if (calm) {
          noticedAt = JobNotice.NEVER;
          assertThat(stopped).as("stopped in the calm, " + when).isFalse();
        }
        if (!enough) {
          assertThat(noticedAt).as("not told, " + when).isNotEqualTo(JobNotice.NEVER);
          assertThat(stopped || now - noticedAt < settings.graceMs())
              .as("runs beyond its grace, " + when)
              .isTrue();
          assertThat(stopped || !fell).as("runs on nothing, " + when).isTrue();
        } else if (!calm) {
          assertThat(step.effects()).as("something without calm, " + when).isEmpty();
        }
        assertThat(stopped).as(when).isEqualTo(notice.phase() == Phase.SUSPENDED);
        next = notice.nextMs(settings);
        assertThat(next == JobNotice.NEVER || next > now)
            .as("what was due has been done, " + when)
            .isTrue();
      }
    }
    assertThat(suspensions).as("the seeds have suspended jobs").isGreaterThan(1_000);
    assertThat(resumptions).as("and resumed them").isGreaterThan(1_000);
  }
}
