package org.aigrid.twin.engine;

import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.reclaim.AiBudget;

/// What a `SharedEngine` runs on: engines alike share one. Immutable.
///
/// @param profile of one replica
/// @param replicas 1 or more, alike, evenly loaded
/// @param passMsMax no pass takes prompt tokens beyond this, however small the share of the GPU
///   that is left: a radio beside it waits for its end; infinite for no such bound
public record Hardware(EngineProfile profile, int replicas, double passMsMax) {
  /// Engines with a GPU of their own.
  public Hardware(EngineProfile profile, int replicas) {
    this(profile, replicas, Double.POSITIVE_INFINITY);
  }

  public Hardware {
    if (!(passMsMax > 0)) {
      throw new IllegalArgumentException("passMsMax: " + passMsMax + " (expected: above 0)");
    }
    if (replicas < 1) {
      throw new IllegalArgumentException("replicas: " + replicas + " (expected: 1 or more)");
    }
  }

  /// Sequences that run at once.
  public int slots() {
    return profile.sequencesMax() * replicas;
  }

  /// Tokens whose keys and values fit.
  public double kvTokensMax() {
    return (double) profile.kvTokensMax() * replicas;
  }

  /// Prompt tokens that a pass of one replica takes at most.
  ///
  /// @param share of the GPU that is left
  /// @param decoding sequences of that replica
  /// @param contextTokens that these hold
  public int chunkTokens(double share, int decoding, double contextTokens) {
    return AiBudget.chunkTokens(profile, passMsMax, share, decoding, contextTokens);
  }
}
