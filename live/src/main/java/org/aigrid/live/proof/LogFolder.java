package org.aigrid.live.proof;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.TiledNodes;
import org.aigrid.live.tlog.TreeProofs;
import org.aigrid.live.tlog.UntrustedException;
import org.jspecify.annotations.Nullable;

/// The public folder of a log as a start finds it: compares it with what was signed, removes what a
/// crash left beyond that, and refuses what a crash cannot explain. One thread, before the log
/// runs.
final class LogFolder {
  private static final int LEVELS = 8;
  private static final String CHECKPOINT = "checkpoint";

  private final Path folder;
  private final LogSource files;

  LogFolder(Path publicFolder) {
    folder = publicFolder;
    files = LogSource.of(publicFolder);
  }

  /// Whether a log was here.
  boolean used() {
    return Files.exists(folder.resolve(CHECKPOINT)) || Files.exists(folder.resolve("tile"));
  }

  Path checkpointFile() {
    return folder.resolve(CHECKPOINT);
  }

  /// The published checkpoint, or null; it must be one that this log signed, and no later one than
  /// it remembers.
  @Nullable SignedNote published(SignedNote remembered, List<NoteKey> keys) throws IOException {
    byte[] bytes = files.read(CHECKPOINT);
    if (bytes == null) {
      return null;
    }
    try {
      SignedNote note = SignedNote.parse(bytes);
      note.signers(keys);
      Checkpoint shown = Checkpoint.parse(note.text());
      Checkpoint signed = Checkpoint.parse(remembered.text());
      if (!shown.origin().equals(signed.origin())) {
        throw new LogRefusedException(
            folder
                + " holds the log '"
                + shown.origin()
                + "' (expected: '"
                + signed.origin()
                + "', as remembered beside the keys)");
      }
      if (shown.size() > signed.size()) {
        throw new LogRefusedException(
            folder
                + " shows a checkpoint of "
                + shown.size()
                + " entries, but beside the keys only "
                + signed.size()
                + " are remembered: the keys' folder was put back to an older state."
                + " Restore its file 'signed'.");
      }
      return note;
    } catch (FormatException | UntrustedException e) {
      throw new LogRefusedException(
          folder.resolve(CHECKPOINT) + " was not written by this log: " + e.getMessage());
    }
  }

  /// The right edge of the signed tree; tiles that do not lead to the signed root are refused.
  GrowingTree tree(Checkpoint signed) throws IOException {
    GrowingTree tree;
    try {
      tree = GrowingTree.read(files, signed.size());
    } catch (FormatException | LogRefusedException e) {
      throw refusal(signed, e.getMessage());
    }
    if (!tree.root().equals(signed.root())) {
      throw refusal(
          signed,
          "its tiles lead to the root " + tree.root() + " (expected: " + signed.root() + ")");
    }
    return tree;
  }

  private LogRefusedException refusal(Checkpoint signed, @Nullable String why) {
    return new LogRefusedException(
        "the log in "
            + folder
            + " is not the one that was signed with "
            + signed.size()
            + " entries: "
            + why
            + ". It was edited, cut or put back to an older state; restore it from a copy.");
  }

  /// Compares the root of an earlier size, as published, with the signed tree.
  void checkEarlier(SignedNote published, Checkpoint signed) throws IOException {
    Checkpoint earlier = Checkpoint.parse(published.text());
    Hash root;
    try {
      root =
          TreeProofs.root(
              earlier.size(),
              new TiledNodes(
                  signed.size(),
                  tile -> {
                    try {
                      return files.tile(tile);
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  }));
    } catch (java.io.UncheckedIOException e) {
      throw e.getCause();
    }
    if (!root.equals(earlier.root())) {
      throw refusal(signed, "its published checkpoint of " + earlier.size() + " is of another log");
    }
  }

  /// Removes what was written for entries that were never signed. Bounded by what one commit
  /// writes.
  void removeUnsigned(long size) throws IOException {
    for (int level = Tile.ENTRIES; level < LEVELS; level++) {
      long count = Tile.hashCount(level, size);
      long edge = count / Tile.WIDTH;
      int width = (int) (count % Tile.WIDTH);
      removePartials(level, edge, width);
      long beyond = level <= 0 ? LogSettings.BATCH_MAX / Tile.WIDTH + 1 : 2;
      for (long index = edge; index <= edge + beyond; index++) {
        Files.deleteIfExists(folder.resolve(new Tile(level, index, Tile.WIDTH).path()));
        if (index > edge) {
          removePartials(level, index, 0);
        }
      }
    }
  }

  /// Removes partial pieces wider than `width`.
  void removePartials(int level, long index, int widthMax) throws IOException {
    Path partials = DurableFiles.parent(folder.resolve(new Tile(level, index, 1).path()));
    List<Path> all = new ArrayList<>();
    try (Stream<Path> found = Files.list(partials)) {
      found.forEach(all::add);
    } catch (NoSuchFileException e) {
      return;
    }
    for (Path file : all) {
      if (!file.getFileName().toString().matches("[1-9][0-9]{0,2}")
          || Integer.parseInt(file.getFileName().toString()) > widthMax) {
        Files.delete(file);
      }
    }
    if (widthMax == 0) {
      Files.delete(partials);
    }
  }
}
