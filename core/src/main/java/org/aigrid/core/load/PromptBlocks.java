package org.aigrid.core.load;

import java.util.Arrays;

/// The chain of block hashes of one prompt: `seq_0 = h(salt, block_0)`, `seq_i = h(seq_(i-1),
/// block_i)`. Two prompts share `seq_i` when they agree in their first i+1 blocks under the same
/// salt.
///
/// Blocks are 256 bytes of prompt text, about 64 tokens, so that no tokenizer is needed; a last
/// block that is not full is left out. At most 512 blocks are hashed, so that a long prompt costs
/// no more than 128 KiB of hashing. The salt holds tenant and model: without it tenants could probe
/// each other's prompts through answer times.
///
/// The hash folds 128-bit products of eight-byte words with odd constants (the scheme of wyhash):
/// fast and well mixed, not cryptographic. A collision costs one wrong guess about a cache, never a
/// wrong answer.
///
/// Reusable after `reset`, which allocates nothing; not thread-safe. About 0.25 ns a byte.
public final class PromptBlocks {
  public static final int BLOCK_BYTES = 256;
  public static final int BLOCKS_MAX = 512;

  /// Tokens that one block stands for, at four bytes a token.
  public static final int BLOCK_TOKENS = 64;

  private static final long K0 = 0x9E3779B97F4A7C15L;
  private static final long K1 = 0xD6E8FEB86659FD93L;
  private static final long K2 = 0xA0761D6478BD642FL;

  private final long[] hashes;
  private int count;
  private long chain;
  private long state;
  private long word;
  private int bytesInBlock;

  public PromptBlocks() {
    hashes = new long[BLOCKS_MAX];
    reset(0);
  }

  private PromptBlocks(PromptBlocks of) {
    hashes = Arrays.copyOf(of.hashes, of.count);
    count = of.count;
  }

  /// The blocks so far, apart from this and no larger than they are; takes no more of them.
  public PromptBlocks copy() {
    return new PromptBlocks(this);
  }

  /// Starts a new prompt under `salt`.
  public void reset(long salt) {
    count = 0;
    chain = fold(salt ^ K2, K0);
    state = chain;
    word = 0;
    bytesInBlock = 0;
  }

  /// A salt from text, for example tenant and model; chain several by passing the last as `seed`.
  public static long salt(long seed, CharSequence text) {
    long mixed = fold(seed ^ K1, text.length() + K0);
    for (int i = 0; i < text.length(); i++) {
      mixed = fold(mixed ^ text.charAt(i), K1);
    }
    return mixed;
  }

  /// The next bytes of the prompt.
  public void update(byte[] bytes, int offset, int length) {
    for (int i = offset; i < offset + length && count < hashes.length; i++) {
      update(bytes[i]);
    }
  }

  /// The next byte of the prompt.
  public void update(byte value) {
    if (count == hashes.length) {
      return;
    }
    word = word << 8 | (value & 0xFF);
    bytesInBlock++;
    if ((bytesInBlock & 7) == 0) {
      state = fold(state ^ word, K1 + bytesInBlock);
      word = 0;
      if (bytesInBlock == BLOCK_BYTES) {
        chain = fold(state ^ K2, chain | 1);
        hashes[count++] = chain;
        state = chain;
        bytesInBlock = 0;
      }
    }
  }

  /// The next block, by a number that stands for its bytes: for who has no text, such as the twin.
  /// Only at the border of a block.
  public void block(long content) {
    if (bytesInBlock != 0) {
      throw new IllegalStateException(
          bytesInBlock
              + " bytes of a block were given (expected: none, or all "
              + BLOCK_BYTES
              + ")");
    }
    if (count < hashes.length) {
      chain = fold(chain ^ fold(content ^ K2, K1), chain | 1);
      hashes[count++] = chain;
      state = chain;
    }
  }

  /// Full blocks hashed so far.
  public int count() {
    return count;
  }

  /// Chained hash of block `i`.
  public long hash(int i) {
    if (i >= count) {
      throw new IndexOutOfBoundsException("block " + i + " of " + count);
    }
    return hashes[i];
  }

  private static long fold(long a, long b) {
    return (a * b) ^ Math.unsignedMultiplyHigh(a, b);
  }
}
