package org.aigrid.live.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.Frontier;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.LacksWitnessesException;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.TiledNodes;
import org.aigrid.live.tlog.Tiles;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.live.tlog.TreeProofs;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.tlog.UntrustedException;
import org.jspecify.annotations.Nullable;

/// Checks a whole log as an auditor does: who signed the checkpoint, every entry against its leaf
/// hash, every tile against the one above, the root, and that the log only grew since the
/// checkpoint that the auditor remembers. Believes nothing but the policy.
///
/// Reads everything once, about 2 µs an entry; keeps one tile of each level.
public final class LogAudit {
  private static final long ASK_AGAIN_NANOS = 100_000_000;

  private LogAudit() {}

  /// Is shown every entry in order, after its hash was found to be the leaf's.
  @FunctionalInterface
  public interface EntryReader {
    void entry(long index, byte[] bytes);
  }

  /// A log that was found whole.
  ///
  /// @param note the signed checkpoint
  /// @param trusted who signed it
  /// @param remembered what it was compared with, or null
  public record Checked(
      SignedNote note, TrustPolicy.Trusted trusted, @Nullable Checkpoint remembered) {}

  /// Checks a log.
  ///
  /// @param remembered an earlier checkpoint of the log that the auditor has checked, or null
  /// @throws UntrustedException what is wrong
  /// @throws org.aigrid.live.tlog.FormatException what is malformed
  /// @throws IOException what is missing or cannot be read
  public static Checked check(
      LogSource source, TrustPolicy policy, @Nullable Checkpoint remembered, EntryReader reader)
      throws IOException {
    return check(source, checkpoint(source, policy, Duration.ZERO), policy, remembered, reader);
  }

  /// The same, of the tree of a checkpoint that was read before.
  public static Checked check(
      LogSource source,
      SignedNote note,
      TrustPolicy policy,
      @Nullable Checkpoint remembered,
      EntryReader reader)
      throws IOException {
    TrustPolicy.Trusted trusted = policy.check(note);
    walk(source, trusted.checkpoint(), remembered, reader);
    return new Checked(note, trusted, remembered);
  }

  /// The log's checkpoint, if it fits the policy.
  ///
  /// @param patience how long cosignatures are waited for: a log that grows shows each checkpoint
  ///   before its witnesses have signed it
  public static SignedNote checkpoint(LogSource source, TrustPolicy policy, Duration patience)
      throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      byte[] bytes = source.read("checkpoint");
      if (bytes == null) {
        throw new LogRefusedException("there is no checkpoint: this is no log");
      }
      SignedNote note = SignedNote.parse(bytes);
      try {
        policy.check(note);
        return note;
      } catch (LacksWitnessesException e) {
        if (System.nanoTime() - end >= 0) {
          throw e;
        }
        LockSupport.parkNanos(ASK_AGAIN_NANOS);
      }
    }
  }

  /// Reads all of the tree of a checkpoint that is believed.
  static void walk(
      LogSource source, Checkpoint checkpoint, @Nullable Checkpoint remembered, EntryReader reader)
      throws IOException {
    long size = checkpoint.size();
    checkRemembered(checkpoint, remembered);
    var frontier = new Frontier();
    var above = new ArrayList<List<Hash>>();
    for (long first = 0; first < size; first += Tile.WIDTH) {
      Tile tile = Tile.holding(0, first, size);
      List<Hash> leaves = Tiles.hashes(tile, source.tile(tile));
      Tile bundle = Tile.holding(Tile.ENTRIES, first, size);
      List<byte[]> entries = Tiles.entries(bundle, source.tile(bundle));
      for (int i = 0; i < leaves.size(); i++) {
        if (!Hash.ofLeaf(entries.get(i)).equals(leaves.get(i))) {
          throw new UntrustedException(
              "entry "
                  + (first + i)
                  + " in "
                  + bundle.path()
                  + " is not the one whose hash is in "
                  + tile.path()
                  + ": one of them was changed");
        }
        if (remembered != null && frontier.size() == remembered.size()) {
          checkRoot(frontier, remembered);
        }
        frontier.add(leaves.get(i));
        reader.entry(first + i, entries.get(i));
      }
      if (tile.full()) {
        climb(source, size, 1, Tiles.root(leaves), above);
      }
    }
    if (remembered != null && frontier.size() == remembered.size()) {
      checkRoot(frontier, remembered);
    }
    if (!frontier.root().equals(checkpoint.root())) {
      throw new UntrustedException(
          "the entries of "
              + checkpoint.origin()
              + " have the root "
              + frontier.root()
              + " (expected: "
              + checkpoint.root()
              + ", as signed at size "
              + size
              + ")");
    }
    checkEdges(source, size, above);
  }

  private static void checkRemembered(Checkpoint now, @Nullable Checkpoint remembered) {
    if (remembered == null) {
      return;
    }
    if (!remembered.origin().equals(now.origin())) {
      throw new UntrustedException(
          "the log is '"
              + now.origin()
              + "' (expected: '"
              + remembered.origin()
              + "', as remembered)");
    }
    if (remembered.size() > now.size()) {
      throw new UntrustedException(
          "the log "
              + now.origin()
              + " has "
              + now.size()
              + " entries and had "
              + remembered.size()
              + " when it was checked last: it was rolled back");
    }
  }

  private static void checkRoot(Frontier frontier, Checkpoint remembered) {
    if (!frontier.root().equals(remembered.root())) {
      throw new UntrustedException(
          "the first "
              + remembered.size()
              + " entries of "
              + remembered.origin()
              + " are not those that were checked last: the log was forked or rewritten");
    }
  }

  /// Adds the root of a full tile to the level above, and compares that level's tile once it is
  /// full.
  private static void climb(
      LogSource source, long size, int level, Hash root, List<List<Hash>> above)
      throws IOException {
    if (above.size() < level) {
      above.add(new ArrayList<>());
    }
    List<Hash> row = above.get(level - 1);
    row.add(root);
    if (row.size() == Tile.WIDTH) {
      compare(source, Tile.holding(level, fullTilesBefore(level, above) * Tile.WIDTH, size), row);
      climb(source, size, level + 1, Tiles.root(row), above);
      row.clear();
    }
  }

  /// As many as there are hashes in the levels above.
  private static long fullTilesBefore(int level, List<List<Hash>> above) {
    long count = 0;
    long scale = 1;
    for (int up = level; up < above.size(); up++) {
      count += scale * above.get(up).size();
      scale *= Tile.WIDTH;
    }
    return count;
  }

  private static void checkEdges(LogSource source, long size, List<List<Hash>> above)
      throws IOException {
    for (int level = 1; level <= above.size(); level++) {
      List<Hash> row = above.get(level - 1);
      if (!row.isEmpty()) {
        compare(source, Tile.holding(level, Tile.hashCount(level, size) - 1, size), row);
      }
    }
  }

  private static void compare(LogSource source, Tile tile, List<Hash> row) throws IOException {
    if (!Tiles.hashes(tile, source.tile(tile)).equals(row)) {
      throw new UntrustedException(
          tile.path() + " does not hold the roots of the tiles below it: it was changed");
    }
  }

  /// A proof that entry `index` is in the tree of a signed checkpoint.
  public static TlogProof prove(LogSource source, SignedNote note, long index) throws IOException {
    long size = Checkpoint.parse(note.text()).size();
    try {
      List<Hash> hashes = TreeProofs.inclusion(index, size, new TiledNodes(size, tilesOf(source)));
      return new TlogProof(index, hashes, note);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  static Function<Tile, byte[]> tilesOf(LogSource source) {
    return tile -> {
      try {
        return source.tile(tile);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }
}
