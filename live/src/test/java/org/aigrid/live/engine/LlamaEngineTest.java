package org.aigrid.live.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.aigrid.live.gguf.GgufException;
import org.aigrid.live.gguf.TinyModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaEngineTest {
  @TempDir static Path folder;
  private static LlamaEngine engine;

  @BeforeAll
  static void load() throws Exception {
    TinyModel.write(folder.resolve("tiny.gguf"), 1);
    engine = new LlamaEngine("tiny", folder.resolve("tiny.gguf"), 2, 2_048, 2);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private static GenerationRequest ask(String text, int max) {
    return new GenerationRequest(
        "r",
        "t",
        new GenerationRequest.Prompt.Chat(List.of(new GenerationRequest.Message("user", text))),
        max,
        new GenerationRequest.Sampling(0.0, null, 1L, null, null),
        List.of(),
        true,
        null,
        null);
  }

  @Test
  void generatesTheSameTextForTheSamePromptWithinItsBound() throws Exception {
    var one = new Collected();
    engine.submit(ask("hello", 40), one);
    assertThat(one.usage()).isEqualTo(new Usage("user: hello\nassistant: ".length(), 0, 40));
    assertThat(one.reason).isEqualTo(FinishReason.LENGTH);
    assertThat(one.text.toString()).matches("[a-z ]{40}");
    var two = new Collected();
    engine.submit(ask("hello", 40), two);
    two.usage();
    assertThat(two.text.toString()).isEqualTo(one.text.toString());
  }

  @Test
  void cancelFreesTheSlotAndAFullQueueIsSaturated() throws Exception {
    Generation[] open = new Generation[4];
    Collected[] sinks = new Collected[4];
    for (int i = 0; i < 4; i++) {
      sinks[i] = new Collected();
      open[i] = engine.submit(ask("p" + i, 1_900), sinks[i]);
    }
    var refused = new Collected();
    engine.submit(ask("more", 10), refused);
    assertThat(refused.failure()).isInstanceOf(EngineFailure.Saturated.class);
    for (Generation generation : open) {
      generation.cancel();
    }
    var after = new Collected();
    Thread.sleep(100);
    engine.submit(ask("more", 10), after);
    assertThat(after.usage().outputTokens()).isEqualTo(10);
    Thread.sleep(50);
    assertThat(engine.load().running()).isZero();
    assertThat(engine.load().queuedTokens()).isZero();
    assertThat(engine.load().contextTokens()).isZero();
  }

  @Test
  void whatExceedsTheContextIsSaidToBeTooLong() throws Exception {
    var sink = new Collected();
    engine.submit(ask("x".repeat(3_000), 10), sink);
    assertThat(sink.failure()).isInstanceOf(EngineFailure.TooLong.class);
  }

  @Test
  void aFileThatIsNoModelIsRefusedWithItsName() throws Exception {
    Path bad = folder.resolve("bad.gguf");
    Files.writeString(bad, "no model");
    assertThatThrownBy(() -> new LlamaEngine("bad", bad, 1, 128, 1))
        .isInstanceOf(GgufException.class)
        .hasMessageContaining("bad.gguf");
  }
}
