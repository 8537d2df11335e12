package org.aigrid.twin.engine;

import org.aigrid.core.engine.EngineProfile;

/// What a `SharedEngine` runs on: engines alike share one. Immutable.
///
/// @param profile of one replica
/// @param replicas 1 or more, alike, evenly loaded
public record Hardware(EngineProfile profile, int replicas) {
  public Hardware {
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
}
