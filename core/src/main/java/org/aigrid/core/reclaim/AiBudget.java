package org.aigrid.core.reclaim;

import org.aigrid.core.engine.EngineProfile;

/// What AI may have of an endpoint beside the radio. Immutable.
///
/// @param sequences requests together
/// @param prefillTokensPerSecond prompt tokens
/// @param kvTokens tokens in the KV cache
public record AiBudget(int sequences, double prefillTokensPerSecond, long kvTokens) {
  /// The budget of a share of so many engines.
  ///
  /// @param aiShare 0 to 1
  public static AiBudget of(double aiShare, EngineProfile profile, int replicas) {
    return new AiBudget(
        sequences(aiShare, profile.sequencesMax() * replicas),
        aiShare * replicas * profile.prefillTokensPerSecond(),
        (long) (aiShare * replicas * profile.kvTokensMax()));
  }

  /// Whole sequences in a share. Rounded with a grain of tolerance: three tenths of ten are three.
  public static int sequences(double aiShare, int sequencesMax) {
    return (int) (aiShare * sequencesMax + 1e-9);
  }

  /// Prompt tokens that a step may take beside so many sequences, so that the step, which nothing
  /// interrupts, is over within the deadline; 0 when not even the sequences alone are.
  public static int chunkTokensWithin(EngineProfile profile, int sequences, double deadlineMs) {
    double leftMs = deadlineMs - profile.step().stepMs(0, sequences, 0);
    double tokens = leftMs / profile.step().prefillMsPerToken();
    return (int) Math.clamp(tokens, 0, profile.chunkTokens());
  }
}
