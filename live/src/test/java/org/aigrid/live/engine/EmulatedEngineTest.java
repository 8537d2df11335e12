package org.aigrid.live.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.junit.jupiter.api.Test;

class EmulatedEngineTest {
  private static final EndpointSpec ENDPOINT =
      new EndpointSpec(
          new ModelSpec("toy-8b", 8.03, 16_060_000_000L, 131_072, 8_192),
          EngineKind.EMULATED,
          new Accelerator("RTX PRO 6000", 96, 1_597, 420),
          2,
          4);

  private static GenerationRequest ask(String text, int max, boolean ignoreEos, String... stop) {
    return new GenerationRequest(
        "r",
        "t",
        new GenerationRequest.Prompt.Text(text),
        max,
        GenerationRequest.Sampling.DEFAULT,
        List.of(stop),
        ignoreEos,
        null,
        null);
  }

  @Test
  void answersExactlyAsManyTokensAsItIsPinnedToAndSaysWhatItIs() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 8)) {
      var sink = new Collected();
      engine.submit(ask("hello", 300, true), sink);
      assertThat(sink.usage().outputTokens()).isEqualTo(300);
      assertThat(sink.pieces).isEqualTo(300);
      assertThat(sink.reason).isEqualTo(FinishReason.LENGTH);
      assertThat(sink.text).startsWith("[emulated: toy-8b] ");
    }
  }

  @Test
  void endsByItselfWithTheSameTextForTheSamePrompt() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 8)) {
      var one = new Collected();
      var two = new Collected();
      engine.submit(ask("hello", 0, false), one);
      engine.submit(ask("hello", 0, false), two);
      assertThat(one.usage().outputTokens()).isBetween(50, 200);
      assertThat(two.usage()).isEqualTo(one.usage());
      assertThat(two.text.toString()).isEqualTo(one.text.toString());
      assertThat(one.reason).isEqualTo(FinishReason.STOP);
    }
  }

  @Test
  void takesTheTimeThatTheEngineModelSays() throws Exception {
    EngineProfile profile = EngineProfiles.of(ENDPOINT);
    try (var engine = new EmulatedEngine(ENDPOINT, 8)) {
      var sink = new Collected();
      engine.submit(ask("hello", 51, true), sink);
      sink.usage();
      double ms = (sink.lastNanos - sink.firstNanos) / 1e6;
      double expectedMs = 50 * profile.decodeMsPerToken(1, 25);
      assertThat(ms).isBetween(expectedMs * 0.95, expectedMs * 1.2);
    }
  }

  @Test
  void itsStepsTakeLongerByWhatARadioHas() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 8, 100)) {
      var ms = new double[2];
      for (int i = 0; i < 2; i++) {
        engine.setShare(i == 0 ? 1 : 0.25);
        var sink = new Collected();
        engine.submit(ask("hello" + i, 21, true), sink);
        sink.usage();
        ms[i] = sink.lastNanos - sink.firstNanos;
      }
      assertThat(ms[1] / ms[0]).isBetween(3.0, 4.5);
    }
    assertThatThrownBy(() -> new EmulatedEngine(ENDPOINT, 8, 0)).hasMessageContaining("stepMsMax");
  }

  @Test
  void aPromptComputedBeforeIsCachedForItsTenantOnly() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 8)) {
      String prompt = "a".repeat(4_000);
      var first = new Collected();
      engine.submit(ask(prompt, 1, true), first);
      first.usage();
      var again = new Collected();
      engine.submit(ask(prompt, 1, true), again);
      assertThat(first.cached).isZero();
      assertThat(again.usage().cachedTokens()).isBetween(900, 1_000);
      var stranger = new Collected();
      GenerationRequest ask = ask(prompt, 1, true);
      engine.submit(
          new GenerationRequest(
              "r", "other", ask.prompt(), 1, ask.sampling(), ask.stop(), true, null, null),
          stranger);
      assertThat(stranger.usage().cachedTokens()).isZero();
    }
  }

  @Test
  void stopSequencesCutTheTextBeforeThem() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 8)) {
      var sink = new Collected();
      engine.submit(ask("hello", 100, false, ": toy"), sink);
      assertThat(sink.usage().outputTokens()).isEqualTo(1);
      assertThat(sink.text.toString()).isEqualTo("[emulated");
      assertThat(sink.reason).isEqualTo(FinishReason.STOP);
    }
  }

  @Test
  void cancelFreesThePlaceAndBeyondItsBoundItIsSaturated() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 2)) {
      List<Generation> open = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        open.add(engine.submit(ask("p" + i, 2_000, true), new Collected()));
      }
      var refused = new Collected();
      engine.submit(ask("more", 10, true), refused).cancel();
      assertThat(refused.failure()).isInstanceOf(EngineFailure.Saturated.class);
      Thread.sleep(100);
      assertThat(engine.load().running()).isEqualTo(8);
      assertThat(engine.load().waiting()).isEqualTo(2);
      open.forEach(Generation::cancel);
      var after = new Collected();
      Thread.sleep(50);
      engine.submit(ask("more", 10, true), after);
      assertThat(after.usage().outputTokens()).isEqualTo(10);
      assertThat(engine.load().running()).isZero();
      assertThat(engine.load().contextTokens()).isZero();
    }
  }

  @Test
  void aClosedEngineFailsWhatRunsAndWhatComes() throws Exception {
    var engine = new EmulatedEngine(ENDPOINT, 2);
    var running = new Collected();
    engine.submit(ask("p", 2_000, true), running);
    Thread.sleep(50);
    engine.close();
    assertThat(running.failure()).isInstanceOf(EngineFailure.Closed.class);
    var late = new Collected();
    engine.submit(ask("p", 2_000, true), late);
    assertThat(late.failure()).isInstanceOf(EngineFailure.Closed.class);
  }

  @Test
  void whatExceedsTheContextIsSaidToBeTooLong() throws Exception {
    try (var engine = new EmulatedEngine(ENDPOINT, 2)) {
      var sink = new Collected();
      engine.submit(ask("x".repeat(40_000), 10, true), sink);
      assertThat(sink.failure()).isInstanceOf(EngineFailure.TooLong.class);
    }
  }

  @Test
  void twoThousandSequencesRunOnOneThread() throws Exception {
    var wide =
        new EndpointSpec(ENDPOINT.model(), EngineKind.EMULATED, ENDPOINT.accelerator(), 16, 128);
    try (var engine = new EmulatedEngine(wide, 0)) {
      List<Collected> sinks = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        var sink = new Collected();
        sinks.add(sink);
        engine.submit(ask("prompt " + i, 100, true), sink);
      }
      assertThat(Thread.getAllStackTraces().keySet())
          .filteredOn(thread -> thread.getName().equals("emulated-engines"))
          .hasSize(1);
      for (Collected sink : sinks) {
        assertThat(sink.usage().outputTokens()).isEqualTo(100);
      }
    }
  }
}
