package org.aigrid.core.engine;

/// Duration of one forward pass of a continuous-batching engine: `t0 + tp x P + td x D + tk x K /
/// 1000`, with P prompt tokens, D decoding sequences and K context tokens that these sequences
/// read. Immutable, pure; a nanosecond a call.
///
/// @param baseMs t0: reading the weights once
/// @param prefillMsPerToken tp
/// @param decodeMsPerSequence td
/// @param contextMsPerThousandTokens tk
public record StepModel(
    double baseMs,
    double prefillMsPerToken,
    double decodeMsPerSequence,
    double contextMsPerThousandTokens) {
  public StepModel {
    if (!(baseMs >= 0
        && prefillMsPerToken > 0
        && decodeMsPerSequence >= 0
        && contextMsPerThousandTokens >= 0)) {
      throw new IllegalArgumentException(
          "step model "
              + baseMs
              + ", "
              + prefillMsPerToken
              + ", "
              + decodeMsPerSequence
              + ", "
              + contextMsPerThousandTokens
              + " (expected: 0 or more each, prefill above 0)");
    }
  }

  public double stepMs(int promptTokens, int decodingSequences, long contextTokens) {
    return baseMs
        + prefillMsPerToken * promptTokens
        + decodeMsPerSequence * decodingSequences
        + contextMsPerThousandTokens * contextTokens / 1000.0;
  }

  /// Prompt tokens that a pass can take beside others and still be over within a time; 0 or less
  /// when the others alone take longer.
  public double promptTokensWithin(double ms, int decodingSequences, double contextTokens) {
    double othersMs =
        baseMs
            + decodeMsPerSequence * decodingSequences
            + contextMsPerThousandTokens * contextTokens / 1000.0;
    return (ms - othersMs) / prefillMsPerToken;
  }
}
