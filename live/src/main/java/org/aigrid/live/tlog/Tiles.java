package org.aigrid.live.tlog;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/// What stands in tiles: hashes side by side, and entries with their lengths before them
/// (big-endian uint16, so that an entry has at most 65,535 bytes). Pure.
public final class Tiles {
  public static final int ENTRY_BYTES_MAX = 65_535;

  private Tiles() {}

  /// The bytes of a tile.
  public static byte[] ofHashes(List<Hash> hashes) {
    var bytes = new byte[hashes.size() * Hash.BYTES];
    for (int i = 0; i < hashes.size(); i++) {
      hashes.get(i).copyTo(bytes, i * Hash.BYTES);
    }
    return bytes;
  }

  /// The hashes of a tile, which must be as many as its name says. A full tile in the place of a
  /// partial one is cut.
  public static List<Hash> hashes(Tile tile, byte[] bytes) {
    if (bytes.length != tile.width() * Hash.BYTES && bytes.length != Tile.WIDTH * Hash.BYTES) {
      throw new FormatException(
          tile.path()
              + ": "
              + bytes.length
              + " bytes (expected: "
              + tile.width() * Hash.BYTES
              + ")");
    }
    var hashes = new ArrayList<Hash>(tile.width());
    for (int i = 0; i < tile.width(); i++) {
      hashes.add(Hash.at(bytes, i * Hash.BYTES));
    }
    return hashes;
  }

  /// The root of a tile's hashes (a full tile's is the hash one level up).
  public static Hash root(List<Hash> hashes) {
    var frontier = new Frontier();
    hashes.forEach(frontier::add);
    return frontier.root();
  }

  /// The bytes of a bundle of entries.
  public static byte[] ofEntries(List<byte[]> entries) {
    var bytes = new ByteArrayOutputStream();
    for (byte[] entry : entries) {
      if (entry.length > ENTRY_BYTES_MAX) {
        throw new IllegalArgumentException(
            "entry of " + entry.length + " bytes (expected: at most " + ENTRY_BYTES_MAX + ")");
      }
      bytes.write(entry.length >>> 8);
      bytes.write(entry.length);
      bytes.writeBytes(entry);
    }
    return bytes.toByteArray();
  }

  /// The entries of a bundle, which must be as many as its name says (or a full bundle's, cut) with
  /// nothing after them.
  public static List<byte[]> entries(Tile tile, byte[] bytes) {
    var entries = new ArrayList<byte[]>(tile.width());
    int at = 0;
    while (at < bytes.length) {
      if (at + 2 > bytes.length) {
        throw new FormatException(
            tile.path() + ": one byte at " + at + " (expected: a length of two bytes)");
      }
      int length = (bytes[at] & 0xff) << 8 | bytes[at + 1] & 0xff;
      at += 2;
      if (at + length > bytes.length) {
        throw new FormatException(
            tile.path()
                + ": entry "
                + entries.size()
                + " of "
                + length
                + " bytes ends after the"
                + " file ("
                + bytes.length
                + " bytes)");
      }
      if (entries.size() == Tile.WIDTH) {
        throw new FormatException(tile.path() + ": more than 256 entries");
      }
      entries.add(java.util.Arrays.copyOfRange(bytes, at, at + length));
      at += length;
    }
    if (entries.size() != tile.width() && entries.size() != Tile.WIDTH) {
      throw new FormatException(
          tile.path() + ": " + entries.size() + " entries (expected: " + tile.width() + ")");
    }
    return entries.subList(0, tile.width());
  }
}
