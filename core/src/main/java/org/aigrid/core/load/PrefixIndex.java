package org.aigrid.core.load;

import java.util.Arrays;

/// Where prefixes were computed: block hash to the endpoints that were last sent a prompt with it.
///
/// Approximate on purpose: it remembers what this router sent, not what engines kept. A
/// set-associative table in primitive arrays: a hash may stand in one of eight neighbouring slots,
/// the least recently used slot gives way, a block keeps its four latest holders, and everything
/// expires. Memory is fixed at construction (about 44 bytes a block: 11 MiB at the default 262,144)
/// and nothing is allocated later. Not thread-safe.
///
/// A prompt's chain is present up to some depth and absent beyond it, so the deepest match is found
/// by bisection: about ten probes for 512 blocks, some 20 ns each.
public final class PrefixIndex {
  /// Holders remembered per block.
  public static final int HOLDERS_MAX = 4;

  private static final int WAYS = 8;

  private final int setMask;
  private final int ttlMs;
  private final long[] hashes; // 0: the slot is free
  private final int[] holders; // HOLDERS_MAX per slot, endpoint + 1, 0: free
  private final int[] usedTenths; // HOLDERS_MAX per slot, tenths of a second since epochMs
  private long epochMs = Long.MIN_VALUE;

  public PrefixIndex(PrefixIndexSettings settings) {
    int slots = Integer.highestOneBit(settings.blocksMax() - 1) << 1;
    setMask = slots / WAYS - 1;
    ttlMs = settings.ttlMs();
    hashes = new long[slots];
    holders = new int[slots * HOLDERS_MAX];
    usedTenths = new int[slots * HOLDERS_MAX];
  }

  /// Blocks that fit.
  public int capacity() {
    return hashes.length;
  }

  /// Remembers that `endpoint` is being sent this prompt.
  public void record(PromptBlocks blocks, int endpoint, long nowMs) {
    int now = stamp(nowMs);
    for (int i = 0; i < blocks.count(); i++) {
      touch(slotFor(key(blocks.hash(i)), now), endpoint + 1, now);
    }
  }

  /// Finds holders of a prompt's beginning, deepest match first.
  ///
  /// @param endpoints filled with up to its length of distinct holders
  /// @param matchedBlocks filled with the number of leading blocks each holds, at least
  /// @return how many were found
  public int find(PromptBlocks blocks, long nowMs, int[] endpoints, int[] matchedBlocks) {
    int now = stamp(nowMs);
    if (blocks.count() == 0 || lookup(key(blocks.hash(0))) < 0) {
      return 0; // a prompt that begins as none before it, told by one probe
    }
    int found = 0;
    int known = 0; // this many leading blocks are held by someone
    int unknown = blocks.count() + 1; // this many are not
    int probe = blocks.count(); // the whole prompt first: the usual case in a conversation
    while (known + 1 < unknown) {
      int slot = lookup(key(blocks.hash(probe - 1)));
      if (slot >= 0 && liveHolders(slot, now) > 0) {
        found = merge(slot, now, probe, endpoints, matchedBlocks, found);
        known = probe;
      } else {
        unknown = probe;
      }
      probe = (known + unknown) >>> 1;
    }
    return found;
  }

  /// Forgets that `endpoint` holds anything, for example because it restarted. Walks the whole
  /// table.
  public void forget(int endpoint) {
    for (int i = 0; i < holders.length; i++) {
      if (holders[i] == endpoint + 1) {
        holders[i] = 0;
      }
    }
  }

  private static long key(long hash) {
    return hash == 0 ? 1 : hash;
  }

  private int stamp(long nowMs) {
    if (epochMs == Long.MIN_VALUE) {
      epochMs = nowMs;
    }
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, (nowMs - epochMs) / 100));
  }

  private boolean alive(int at, int now) {
    return holders[at] != 0 && 100L * (now - usedTenths[at]) < ttlMs;
  }

  private int liveHolders(int slot, int now) {
    int live = 0;
    for (int h = slot * HOLDERS_MAX; h < (slot + 1) * HOLDERS_MAX; h++) {
      live += alive(h, now) ? 1 : 0;
    }
    return live;
  }

  /// Adds a slot's holders in order of depth; an endpoint that is known keeps its deeper match.
  private int merge(int slot, int now, int depth, int[] endpoints, int[] depths, int found) {
    int count = found;
    for (int h = slot * HOLDERS_MAX; h < (slot + 1) * HOLDERS_MAX; h++) {
      if (!alive(h, now)) {
        continue;
      }
      int endpoint = holders[h] - 1;
      int at = 0;
      while (at < count && endpoints[at] != endpoint) {
        at++;
      }
      if (at < count) {
        depths[at] = Math.max(depths[at], depth);
      } else if (count < endpoints.length) {
        endpoints[count] = endpoint;
        depths[count++] = depth;
      } else if (count > 0 && depths[count - 1] < depth) {
        endpoints[count - 1] = endpoint; // the shallowest match gives way
        depths[count - 1] = depth;
      }
    }
    for (int i = 1; i < count; i++) {
      int endpoint = endpoints[i];
      int matched = depths[i];
      int at = i;
      while (at > 0 && depths[at - 1] < matched) {
        endpoints[at] = endpoints[at - 1];
        depths[at] = depths[at - 1];
        at--;
      }
      endpoints[at] = endpoint;
      depths[at] = matched;
    }
    return count;
  }

  private int lookup(long key) {
    int first = firstSlot(key);
    for (int slot = first; slot < first + WAYS; slot++) {
      if (hashes[slot] == key) {
        return slot;
      }
    }
    return -1;
  }

  private int firstSlot(long key) {
    return ((int) (key >>> 32) & setMask) * WAYS;
  }

  /// The hash's slot, or the free or least recently used one of its set, emptied.
  private int slotFor(long key, int now) {
    int first = firstSlot(key);
    int oldest = first;
    int oldestUse = Integer.MAX_VALUE;
    for (int slot = first; slot < first + WAYS; slot++) {
      if (hashes[slot] == key) {
        return slot;
      }
      int use = lastUse(slot, now);
      if (use < oldestUse) {
        oldestUse = use;
        oldest = slot;
      }
    }
    hashes[oldest] = key;
    Arrays.fill(holders, oldest * HOLDERS_MAX, (oldest + 1) * HOLDERS_MAX, 0);
    return oldest;
  }

  private int lastUse(int slot, int now) {
    if (hashes[slot] == 0) {
      return -1;
    }
    int last = -1;
    for (int h = slot * HOLDERS_MAX; h < (slot + 1) * HOLDERS_MAX; h++) {
      last = alive(h, now) ? Math.max(last, usedTenths[h]) : last;
    }
    return last;
  }

  private void touch(int slot, int holder, int now) {
    int oldest = slot * HOLDERS_MAX;
    int oldestUse = Integer.MAX_VALUE;
    for (int h = slot * HOLDERS_MAX; h < (slot + 1) * HOLDERS_MAX; h++) {
      if (holders[h] == holder) {
        usedTenths[h] = now;
        return;
      }
      int use = holders[h] == 0 ? -1 : usedTenths[h];
      if (use < oldestUse) {
        oldestUse = use;
        oldest = h;
      }
    }
    holders[oldest] = holder;
    usedTenths[oldest] = now;
  }
}
