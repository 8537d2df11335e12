package org.aigrid.live.engine;

import java.util.LinkedHashMap;
import java.util.Map;

/// Which prompt blocks an emulated replica still holds: at most `blocksMax`, the least recently
/// used go first. One thread.
final class PrefixCache {
  private final LinkedHashMap<Long, Boolean> blocks;

  PrefixCache(int blocksMax) {
    blocks =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
            return size() > blocksMax;
          }
        };
  }

  /// How many blocks from the beginning of the chain are held.
  int matched(long[] chain) {
    int matched = 0;
    while (matched < chain.length && blocks.containsKey(chain[matched])) {
      matched++;
    }
    return matched;
  }

  /// Holds the chain; its last blocks are the first to go.
  void add(long[] chain) {
    for (int i = chain.length - 1; i >= 0; i--) {
      blocks.put(chain[i], Boolean.TRUE);
    }
  }
}
