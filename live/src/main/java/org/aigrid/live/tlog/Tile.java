package org.aigrid.live.tlog;

import java.util.ArrayList;
import java.util.List;

/// Names a piece of a log that is one file (C2SP `tlog-tiles`): 256 hashes of one level, or 256
/// entries; at the right edge fewer. A hash of level L is the root of a full tile of level L - 1.
///
/// @param level 0 (leaf hashes) to 63, or `ENTRIES` for a bundle of entries
/// @param index which one, from the left
/// @param width how many it holds: 1 to 256, below 256 only at the right edge
public record Tile(int level, long index, int width) {
  /// Hashes or entries of a full one.
  public static final int WIDTH = 256;

  /// The "level" of a bundle of entries.
  public static final int ENTRIES = -1;

  private static final int LEVEL_MAX = 63;

  public Tile {
    if (level < ENTRIES || level > LEVEL_MAX || index < 0 || width < 1 || width > WIDTH) {
      throw new FormatException(
          "tile of level "
              + level
              + ", index "
              + index
              + ", width "
              + width
              + " (expected: level 0 to 63 or -1 for entries, index 0 or more, width 1 to 256)");
    }
  }

  public boolean full() {
    return width == WIDTH;
  }

  /// The same piece when all of it is there.
  public Tile filled() {
    return new Tile(level, index, WIDTH);
  }

  /// How many hashes the tiles of a level hold in a tree of `size` leaves.
  public static long hashCount(int level, long size) {
    int shift = 8 * Math.max(level, 0);
    return shift > 62 ? 0 : size >>> shift;
  }

  /// The piece that holds the hash (or entry) number `position` of a level in a tree of `size`
  /// leaves, as wide as it is there.
  public static Tile holding(int level, long position, long size) {
    long count = hashCount(level, size);
    if (position < 0 || position >= count) {
      throw new IllegalArgumentException(
          "hash " + position + " of level " + level + " (expected: below " + count + ")");
    }
    long index = position / WIDTH;
    return new Tile(level, index, (int) Math.min(WIDTH, count - index * WIDTH));
  }

  /// All pieces that a tree of `size` leaves consists of, the entries first, levels upward.
  public static List<Tile> all(long size) {
    var tiles = new ArrayList<Tile>();
    for (int level = ENTRIES; hashCount(level, size) > 0; level++) {
      long count = hashCount(level, size);
      for (long first = 0; first < count; first += WIDTH) {
        tiles.add(holding(level, first, size));
      }
    }
    return tiles;
  }

  /// Where it lies under the log's prefix: `tile/0/x001/x234/067.p/12`.
  public String path() {
    var path = new StringBuilder("tile/");
    path.append(level == ENTRIES ? "entries" : Integer.toString(level)).append('/');
    String digits = Long.toString(index);
    int missing = (3 - digits.length() % 3) % 3;
    digits = "0".repeat(missing) + digits;
    for (int i = 0; i < digits.length(); i += 3) {
      boolean last = i + 3 == digits.length();
      path.append(last ? "" : "x").append(digits, i, i + 3).append(last ? "" : "/");
    }
    if (!full()) {
      path.append(".p/").append(width);
    }
    return path.toString();
  }

  /// Reads a path; every tile has exactly one.
  public static Tile parse(String path) {
    String[] parts = path.split("/", -1);
    if (parts.length < 3 || parts.length > 12 || !parts[0].equals("tile")) {
      throw unknown(path);
    }
    int width = WIDTH;
    int end = parts.length;
    if (end > 3 && parts[end - 2].endsWith(".p")) {
      if (!parts[end - 1].matches("[1-9][0-9]{0,2}")) {
        throw unknown(path);
      }
      width = Integer.parseInt(parts[end - 1]);
      parts[end - 2] = parts[end - 2].substring(0, parts[end - 2].length() - 2);
      end--;
      if (width == WIDTH) {
        throw unknown(path);
      }
    }
    int level = ENTRIES;
    if (!parts[1].equals("entries")) {
      if (!parts[1].matches("0|[1-9][0-9]?")) {
        throw unknown(path);
      }
      level = Integer.parseInt(parts[1]);
    }
    long index = 0;
    for (int i = 2; i < end; i++) {
      if (!parts[i].matches(i + 1 == end ? "[0-9]{3}" : "x[0-9]{3}") || index > 1L << 50) {
        throw unknown(path);
      }
      index = 1_000 * index + Integer.parseInt(parts[i].replace("x", ""));
    }
    var tile = new Tile(level, index, width);
    if (!tile.path().equals(path)) {
      throw unknown(path);
    }
    return tile;
  }

  private static FormatException unknown(String path) {
    return new FormatException(
        "tile path '"
            + Base64s.shown(path)
            + "' (expected: tile/LEVEL/N, as tile/0/x001/067.p/12)");
  }
}
