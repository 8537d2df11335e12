package org.aigrid.core.load;

/// Bounds of a prefix index.
///
/// @param blocksMax blocks remembered at most, rounded up to a power of two; 44 bytes each
/// @param ttlMs how long a block is believed to stay cached after it was last used; in agentic
///   traffic the p99 gap between turns is 11.4 minutes, so minutes, not seconds
public record PrefixIndexSettings(int blocksMax, int ttlMs) {
  public static final PrefixIndexSettings DEFAULT = new PrefixIndexSettings(1 << 18, 600_000);

  public PrefixIndexSettings {
    if (blocksMax < 8 || blocksMax > 1 << 26) {
      throw new IllegalArgumentException(
          "blocksMax: " + blocksMax + " (expected: 8 to " + (1 << 26) + ")");
    }
    if (ttlMs < 1) {
      throw new IllegalArgumentException("ttlMs: " + ttlMs + " (expected: 1 or more)");
    }
  }
}
