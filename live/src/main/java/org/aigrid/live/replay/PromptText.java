package org.aigrid.live.replay;

import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.live.trace.TraceRow;

/// Prompts of a wanted length that nobody ever wrote: plain words, about four bytes a token. The
/// same seed and row give the same prompt; rows that name equal leading blocks get equal leading
/// text, so that a prefix cache finds what the trace says it would find. Safe for many threads.
final class PromptText {
  /// Bytes of plain English a token stands for, roughly, in common tokenizers.
  static final int BYTES_PER_TOKEN = 4;

  private static final List<String> WORDS =
      List.of(
          "the", "and", "was", "for", "with", "from", "have", "this", "that", "they", "been",
          "were", "when", "your", "said", "each", "time", "will", "then", "them", "some", "long",
          "make", "like", "him", "into", "has", "look", "two", "more", "day", "could", "come",
          "did", "sound", "most", "over", "know", "than", "call", "who", "may", "down", "side",
          "now", "find", "any", "new", "work", "part", "take", "get", "place", "made", "live",
          "where", "after", "back", "only", "round", "man", "year", "came", "show");

  private static final int POOL_BYTES = 1 << 18;

  private final long seed;
  private final String pool;

  PromptText(long seed) {
    this.seed = seed;
    var random = new SplittableRandom(seed);
    var text = new StringBuilder(POOL_BYTES + 16);
    while (text.length() < POOL_BYTES) {
      text.append(WORDS.get(random.nextInt(WORDS.size()))).append(' ');
    }
    pool = text.toString();
  }

  /// The prompt of a row, ASCII without quotes or backslashes: it may stand in JSON as it is.
  ///
  /// @param number of the row in its trace: prompts without blocks are all different
  String of(TraceRow row, long number) {
    var text = new StringBuilder(row.inputTokens() * BYTES_PER_TOKEN + 64);
    if (row.blocks().isEmpty()) {
      append(text, number, row.inputTokens());
    } else {
      int left = row.inputTokens();
      for (long block : row.blocks()) {
        int tokens = Math.min(left, row.blockTokens());
        append(text, ~block, tokens);
        left -= tokens;
      }
    }
    return text.toString();
  }

  /// A stretch that begins with its own number, so that different stretches differ from the start.
  private void append(StringBuilder text, long stretch, int tokens) {
    int end = text.length() + tokens * BYTES_PER_TOKEN;
    long mixed = stretch * 0x9E3779B97F4A7C15L; // odd, so no two stretches meet
    int offset = new SplittableRandom(seed ^ mixed).nextInt(POOL_BYTES);
    text.append(Long.toUnsignedString(mixed, 36)).append(' ');
    while (text.length() < end) {
      int take = Math.min(end - text.length(), pool.length() - offset);
      text.append(pool, offset, offset + take);
      offset = 0;
    }
    text.setLength(end);
  }
}
