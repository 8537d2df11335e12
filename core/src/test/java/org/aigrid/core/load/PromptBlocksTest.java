package org.aigrid.core.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PromptBlocksTest {
  static PromptBlocks of(long salt, byte[] bytes) {
    var blocks = new PromptBlocks();
    blocks.reset(salt);
    blocks.update(bytes, 0, bytes.length);
    return blocks;
  }

  static byte[] bytes(long seed, int length) {
    var random = new SplittableRandom(seed);
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void twoPromptsShareExactlyTheBlocksOfTheirCommonBeginning() {
    for (int seed = 0; seed < 200; seed++) {
      var random = new SplittableRandom(seed);
      byte[] a = bytes(seed, 256 * 20);
      byte[] b = a.clone();
      int at = random.nextInt(b.length);
      b[at] ^= (byte) (1 << random.nextInt(8));
      PromptBlocks hashesA = of(1, a);
      PromptBlocks hashesB = of(1, b);
      for (int i = 0; i < 20; i++) {
        assertThat(hashesA.hash(i) == hashesB.hash(i))
            .as("seed %d, byte %d differs, block %d", seed, at, i)
            .isEqualTo(i < at / 256);
      }
    }
  }

  @Test
  void theSaltSeparatesTenantsFromTheFirstBlockOn() {
    byte[] prompt = bytes(3, 256 * 8);
    long a = PromptBlocks.salt(PromptBlocks.salt(0, "tenant-a"), "model");
    long b = PromptBlocks.salt(PromptBlocks.salt(0, "tenant-b"), "model");
    assertThat(a).isNotEqualTo(b);
    for (int i = 0; i < 8; i++) {
      assertThat(of(a, prompt).hash(i)).isNotEqualTo(of(b, prompt).hash(i));
    }
    assertThat(PromptBlocks.salt(PromptBlocks.salt(0, "ab"), "c"))
        .isNotEqualTo(PromptBlocks.salt(PromptBlocks.salt(0, "a"), "bc"));
  }

  @Test
  void equalBlocksAtDifferentPlacesHaveDifferentHashes() {
    byte[] same = "x".repeat(256 * 4).getBytes(StandardCharsets.US_ASCII);
    PromptBlocks blocks = of(0, same);
    assertThat(new long[] {blocks.hash(0), blocks.hash(1), blocks.hash(2), blocks.hash(3)})
        .doesNotHaveDuplicates();
  }

  @Test
  void onlyFullBlocksCountAndNotMoreThanTheBound() {
    assertThat(of(0, bytes(1, 255)).count()).isZero();
    assertThat(of(0, bytes(1, 256)).count()).isEqualTo(1);
    assertThat(of(0, bytes(1, 511)).count()).isEqualTo(1);
    assertThat(of(0, bytes(1, 256 * 600)).count()).isEqualTo(PromptBlocks.BLOCKS_MAX);
    assertThatThrownBy(() -> of(0, bytes(1, 256)).hash(1)).hasMessageContaining("1 of 1");
  }

  @Test
  void piecesGiveTheSameHashesAsTheWholeAndResetForgets() {
    byte[] prompt = bytes(9, 256 * 10 + 17);
    PromptBlocks whole = of(5, prompt);
    var pieces = new PromptBlocks();
    pieces.update(bytes(1, 777), 0, 777);
    pieces.reset(5);
    var random = new SplittableRandom(9);
    for (int at = 0; at < prompt.length; ) {
      int length = Math.min(prompt.length - at, 1 + random.nextInt(300));
      pieces.update(prompt, at, length);
      at += length;
    }
    assertThat(pieces.count()).isEqualTo(10);
    for (int i = 0; i < 10; i++) {
      assertThat(pieces.hash(i)).isEqualTo(whole.hash(i));
    }
  }
}
