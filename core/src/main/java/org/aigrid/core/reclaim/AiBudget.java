package org.aigrid.core.reclaim;

import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.StepModel;
import org.aigrid.core.model.ServiceTier;

/// What AI may have of an endpoint beside the radio. Immutable.
///
/// @param sequences requests together
/// @param prefillTokensPerSecond prompt tokens
/// @param kvTokens tokens in the KV cache
public record AiBudget(int sequences, double prefillTokensPerSecond, long kvTokens) {
  /// Prompt tokens of the smallest piece that is worth a step.
  private static final int PIECE_TOKENS_LEAST = 64;

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

  /// Whether one more request of a class may begin where so many run: each class has its share of
  /// what AI may have, the least urgent the smallest.
  public static boolean admits(
      double aiShare, int sequencesMax, ServiceTier tier, int sequencesRunning) {
    return sequencesRunning < tier.slots(sequences(aiShare, sequencesMax));
  }

  /// Prompt tokens that a step may take beside so many sequences, so that the step, which nothing
  /// interrupts, is over within the deadline though the KV cache is full; 0 when not even the
  /// sequences alone are.
  public static int chunkTokensWithin(EngineProfile profile, int sequences, double deadlineMs) {
    double tokens = profile.step().promptTokensWithin(deadlineMs, sequences, profile.kvTokensMax());
    return (int) Math.clamp(tokens, 0, profile.chunkTokens());
  }

  /// Prompt tokens of a step beside a radio: what `share` of the GPU computes within the deadline,
  /// one at least, so that a prompt once begun ends; the profile's own where there is no deadline.
  /// The rule of the emulated engines and of the twin's.
  ///
  /// @param share of the GPU that the radio leaves, above 0
  /// @param sequences that decode in the step
  /// @param contextTokens that these hold
  public static int chunkTokens(
      EngineProfile profile, double deadlineMs, double share, int sequences, double contextTokens) {
    if (Double.isInfinite(deadlineMs)) {
      return profile.chunkTokens();
    }
    double tokens = profile.step().promptTokensWithin(deadlineMs * share, sequences, contextTokens);
    return (int) Math.clamp(tokens, 1, profile.chunkTokens());
  }

  /// An engine beside a radio: as it is, but with steps that are over within the deadline, so that
  /// whoever has to go is gone by then.
  public static EngineProfile inPieces(EngineProfile profile, double deadlineMs) {
    int chunk = chunkTokensWithin(profile, profile.sequencesMax(), deadlineMs);
    return new EngineProfile(
        profile.step(), Math.max(1, chunk), profile.sequencesMax(), profile.kvTokensMax());
  }

  /// The smallest share of the GPU at which a step is still over within the deadline: steps take
  /// longer by what the radio has, and reading the weights takes the same for one sequence as for
  /// all. AI with less would not be gone in time, so it may have nothing.
  public static double leastShare(EngineProfile profile, double deadlineMs) {
    StepModel step = profile.step();
    double fixedMs = step.stepMs(PIECE_TOKENS_LEAST, 0, 0);
    // What grows with the sequences grows with the share.
    double growingMs =
        step.stepMs(0, profile.sequencesMax(), profile.kvTokensMax()) - step.baseMs();
    return growingMs >= deadlineMs ? 1 : Math.min(1, fixedMs / (deadlineMs - growingMs));
  }

  /// What a radio's demand comes to: all, where it would leave AI less than that.
  public static double wholeDemand(double demand, double leastShare) {
    return 1 - demand < leastShare ? 1 : demand;
  }
}
