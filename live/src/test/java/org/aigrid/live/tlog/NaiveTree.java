package org.aigrid.live.tlog;

import java.util.ArrayList;
import java.util.List;

/// The tree as RFC 6962 writes it down: recursive, slow, obviously right.
final class NaiveTree {
  private NaiveTree() {}

  static Hash root(List<byte[]> leaves) {
    return switch (leaves.size()) {
      case 0 -> Hash.OF_EMPTY_TREE;
      case 1 -> Hash.ofLeaf(leaves.getFirst());
      default -> {
        int k = split(leaves.size());
        yield Hash.ofNode(root(leaves.subList(0, k)), root(leaves.subList(k, leaves.size())));
      }
    };
  }

  static List<Hash> path(int m, List<byte[]> leaves) {
    int n = leaves.size();
    if (n == 1) {
      return new ArrayList<>();
    }
    int k = split(n);
    List<Hash> path;
    if (m < k) {
      path = path(m, leaves.subList(0, k));
      path.add(root(leaves.subList(k, n)));
    } else {
      path = path(m - k, leaves.subList(k, n));
      path.add(root(leaves.subList(0, k)));
    }
    return path;
  }

  static List<Hash> proof(int m, List<byte[]> leaves) {
    return m == 0 || m == leaves.size() ? List.of() : subproof(m, leaves, true);
  }

  private static List<Hash> subproof(int m, List<byte[]> leaves, boolean known) {
    int n = leaves.size();
    if (m == n) {
      var end = new ArrayList<Hash>();
      if (!known) {
        end.add(root(leaves));
      }
      return end;
    }
    int k = split(n);
    List<Hash> proof;
    if (m <= k) {
      proof = subproof(m, leaves.subList(0, k), known);
      proof.add(root(leaves.subList(k, n)));
    } else {
      proof = subproof(m - k, leaves.subList(k, n), false);
      proof.add(root(leaves.subList(0, k)));
    }
    return proof;
  }

  private static int split(int n) {
    return Integer.highestOneBit(n - 1);
  }
}
