package org.aigrid.live.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.live.gguf.GgufException;
import org.aigrid.live.gguf.TinyModel;
import org.jspecify.annotations.Nullable;
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
    engine = new LlamaEngine("tiny", folder.resolve("tiny.gguf"), 2, 2_048, 2, 1);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private static GenerationRequest ask(String text, int max) {
    return ask(text, max, null);
  }

  private static GenerationRequest ask(
      String text, int max, GenerationRequest.@Nullable Begun begun) {
    return new GenerationRequest(
        "r",
        "t",
        new GenerationRequest.Prompt.Chat(List.of(new GenerationRequest.Message("user", text))),
        max,
        new GenerationRequest.Sampling(0.0, null, 1L, null, null),
        List.of(),
        true,
        begun,
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
  void saysWhatTheTinyModelSaysByArithmeticAloneAndInABatch() throws Exception {
    var alone = new Collected();
    engine.submit(ask("tell me of 0", 900), alone);
    alone.usage();
    var batch = new ArrayList<Collected>();
    for (int i = 0; i < 2; i++) {
      batch.add(new Collected());
      engine.submit(ask("tell me of " + i, 900), batch.get(i));
    }
    String zero = TinyModel.text(1, "user: tell me of 0\nassistant: ", 900);
    String one = TinyModel.text(1, "user: tell me of 1\nassistant: ", 900);
    assertThat(alone.text.toString()).isEqualTo(zero).isNotEqualTo(one);
    assertThat(batch.get(0).usage().outputTokens()).isEqualTo(900);
    assertThat(batch.get(0).text.toString()).isEqualTo(zero);
    assertThat(batch.get(1).usage().outputTokens()).isEqualTo(900);
    assertThat(batch.get(1).text.toString()).isEqualTo(one);
  }

  @Test
  void goesOnAfterTokensGeneratedElsewhereWhereverTheyEnd() throws Exception {
    String all = TinyModel.text(1, "user: tell me of 3\nassistant: ", 900);
    var whole = new Collected();
    engine.submit(ask("tell me of 3", 900), whole);
    whole.usage();
    for (int had = 1; had < 900; had += 97) {
      int[] ids = whole.ids.stream().limit(had).mapToInt(Integer::intValue).toArray();
      var rest = new Collected();
      var begun = new GenerationRequest.Begun(all.substring(0, had), had, ids);
      engine.submit(ask("tell me of 3", 900, begun), rest);
      assertThat(rest.usage().outputTokens()).isEqualTo(900);
      assertThat(rest.text.toString()).as("after %d tokens", had).isEqualTo(all.substring(had));
    }
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
    until(() -> engine.load().running() == 0);
    var after = new Collected();
    engine.submit(ask("more", 10), after);
    assertThat(after.usage().outputTokens()).isEqualTo(10);
    until(() -> engine.load().running() == 0);
    assertThat(engine.load().queuedTokens()).isZero();
    assertThat(engine.load().contextTokens()).isZero();
  }

  private static void until(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 30 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
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
    assertThatThrownBy(() -> new LlamaEngine("bad", bad, 1, 128, 1, 1))
        .isInstanceOf(GgufException.class)
        .hasMessageContaining("bad.gguf");
  }
}
