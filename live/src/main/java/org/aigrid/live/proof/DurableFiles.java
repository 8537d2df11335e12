package org.aigrid.live.proof;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Writes files so that after a crash each is whole or absent: under another name first, forced to
/// the disk, then renamed, then the folder forced. One fsync a file, about a millisecond on an SSD.
/// Safe for many threads, each file being written by one of them.
final class DurableFiles {
  private final Path scratch;
  private final Consumer<String> afterStep;
  private final AtomicInteger count = new AtomicInteger();

  /// @param scratch folder for files under way, on the same file system; emptied
  /// @param afterStep told of each step on the disk: tests stop the world there
  DurableFiles(Path scratch, Consumer<String> afterStep) throws IOException {
    this.scratch = scratch;
    this.afterStep = afterStep;
    createFolder(scratch);
    try (Stream<Path> old = Files.list(scratch)) {
      for (Path file : old.toList()) {
        Files.delete(file);
      }
    }
  }

  /// Creates a folder that only its owner can enter, and those above it.
  static void createFolder(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } else {
      Files.createDirectories(folder);
    }
  }

  /// Puts a whole file in its place; it is on the disk, its name is once `force` has returned for
  /// its folder.
  void put(Path file, byte[] bytes) throws IOException {
    Path fresh = scratch.resolve("new-" + count.getAndIncrement());
    Files.deleteIfExists(fresh);
    if (scratch.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createFile(
          fresh,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } else {
      Files.createFile(fresh);
    }
    try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      rest.limit(bytes.length / 2);
      writeAll(channel, rest);
      afterStep.accept("half of " + file.getFileName());
      rest.limit(bytes.length);
      writeAll(channel, rest);
      channel.force(true);
    }
    afterStep.accept("all of " + file.getFileName());
    createFolder(parent(file));
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    afterStep.accept("name of " + file.getFileName());
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /// As `put`, with its name on the disk too.
  void putForced(Path file, byte[] bytes) throws IOException {
    put(file, bytes);
    force(parent(file));
  }

  /// Forces the names in these files' folders, up to and with `root`.
  void forceFoldersOf(Iterable<Path> files, Path root) throws IOException {
    Set<Path> folders = new LinkedHashSet<>();
    for (Path file : files) {
      for (Path folder = parent(file);
          folders.add(folder) && !folder.equals(root);
          folder = parent(folder)) {}
    }
    for (Path folder : folders) {
      force(folder);
    }
  }

  static Path parent(Path file) {
    Path parent = file.getParent();
    return parent == null ? Path.of(".") : parent;
  }

  private static void force(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
