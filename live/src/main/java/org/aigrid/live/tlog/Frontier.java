package org.aigrid.live.tlog;

import java.util.ArrayList;
import java.util.List;

/// The right edge of a growing Merkle tree (a compact range): the roots of the full subtrees that
/// its leaves fall into, largest first. Enough to add leaves and to name the root, and nothing else
/// is needed of the leaves before.
///
/// At most 63 hashes; adding costs one node hash on average, a root at most 62. One thread.
public final class Frontier {
  private final List<Hash> roots = new ArrayList<>();
  private long size;

  public Frontier() {}

  /// A copy that can grow by itself.
  public Frontier(Frontier other) {
    roots.addAll(other.roots);
    size = other.size;
  }

  /// Of a tree that has `size` leaves, from its nodes.
  public static Frontier of(long size, TreeNodes nodes) {
    var frontier = new Frontier();
    long start = 0;
    for (int level = 62; level >= 0; level--) {
      if ((size & (1L << level)) != 0) {
        frontier.roots.add(nodes.node(level, start >>> level));
        start += 1L << level;
      }
    }
    frontier.size = size;
    return frontier;
  }

  public void add(Hash leaf) {
    Hash root = leaf;
    for (long rest = size; (rest & 1) == 1; rest >>>= 1) {
      root = Hash.ofNode(roots.removeLast(), root);
    }
    roots.add(root);
    size++;
  }

  public long size() {
    return size;
  }

  public Hash root() {
    if (roots.isEmpty()) {
      return Hash.OF_EMPTY_TREE;
    }
    Hash root = roots.getLast();
    for (int i = roots.size() - 2; i >= 0; i--) {
      root = Hash.ofNode(roots.get(i), root);
    }
    return root;
  }
}
