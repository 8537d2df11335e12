package org.aigrid.twin.engine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.Models;
import org.aigrid.core.engine.StepModel;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class SharedEngineTest {
  private static final EngineProfile CELL =
      EngineProfiles.of(
          requireNonNull(Models.byName("llama-3.1-8b")),
          requireNonNull(Accelerators.byName("RTX PRO 6000")),
          64);

  private static List<Arrival> chat(long seed, double perSecond, int requests) {
    var random = new SplittableRandom(seed);
    var arrivals = new ArrayList<Arrival>();
    double at = 0;
    for (int i = 0; i < requests; i++) {
      at += -1_000 / perSecond * Math.log(1 - random.nextDouble());
      int prompt = 20 + (int) (800 * -Math.log(1 - random.nextDouble()));
      arrivals.add(
          new Arrival(
              at,
              Math.min(prompt, 8_000),
              random.nextInt(prompt),
              1 + (int) (200 * -Math.log(1 - random.nextDouble()))));
    }
    return arrivals;
  }

  @Test
  void eachRequestGetsItsTokensOnceInOrderAndNothingIsLeft() {
    for (int seed = 0; seed < 60; seed++) {
      var random = new SplittableRandom(seed);
      var profile =
          new EngineProfile(
              new StepModel(random.nextDouble(5), 0.05, random.nextDouble(0.2), 0.01),
              2_048,
              1 + random.nextInt(20),
              20_000 + random.nextInt(20_000));
      int replicas = 1 + random.nextInt(3);
      List<Arrival> arrivals = chat(seed, 1 + random.nextInt(60), 400);
      var engine = new SharedEngine(profile, replicas);
      int[] first = new int[arrivals.size()];
      int[] ended = new int[arrivals.size()];
      double[] last = {0};
      var listener =
          new SharedEngine.Listener() {
            @Override
            public void firstToken(int request, double atMs) {
              first[request]++;
              assertThat(ended[request]).isZero();
              assertThat(atMs).isGreaterThanOrEqualTo(last[0]);
              last[0] = atMs;
            }

            @Override
            public void end(int request, int heldTokens, double atMs) {
              ended[request]++;
              assertThat(first[request]).isOne();
              assertThat(atMs).isGreaterThanOrEqualTo(last[0]);
              last[0] = atMs;
            }
          };
      for (int i = 0; i < arrivals.size(); i++) {
        Arrival next = arrivals.get(i);
        engine.advance(next.atMs(), listener);
        engine.add(i, next.promptTokens(), next.cachedTokens(), next.outputTokens());
        assertThat(engine.running()).isLessThanOrEqualTo(profile.sequencesMax() * replicas);
        assertThat(engine.contextTokens())
            .as("seed %d", seed)
            .isLessThanOrEqualTo((double) profile.kvTokensMax() * replicas + 1);
        int inside = i + 1 - Arrays.stream(ended).sum();
        assertThat(engine.running() + engine.waiting()).as("seed %d", seed).isEqualTo(inside);
      }
      while (engine.running() + engine.waiting() > 0) {
        engine.advance(engine.nextMs(), listener);
      }
      assertThat(first).as("seed %d", seed).containsOnly(1);
      assertThat(ended).as("seed %d", seed).containsOnly(1);
      assertThat(engine.queuedTokens()).isLessThan(1e-3);
      assertThat(engine.nextMs()).isInfinite();
    }
  }

  @Test
  void itAgreesWithTheEngineThatIsPlayedPassByPass() {
    for (double perSecond : new double[] {0.5, 2, 5}) {
      List<Arrival> arrivals = chat(7, perSecond, 4_000);
      Timing[] steps = StepLevel.play(CELL, arrivals, false);
      Timing[] shared = SharedLevel.play(CELL, 1, arrivals);
      assertClose(perSecond, "latency p50", steps, shared, Timing::latencyMs, 50, 3);
      assertClose(perSecond, "latency p99", steps, shared, Timing::latencyMs, 99, 5);
      assertClose(perSecond, "TTFT p50", steps, shared, Timing::ttftMs, 50, 10);
      assertClose(perSecond, "TTFT p99", steps, shared, Timing::ttftMs, 99, 15);
    }
  }

  private static void assertClose(
      double perSecond,
      String what,
      Timing[] steps,
      Timing[] shared,
      ToDoubleFunction<Timing> of,
      int percent,
      double withinPercent) {
    assertThat(percentile(shared, of, percent))
        .as("%s at %s/s", what, perSecond)
        .isCloseTo(percentile(steps, of, percent), Percentage.withPercentage(withinPercent));
  }

  private static double percentile(Timing[] timings, ToDoubleFunction<Timing> of, int percent) {
    double[] sorted = Arrays.stream(timings).mapToDouble(of).sorted().toArray();
    return sorted[sorted.length * percent / 100];
  }

  @Test
  void aLoneRequestTakesOnePassAndThenItsTokens() {
    Timing[] timings = SharedLevel.play(CELL, 1, List.of(new Arrival(1_000, 1_000, 0, 101)));
    StepModel step = CELL.step();
    assertThat(timings[0].ttftMs())
        .isCloseTo(step.stepMs(1_000, 0, 0), Percentage.withPercentage(1));
    assertThat(timings[0].tpotMs())
        .isCloseTo(step.stepMs(0, 1, 1_050), Percentage.withPercentage(1));
  }

  @Test
  void whatCanNeverFitIsRefused() {
    var engine = new SharedEngine(new EngineProfile(CELL.step(), 2_048, 4, 1_000), 1);
    assertThatThrownBy(() -> engine.add(0, 900, 0, 200)).hasMessageContaining("expected: at most");
  }
}
