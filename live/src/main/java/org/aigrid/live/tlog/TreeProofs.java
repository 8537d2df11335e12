package org.aigrid.live.tlog;

import java.util.ArrayList;
import java.util.List;

/// Proofs of a Merkle tree, made and checked (RFC 6962 sections 2.1.1 and 2.1.2; the checks follow
/// RFC 9162 sections 2.1.3.2 and 2.1.4.2). A proof has at most 63 hashes. Pure.
public final class TreeProofs {
  private TreeProofs() {}

  /// What shows that leaf `index` is in the tree of `size` leaves: siblings, the leaf's first.
  public static List<Hash> inclusion(long index, long size, TreeNodes nodes) {
    if (index < 0 || index >= size) {
      throw new IllegalArgumentException(
          "index " + index + " of a tree of " + size + " (expected: 0 to " + (size - 1) + ")");
    }
    var proof = new ArrayList<Hash>();
    long from = 0;
    long to = size;
    while (to - from > 1) {
      long middle = from + split(to - from);
      if (index < middle) {
        proof.add(root(middle, to, nodes));
        to = middle;
      } else {
        proof.add(root(from, middle, nodes));
        from = middle;
      }
    }
    return proof.reversed();
  }

  /// What shows that the tree of `size` leaves begins with the tree of `oldSize` leaves. Empty when
  /// one of them is empty or both are the same.
  public static List<Hash> consistency(long oldSize, long size, TreeNodes nodes) {
    if (oldSize < 0 || oldSize > size) {
      throw new IllegalArgumentException(
          "old size " + oldSize + " of a tree of " + size + " (expected: 0 to " + size + ")");
    }
    if (oldSize == 0 || oldSize == size) {
      return List.of();
    }
    var proof = new ArrayList<Hash>();
    long from = 0;
    long to = size;
    boolean known = true; // whether the verifier has the root of what remains
    while (oldSize != to) {
      long middle = from + split(to - from);
      if (oldSize <= middle) {
        proof.add(root(middle, to, nodes));
        to = middle;
      } else {
        proof.add(root(from, middle, nodes));
        from = middle;
        known = false;
      }
    }
    if (!known) {
      proof.add(root(from, to, nodes));
    }
    return proof.reversed();
  }

  /// The root of the first `size` leaves.
  public static Hash root(long size, TreeNodes nodes) {
    return size == 0 ? Hash.OF_EMPTY_TREE : root(0, size, nodes);
  }

  private static Hash root(long from, long to, TreeNodes nodes) {
    long count = to - from;
    if (Long.bitCount(count) == 1) {
      int level = Long.numberOfTrailingZeros(count);
      return nodes.node(level, from >>> level);
    }
    long middle = from + split(count);
    return Hash.ofNode(root(from, middle, nodes), root(middle, to, nodes));
  }

  /// The largest power of two below `count`.
  private static long split(long count) {
    return Long.highestOneBit(count - 1);
  }

  /// Whether the proof leads from the leaf at `index` to the root of the tree of `size` leaves.
  public static boolean includes(long index, long size, Hash leaf, List<Hash> proof, Hash root) {
    if (index < 0 || index >= size) {
      return false;
    }
    long node = index;
    long last = size - 1;
    Hash now = leaf;
    for (Hash sibling : proof) {
      if (last == 0) {
        return false;
      }
      if ((node & 1) == 1 || node == last) {
        now = Hash.ofNode(sibling, now);
        while ((node & 1) == 0 && node != 0) {
          node >>>= 1;
          last >>>= 1;
        }
      } else {
        now = Hash.ofNode(now, sibling);
      }
      node >>>= 1;
      last >>>= 1;
    }
    return last == 0 && now.equals(root);
  }

  /// Whether the proof shows that the tree of `size` leaves begins with that of `oldSize`.
  public static boolean consistent(
      long oldSize, Hash oldRoot, long size, Hash root, List<Hash> proof) {
    if (oldSize < 0 || oldSize > size) {
      return false;
    }
    if (oldSize == 0) {
      return proof.isEmpty() && oldRoot.equals(Hash.OF_EMPTY_TREE);
    }
    if (oldSize == size) {
      return proof.isEmpty() && oldRoot.equals(root);
    }
    List<Hash> path = proof;
    if (Long.bitCount(oldSize) == 1) {
      path = new ArrayList<>();
      path.add(oldRoot);
      path.addAll(proof);
    }
    if (path.isEmpty()) {
      return false;
    }
    long node = oldSize - 1;
    long last = size - 1;
    while ((node & 1) == 1) {
      node >>>= 1;
      last >>>= 1;
    }
    Hash before = path.getFirst();
    Hash after = path.getFirst();
    for (Hash hash : path.subList(1, path.size())) {
      if (last == 0) {
        return false;
      }
      if ((node & 1) == 1 || node == last) {
        before = Hash.ofNode(hash, before);
        after = Hash.ofNode(hash, after);
        while ((node & 1) == 0 && node != 0) {
          node >>>= 1;
          last >>>= 1;
        }
      } else {
        after = Hash.ofNode(after, hash);
      }
      node >>>= 1;
      last >>>= 1;
    }
    return last == 0 && before.equals(oldRoot) && after.equals(root);
  }
}
