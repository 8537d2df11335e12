package org.aigrid.core.engine;

/// What one engine replica can do: its step model and its bounds. Immutable.
///
/// @param step duration of a forward pass
/// @param chunkTokens prompt tokens one step takes at most (`max_num_batched_tokens`)
/// @param sequencesMax sequences that run together (`max_num_seqs`)
/// @param kvTokensMax tokens the KV cache holds
public record EngineProfile(StepModel step, int chunkTokens, int sequencesMax, int kvTokensMax) {
  public EngineProfile {
    if (chunkTokens < 1 || sequencesMax < 1 || kvTokensMax < 1) {
      throw new IllegalArgumentException(
          "engine profile: chunkTokens "
              + chunkTokens
              + ", sequencesMax "
              + sequencesMax
              + ", kvTokensMax "
              + kvTokensMax
              + " (expected: 1 or more each)");
    }
  }

  /// R_peak: prompt tokens per second when every step carries a full chunk.
  public double prefillTokensPerSecond() {
    return 1000.0 * chunkTokens / step.stepMs(chunkTokens, 0, 0);
  }

  /// The longest a step can take: a full chunk beside every sequence and a full KV cache.
  public double longestStepMs() {
    return step.stepMs(chunkTokens, sequencesMax, kvTokensMax);
  }

  /// Time per output token of one sequence among `running`, which together hold `contextTokens`.
  public double decodeMsPerToken(int running, long contextTokens) {
    return step.stepMs(0, Math.max(1, Math.min(running, sequencesMax)), contextTokens);
  }
}
