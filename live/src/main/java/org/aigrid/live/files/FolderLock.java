package org.aigrid.live.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// The right to be the only one that works on a folder, as the operating system keeps it: a locked
/// file, which is free again when its process ends in whatever way. Closing it gives the right
/// back.
public final class FolderLock implements AutoCloseable {
  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /// Takes it, or null when somebody has it, be it in this very process. The file is made where
  /// there is none, and stays.
  public static @Nullable FolderLock take(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      taken = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      // this very process has it
    } finally {
      if (!taken) {
        channel.close();
      }
    }
    return taken ? new FolderLock(channel) : null;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
