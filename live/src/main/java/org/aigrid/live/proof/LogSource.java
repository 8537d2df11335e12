package org.aigrid.live.proof;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aigrid.live.tlog.Tile;
import org.jspecify.annotations.Nullable;

/// Where a log's files can be read: a folder, or the address where they are served. What comes back
/// is not believed before it is checked.
public interface LogSource {
  /// The bytes under a path of the log (`checkpoint`, `tile/0/000`), or null when there are none.
  byte @Nullable [] read(String path) throws IOException;

  /// The bytes of a tile; where the partial one is gone, those of the full one.
  default byte[] tile(Tile tile) throws IOException {
    byte[] bytes = read(tile.path());
    if (bytes == null && !tile.full()) {
      bytes = read(tile.filled().path());
    }
    if (bytes == null) {
      throw new LogRefusedException(tile.path() + " is missing: the log is cut or incomplete");
    }
    return bytes;
  }

  /// A log's `public` folder.
  static LogSource of(Path publicFolder) {
    return path -> {
      Path file = publicFolder.resolve(path);
      try {
        return Files.readAllBytes(file);
      } catch (java.nio.file.NoSuchFileException | java.nio.file.NotDirectoryException e) {
        return null;
      }
    };
  }
}
