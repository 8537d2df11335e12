package org.aigrid.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.aigrid.core.SmallWorld;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.ModelSpec;
import org.junit.jupiter.api.Test;

class EngineProfilesTest {
  private static final ModelSpec LLAMA_8B = SmallWorld.model("llama-3.1-8b");

  @Test
  void theMeasuredRowsAreUsedAsMeasured() {
    EngineProfile pro = EngineProfiles.of(LLAMA_8B, SmallWorld.accelerator("RTX PRO 6000"), 128);
    assertThat(pro.step()).isEqualTo(new StepModel(13.5, 0.0382, 0.095, 0.025));
    assertThat(pro.kvTokensMax()).isEqualTo((int) ((96e9 * 0.9 - 16.06e9) / 131_072));

    EngineProfile rtx4090 = EngineProfiles.of(LLAMA_8B, SmallWorld.accelerator("RTX 4090"), 128);
    assertThat(rtx4090.step()).isEqualTo(new StepModel(21.8, 0.088, 0.061, 0.005));
    assertThat(rtx4090.kvTokensMax()).isEqualTo(41_408);
  }

  @Test
  void aMeasuredRowIsFoundByWhatDecidesTimingNotByName() {
    var renamed = new ModelSpec("my-own-8b", 8.03, 16_060_000_000L, 131_072, 8_192);
    var halved = new ModelSpec("llama-3.1-8b", 8.03, 8_030_000_000L, 131_072, 8_192);
    Accelerator pro = SmallWorld.accelerator("RTX PRO 6000");
    assertThat(EngineProfiles.of(renamed, pro, 8).step().baseMs()).isEqualTo(13.5);
    assertThat(EngineProfiles.of(halved, pro, 8).step().baseMs()).isLessThan(10);
  }

  @Test
  void theRooflineComesWithinATenthOfTheMeasuredStepFloors() {
    for (String name : new String[] {"RTX PRO 6000", "RTX 4090"}) {
      Accelerator accelerator = SmallWorld.accelerator(name);
      StepModel measured = EngineProfiles.of(LLAMA_8B, accelerator, 8).step();
      StepModel derived = EngineProfiles.roofline(LLAMA_8B, accelerator);
      assertThat(derived.baseMs()).as(name).isCloseTo(measured.baseMs(), within(0.1 * 21.8));
      assertThat(derived.prefillMsPerToken())
          .as(name)
          .isCloseTo(measured.prefillMsPerToken(), within(0.1 * measured.prefillMsPerToken()));
    }
  }

  @Test
  void theRooflineFollowsBandwidthThroughputAndWeights() {
    var slow = new Accelerator("slow", 200, 1_000, 100);
    var wide = new Accelerator("wide", 200, 2_000, 100);
    var quick = new Accelerator("quick", 200, 1_000, 200);
    StepModel base = EngineProfiles.roofline(LLAMA_8B, slow);
    assertThat(base.baseMs()).isCloseTo(1.35 * 16.06, within(1e-9));
    assertThat(EngineProfiles.roofline(LLAMA_8B, wide).baseMs())
        .isCloseTo(base.baseMs() / 2, within(1e-9));
    assertThat(EngineProfiles.roofline(LLAMA_8B, wide).contextMsPerThousandTokens())
        .isCloseTo(base.contextMsPerThousandTokens() / 2, within(1e-12));
    assertThat(EngineProfiles.roofline(LLAMA_8B, quick).prefillMsPerToken())
        .isCloseTo(base.prefillMsPerToken() / 2, within(1e-12));
  }

  @Test
  void aModelThatDoesNotFitIsRefusedWithBothSizes() {
    assertThatThrownBy(
            () ->
                EngineProfiles.of(
                    SmallWorld.model("llama-3.1-70b"), SmallWorld.accelerator("L4"), 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("llama-3.1-70b does not fit on L4")
        .hasMessageContaining("weights 141")
        .hasMessageContaining("usable memory 21")
        .hasMessageContaining("expected");
  }

  @Test
  void everyKnownPairEitherHasARoomyProfileOrIsRefused() {
    for (ModelSpec model : Models.all()) {
      for (Accelerator accelerator : Accelerators.all()) {
        boolean fits = accelerator.memoryGb() * 0.9e9 > model.weightBytes();
        if (fits) {
          EngineProfile profile = EngineProfiles.of(model, accelerator, 16);
          assertThat(profile.kvTokensMax()).isPositive();
          assertThat(profile.prefillTokensPerSecond()).isPositive();
          assertThat(profile.decodeMsPerToken(16, 50_000))
              .isGreaterThan(profile.decodeMsPerToken(1, 500));
        } else {
          assertThatThrownBy(() -> EngineProfiles.of(model, accelerator, 16))
              .isInstanceOf(IllegalArgumentException.class);
        }
      }
    }
  }

  @Test
  void aSmallModelHasNoMoreCacheThanItsSequencesCanHold() {
    var tiny = new ModelSpec("tiny", 0.0001, 240_000, 128, 4_096);
    var machine = new Accelerator("a CPU", 24, 20, 0.2);
    assertThat(EngineProfiles.of(tiny, machine, 4).kvTokensMax()).isEqualTo(4 * 4_096);
  }
}
