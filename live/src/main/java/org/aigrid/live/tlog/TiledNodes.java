package org.aigrid.live.tlog;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// The nodes of a tree of a certain size, read from its tiles. Keeps the last `TILES_KEPT` tiles
/// that it read (2 MiB). A proof in a tree of a million leaves reads three. One thread.
///
/// Trusts the tiles: who does not trust where they come from checks the proofs against a signed
/// root.
public final class TiledNodes implements TreeNodes {
  private static final int TILES_KEPT = 256;

  private final long size;
  private final Function<Tile, byte[]> tiles;
  private final Map<Tile, List<Hash>> kept =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Tile, List<Hash>> eldest) {
          return size() > TILES_KEPT;
        }
      };

  /// @param size leaves of the tree
  /// @param tiles reads one; throws when it is not there
  public TiledNodes(long size, Function<Tile, byte[]> tiles) {
    this.size = size;
    this.tiles = tiles;
  }

  @Override
  public Hash node(int level, long index) {
    int tileLevel = level / 8;
    int within = level % 8;
    long first = index << within;
    Tile tile = Tile.holding(tileLevel, first, size);
    int from = (int) (first % Tile.WIDTH);
    return Tiles.root(hashes(tile).subList(from, from + (1 << within)));
  }

  /// The hashes of a tile of the tree.
  public List<Hash> hashes(Tile tile) {
    List<Hash> hashes = kept.get(tile);
    if (hashes == null) {
      hashes = Tiles.hashes(tile, tiles.apply(tile));
      kept.put(tile, hashes);
    }
    return hashes;
  }
}
