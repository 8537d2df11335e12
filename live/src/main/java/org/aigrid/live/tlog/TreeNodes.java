package org.aigrid.live.tlog;

/// The nodes of a Merkle tree that are roots of full subtrees.
@FunctionalInterface
public interface TreeNodes {
  /// The root of the leaves from `index << level` to `(index + 1) << level`.
  Hash node(int level, long index);
}
