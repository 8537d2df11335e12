package org.aigrid.live.engine;

import org.jspecify.annotations.Nullable;

/// The words of an emulated engine, one piece per token: first a label that says what this is, then
/// words chosen by the prompt's hash, so that the same prompt always gets the same answer. A given
/// text is cut into pieces instead. Immutable; pieces are made on demand.
final class InventedText {
  private static final int GIVEN_PIECE_CHARS = 4;
  private static final int SENTENCE_WORDS = 12;
  private static final String[] WORDS =
      ("the grid answers near you with words that mean nothing while its timing is real and each"
              + " step of this engine takes as long as one on true hardware would take so latency"
              + " queues and throughput can be studied before any card arrives at a site in city or"
              + " field")
          .split(" ");

  private final String label;
  private final long seed;
  private final @Nullable String given;

  InventedText(String label, long seed, @Nullable String given) {
    this.label = label;
    this.seed = seed;
    this.given = given;
  }

  /// Tokens of a given text; 0 when there is none.
  int givenTokens() {
    return given == null ? 0 : Math.max(1, Math.ceilDiv(given.length(), GIVEN_PIECE_CHARS));
  }

  /// The text of token `i`, from 0.
  String piece(int i) {
    if (given != null) {
      int from = Math.min(given.length(), i * GIVEN_PIECE_CHARS);
      return given.substring(from, Math.min(given.length(), from + GIVEN_PIECE_CHARS));
    }
    if (i == 0) {
      return label;
    }
    String word = WORDS[(int) Long.remainderUnsigned(mix(seed + i), WORDS.length)];
    return i % SENTENCE_WORDS == 0 ? " " + word + "." : " " + word;
  }

  /// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
