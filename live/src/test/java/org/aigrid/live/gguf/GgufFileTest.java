package org.aigrid.live.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.aigrid.core.model.ModelSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
  @TempDir Path folder;

  @Test
  void saysWhatServingTheModelCosts() throws Exception {
    Path path = folder.resolve("tiny.gguf");
    TinyModel.write(path, 1);
    GgufFile file = GgufFile.read(path);
    ModelSpec spec = file.toModelSpec("tiny");
    assertThat(file.architecture()).isEqualTo("llama");
    assertThat(file.arrayLengths()).containsEntry("tokenizer.ggml.tokens", 260L);
    assertThat(spec.contextTokensMax()).isEqualTo(4_096);
    assertThat(spec.kvBytesPerToken()).as("2 x 1 layer x 2 heads x 16 x 2").isEqualTo(128);
    assertThat(spec.weightBytes()).isBetween(4 * file.parameters(), 4 * file.parameters() + 64);
  }

  @Test
  void aSeedAlwaysGivesTheSameFile() throws Exception {
    TinyModel.write(folder.resolve("a"), 7);
    TinyModel.write(folder.resolve("b"), 7);
    TinyModel.write(folder.resolve("c"), 8);
    assertThat(folder.resolve("a")).hasSameBinaryContentAs(folder.resolve("b"));
    assertThat(Files.mismatch(folder.resolve("a"), folder.resolve("c"))).isPositive();
  }

  @Test
  void badFilesAreNamedWithWhatIsWrong() throws Exception {
    Path path = folder.resolve("tiny.gguf");
    TinyModel.write(path, 1);
    byte[] good = Files.readAllBytes(path);
    Path bad = folder.resolve("bad.gguf");
    assertThatThrownBy(() -> GgufFile.read(bad)).hasMessageContaining("does not exist");
    Files.writeString(bad, "<html>not found</html>");
    assertThatThrownBy(() -> GgufFile.read(bad)).hasMessageContaining("does not begin with GGUF");
    for (int length = 4; length < 4_000; length += 13) {
      Files.write(bad, Arrays.copyOf(good, length));
      assertThatThrownBy(() -> GgufFile.read(bad))
          .isInstanceOf(GgufException.class)
          .hasMessageContaining("bad.gguf");
    }
    byte[] huge = good.clone();
    Arrays.fill(huge, 8, 16, (byte) 0xff);
    Files.write(bad, huge);
    assertThatThrownBy(() -> GgufFile.read(bad)).hasMessageContaining("claims");
  }
}
