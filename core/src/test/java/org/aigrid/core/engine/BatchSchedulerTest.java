package org.aigrid.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchSchedulerTest {
  private static final StepModel STEP = new StepModel(10, 0.1, 1, 1000);

  /// What a request asked for and got.
  private static final class Asked {
    final int output;
    int got;
    boolean cancelled;

    Asked(int output) {
      this.output = output;
    }
  }

  @Test
  void aPromptIsComputedInChunksAndTheFirstTokenComesWithTheLastChunk() {
    var scheduler = new BatchScheduler<String>(new EngineProfile(STEP, 100, 4, 10_000));
    scheduler.add("a", 250, 0, 2);
    int[] prefill = new int[4];
    int[] tokens = new int[4];
    double[] ms = new double[4];
    for (int i = 0; i < 4; i++) {
      BatchScheduler.Step<String> step = scheduler.next();
      prefill[i] = step.prefillTokens();
      tokens[i] = step.emitted().size();
      ms[i] = step.durationMs();
    }
    assertThat(prefill).containsExactly(100, 100, 50, 0);
    assertThat(tokens).containsExactly(0, 0, 1, 1);
    assertThat(ms[0]).isCloseTo(20, within(1e-9));
    assertThat(ms[3]).as("base + one sequence + 250 context tokens").isEqualTo(10 + 1 + 250);
    assertThat(scheduler.idle()).isTrue();
    assertThat(scheduler.next().durationMs()).isZero();
  }

  @Test
  void cachedTokensAreReadAndHeldButNotComputed() {
    var scheduler = new BatchScheduler<String>(new EngineProfile(STEP, 100, 4, 10_000));
    scheduler.add("a", 250, 200, 2);
    BatchScheduler.Step<String> step = scheduler.next();
    assertThat(step.prefillTokens()).isEqualTo(50);
    assertThat(step.emitted()).hasSize(1);
    assertThat(step.durationMs()).isEqualTo(10 + 5 + 200);
    assertThat(scheduler.kvTokens()).isEqualTo(250);
  }

  @Test
  void theNewestGoesWhenTheCacheIsFullAndComesBackWithoutLosingTokens() {
    var scheduler = new BatchScheduler<String>(new EngineProfile(STEP, 100, 4, 40));
    scheduler.add("old", 18, 0, 20);
    scheduler.add("new", 18, 0, 20);
    int preempted = 0;
    List<String> order = new ArrayList<>();
    while (!scheduler.idle()) {
      BatchScheduler.Step<String> step = scheduler.next();
      preempted += step.preempted();
      for (BatchScheduler.Sequence<String> sequence : step.emitted()) {
        if (sequence.over()) {
          order.add(sequence.owner());
          assertThat(sequence.generated()).isEqualTo(20);
        }
      }
    }
    assertThat(preempted).isEqualTo(1);
    assertThat(order).containsExactly("old", "new");
    assertThat(scheduler.queuedTokens()).isZero();
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void noSequenceIsLostTokensAreConservedAndTheCacheStaysWithinItsBound(long seed) {
    var random = new SplittableRandom(seed);
    int kvMax = 200 + random.nextInt(800);
    int sequencesMax = 1 + random.nextInt(16);
    var scheduler =
        new BatchScheduler<Asked>(
            new EngineProfile(STEP, 16 + random.nextInt(64), sequencesMax, kvMax));
    List<BatchScheduler.Sequence<Asked>> all = new ArrayList<>();
    int preempted = 0;
    for (int i = 0; i < 20_000 && (i < 3_000 || !scheduler.idle()); i++) {
      if (i < 3_000 && random.nextInt(4) == 0) {
        int prompt = 1 + random.nextInt(150);
        int output = 1 + random.nextInt(50);
        if (scheduler.fits(prompt, output)) {
          all.add(scheduler.add(new Asked(output), prompt, random.nextInt(prompt + 1), output));
        }
      }
      if (i < 3_000 && !all.isEmpty() && random.nextInt(20) == 0) {
        BatchScheduler.Sequence<Asked> victim = all.get(random.nextInt(all.size()));
        victim.owner().cancelled |= !victim.over();
        scheduler.cancel(victim);
      }
      BatchScheduler.Step<Asked> step = scheduler.next();
      preempted += step.preempted();
      for (BatchScheduler.Sequence<Asked> sequence : step.emitted()) {
        sequence.owner().got++;
        assertThat(sequence.owner().cancelled).isFalse();
      }
      assertThat(scheduler.kvTokens()).isBetween(0L, (long) kvMax);
      assertThat(scheduler.running()).isLessThanOrEqualTo(sequencesMax);
      assertThat(scheduler.queuedTokens()).isNotNegative();
    }
    assertThat(scheduler.idle()).as("every sequence ends").isTrue();
    assertThat(scheduler.kvTokens()).isZero();
    assertThat(scheduler.queuedTokens()).isZero();
    assertThat(all).hasSizeGreaterThan(500);
    for (BatchScheduler.Sequence<Asked> sequence : all) {
      assertThat(sequence.over()).isTrue();
      if (!sequence.owner().cancelled) {
        assertThat(sequence.owner().got).isEqualTo(sequence.owner().output);
      }
    }
    assertThat(preempted).as("the cache is small enough to matter").isPositive();
  }
}
