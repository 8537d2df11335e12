package org.aigrid.core.route;

/// Why the chosen endpoint was chosen.
public enum Reason {
  /// It holds the prompt's prefix and is not saturated.
  STICKY_PREFIX,
  /// It has the lowest cost among the candidates.
  LOWEST_COST,
  /// It was the only permitted candidate.
  ONLY_CANDIDATE,
  /// It was drawn at random to learn about it.
  EXPLORATION
}
