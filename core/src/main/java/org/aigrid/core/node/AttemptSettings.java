package org.aigrid.core.node;

/// Bounds of a request's attempts.
///
/// @param attemptsMax tries at most before the first byte, the first and a hedge included
/// @param firstByteMsLeast no attempt is called too slow before this
/// @param firstByteFactor an attempt is too slow at this multiple of the expected time to its first
///   byte
/// @param firstByteMsMost and after this in any case, unless more is expected or the answer comes
///   whole: how long that takes is the answer's length, which is only assumed when the client does
///   not bound it, so it has its multiple until the client's deadline
/// @param gapMsLeast a stream is not called silent before this
/// @param gapFactor it is at this multiple of the expected time between two tokens
/// @param gapMsMost and after this in any case
/// @param movesMax how often one stream may be taken elsewhere
/// @param moveTriesMax attempts of one move at most, those after a wait included
/// @param moveMsMax how long a stream may stand still while a new place is looked for
/// @param moveAgainMs between two looks when none is ready, and so much more for each attempt of
///   the move that came to nothing
/// @param hedgeFactor a hedge is sent when only so many times the expected time to the first byte
///   is left before the client's deadline
public record AttemptSettings(
    int attemptsMax,
    int firstByteMsLeast,
    double firstByteFactor,
    int firstByteMsMost,
    int gapMsLeast,
    double gapFactor,
    int gapMsMost,
    int movesMax,
    int moveTriesMax,
    int moveMsMax,
    int moveAgainMs,
    double hedgeFactor) {
  public static final AttemptSettings DEFAULT =
      new AttemptSettings(3, 5_000, 10, 120_000, 2_000, 40, 30_000, 16, 12, 20_000, 200, 2);

  /// An answer without a stated bound is taken to have at most so many tokens when its patience is
  /// reckoned.
  private static final int OUTPUT_TOKENS_ASSUMED = 4_096;

  public AttemptSettings {
    if (attemptsMax < 1 || attemptsMax > 8) {
      throw new IllegalArgumentException("attemptsMax: " + attemptsMax + " (expected: 1 to 8)");
    }
    requireOrder("firstByte", firstByteMsLeast, firstByteFactor, firstByteMsMost);
    requireOrder("gap", gapMsLeast, gapFactor, gapMsMost);
    if (movesMax < 0 || moveTriesMax < 1 || moveMsMax < 1 || moveAgainMs < 1) {
      throw new IllegalArgumentException(
          "movesMax "
              + movesMax
              + ", moveTriesMax "
              + moveTriesMax
              + ", moveMsMax "
              + moveMsMax
              + ", moveAgainMs "
              + moveAgainMs
              + " (expected: moves 0 or more, the others 1 or more)");
    }
    if (!(hedgeFactor >= 1)) {
      throw new IllegalArgumentException("hedgeFactor: " + hedgeFactor + " (expected: 1 or more)");
    }
  }

  private static void requireOrder(String name, int leastMs, double factor, int mostMs) {
    if (leastMs < 1 || mostMs < leastMs || !(factor >= 1)) {
      throw new IllegalArgumentException(
          name
              + "MsLeast "
              + leastMs
              + ", "
              + name
              + "Factor "
              + factor
              + ", "
              + name
              + "MsMost "
              + mostMs
              + " (expected: 1 <= least <= most, factor 1 or more)");
    }
  }

  /// When the first byte of an answer is to be expected. A stream begins with its first token; an
  /// answer that comes whole begins when it is complete, so its length counts, too.
  ///
  /// @param firstTokenMs the router's estimate
  /// @param tokenMs time per output token there
  /// @param outputTokensMax what the client allows, or 0
  public static double expectedFirstByteMs(
      double firstTokenMs, double tokenMs, boolean streamed, int outputTokensMax) {
    int tokens = outputTokensMax > 0 ? outputTokensMax : OUTPUT_TOKENS_ASSUMED;
    return streamed ? firstTokenMs : firstTokenMs + tokens * tokenMs;
  }

  /// How long a stream may be silent before its site is treated as failed: by what its engine
  /// should do, not by a fixed time.
  ///
  /// @param tokenMs time per output token that is expected there
  public int gapMs(double tokenMs) {
    return (int) Math.clamp(tokenMs * gapFactor, gapMsLeast, gapMsMost);
  }
}
