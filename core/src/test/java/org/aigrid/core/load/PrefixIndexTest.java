package org.aigrid.core.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PrefixIndexTest {
  private final PrefixIndex index = new PrefixIndex(new PrefixIndexSettings(1 << 12, 10_000));
  private final int[] endpoints = new int[8];
  private final int[] matched = new int[8];

  private static PromptBlocks prompt(long seed, int blocks) {
    return PromptBlocksTest.of(1, PromptBlocksTest.bytes(seed, 256 * blocks));
  }

  /// `common` blocks of one prompt and then a tail of its own.
  private static PromptBlocks fork(long seed, int common, long tailSeed, int tail) {
    byte[] bytes = Arrays.copyOf(PromptBlocksTest.bytes(seed, 256 * 64), 256 * (common + tail));
    byte[] own = PromptBlocksTest.bytes(tailSeed, 256 * tail);
    System.arraycopy(own, 0, bytes, 256 * common, own.length);
    return PromptBlocksTest.of(1, bytes);
  }

  @Test
  void aPromptIsFoundWhereItWasSentAndNowhereElse() {
    index.record(prompt(1, 20), 7, 0);
    assertThat(index.find(prompt(1, 20), 0, endpoints, matched)).isEqualTo(1);
    assertThat(endpoints[0]).isEqualTo(7);
    assertThat(matched[0]).isEqualTo(20);
    assertThat(index.find(prompt(2, 20), 0, endpoints, matched)).isZero();
  }

  @Test
  void theMatchIsAsLongAsTheCommonBeginningWhateverItsLength() {
    for (int common = 0; common <= 40; common++) {
      var fresh = new PrefixIndex(new PrefixIndexSettings(1 << 12, 10_000));
      fresh.record(fork(5, common, 100, 40 - common), 3, 0);
      int found = fresh.find(fork(5, common, 200, 40 - common), 0, endpoints, matched);
      int expected = common;
      assertThat(found).isEqualTo(expected == 0 ? 0 : 1);
      if (found > 0) {
        assertThat(matched[0]).isEqualTo(expected);
      }
    }
  }

  @Test
  void theDeepestHolderComesFirst() {
    index.record(fork(5, 10, 100, 4), 1, 0);
    index.record(fork(5, 30, 101, 4), 2, 0);
    int found = index.find(fork(5, 30, 102, 10), 0, endpoints, matched);
    assertThat(found).isPositive();
    assertThat(endpoints[0]).isEqualTo(2);
    assertThat(matched[0]).isEqualTo(30);
  }

  @Test
  void theDeepestHolderIsKeptWhenTheAnswerIsFull() {
    index.record(fork(5, 30, 101, 4), 9, 0);
    for (int e = 0; e < 4; e++) {
      index.record(fork(5, 10, 100 + e, 4), e, 1_000);
    }
    int[] one = new int[1];
    int[] depth = new int[1];
    assertThat(index.find(fork(5, 30, 300, 10), 1_000, one, depth)).isEqualTo(1);
    assertThat(one[0]).isEqualTo(9);
    assertThat(depth[0]).isEqualTo(30);
  }

  @Test
  void aBlockKeepsItsLatestFourHolders() {
    for (int e = 0; e < 6; e++) {
      index.record(prompt(1, 4), e, 1_000L * e);
    }
    int found = index.find(prompt(1, 4), 5_000, endpoints, matched);
    assertThat(Arrays.copyOf(endpoints, found)).containsExactlyInAnyOrder(2, 3, 4, 5);
  }

  @Test
  void whatWasNotUsedForTheTimeToLiveIsForgotten() {
    index.record(prompt(1, 4), 1, 0);
    assertThat(index.find(prompt(1, 4), 9_900, endpoints, matched)).isEqualTo(1);
    assertThat(index.find(prompt(1, 4), 10_000, endpoints, matched)).isZero();
    index.record(prompt(1, 4), 1, 10_000);
    assertThat(index.find(prompt(1, 4), 19_900, endpoints, matched)).isEqualTo(1);
  }

  @Test
  void anEndpointThatRestartedHoldsNothing() {
    index.record(prompt(1, 4), 1, 0);
    index.record(prompt(1, 4), 2, 0);
    index.forget(1);
    assertThat(index.find(prompt(1, 4), 0, endpoints, matched)).isEqualTo(1);
    assertThat(endpoints[0]).isEqualTo(2);
  }

  @Test
  void itNeverHoldsMoreThanItsBoundAndKeepsTheLatest() {
    var small = new PrefixIndex(new PrefixIndexSettings(64, 1_000_000));
    assertThat(small.capacity()).isEqualTo(64);
    for (int p = 0; p < 1_000; p++) {
      small.record(prompt(p, 2), p, 100L * p);
    }
    int held = 0;
    for (int p = 0; p < 1_000; p++) {
      held += small.find(prompt(p, 1), 100_000, endpoints, matched) > 0 ? 1 : 0;
    }
    assertThat(held).isBetween(1, 64);
    assertThat(small.find(prompt(999, 2), 100_000, endpoints, matched)).isEqualTo(1);
    assertThat(endpoints[0]).isEqualTo(999);
  }
}
