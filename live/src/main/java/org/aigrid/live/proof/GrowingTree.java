package org.aigrid.live.proof;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.aigrid.live.tlog.Frontier;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.TiledNodes;
import org.aigrid.live.tlog.Tiles;

/// The right edge of a log: the unfinished bundle of entries, the unfinished tile of each level,
/// and the tree's frontier. Entries are added to a copy, so that a commit that fails has changed
/// nothing. One thread.
final class GrowingTree {
  private final Frontier frontier;
  private final List<byte[]> bundle;
  private final List<List<Hash>> edges = new ArrayList<>();

  GrowingTree() {
    frontier = new Frontier();
    bundle = new ArrayList<>();
  }

  GrowingTree(GrowingTree other) {
    frontier = new Frontier(other.frontier);
    bundle = new ArrayList<>(other.bundle);
    other.edges.forEach(edge -> edges.add(new ArrayList<>(edge)));
  }

  private GrowingTree(Frontier frontier, List<byte[]> bundle) {
    this.frontier = frontier;
    this.bundle = bundle;
  }

  /// Reads the right edge of a log of `size` entries from its files, and checks that the unfinished
  /// entries are those of the tree; whether the root is the signed one is for the caller to
  /// compare.
  static GrowingTree read(LogSource files, long size) throws IOException {
    Frontier frontier;
    try {
      frontier = Frontier.of(size, new TiledNodes(size, tile -> bytes(files, tile)));
    } catch (java.io.UncheckedIOException e) {
      throw e.getCause();
    }
    var bundle = new ArrayList<byte[]>();
    if (size % Tile.WIDTH != 0) {
      Tile last = Tile.holding(Tile.ENTRIES, size - 1, size);
      bundle.addAll(Tiles.entries(last, files.tile(last)));
    }
    var tree = new GrowingTree(frontier, bundle);
    for (int level = 0; Tile.hashCount(level, size) > 0; level++) {
      long count = Tile.hashCount(level, size);
      var edge = new ArrayList<Hash>();
      if (count % Tile.WIDTH != 0) {
        Tile tile = Tile.holding(level, count - 1, size);
        edge.addAll(Tiles.hashes(tile, files.tile(tile)));
      }
      tree.edges.add(edge);
    }
    for (int i = 0; i < bundle.size(); i++) {
      if (!Hash.ofLeaf(bundle.get(i)).equals(tree.edges.getFirst().get(i))) {
        throw new LogRefusedException(
            "entry "
                + (size - bundle.size() + i)
                + " is not the one that was logged: its hash is not in the tree");
      }
    }
    return tree;
  }

  private static byte[] bytes(LogSource files, Tile tile) {
    try {
      return files.tile(tile);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  long size() {
    return frontier.size();
  }

  Hash root() {
    return frontier.root();
  }

  /// Adds an entry; what it completes goes into `complete`.
  void add(byte[] entry, Map<Tile, byte[]> complete) {
    long index = frontier.size();
    Hash hash = Hash.ofLeaf(entry);
    frontier.add(hash);
    bundle.add(entry);
    if (bundle.size() == Tile.WIDTH) {
      complete.put(new Tile(Tile.ENTRIES, index / Tile.WIDTH, Tile.WIDTH), Tiles.ofEntries(bundle));
      bundle.clear();
    }
    for (int level = 0; ; level++) {
      if (level == edges.size()) {
        edges.add(new ArrayList<>());
      }
      List<Hash> edge = edges.get(level);
      edge.add(hash);
      if (edge.size() < Tile.WIDTH) {
        return;
      }
      long tile = Tile.hashCount(level, frontier.size()) / Tile.WIDTH - 1;
      complete.put(new Tile(level, tile, Tile.WIDTH), Tiles.ofHashes(edge));
      hash = Tiles.root(edge);
      edge.clear();
    }
  }

  /// Puts the unfinished pieces that differ from those of a tree of `oldSize` leaves into `pieces`.
  void addPartials(long oldSize, Map<Tile, byte[]> pieces) {
    long size = frontier.size();
    if (!bundle.isEmpty()) {
      pieces.put(Tile.holding(Tile.ENTRIES, size - 1, size), Tiles.ofEntries(bundle));
    }
    for (int level = 0; level < edges.size(); level++) {
      List<Hash> edge = edges.get(level);
      if (!edge.isEmpty() && Tile.hashCount(level, size) != Tile.hashCount(level, oldSize)) {
        pieces.put(
            Tile.holding(level, Tile.hashCount(level, size) - 1, size), Tiles.ofHashes(edge));
      }
    }
  }
}
