package org.aigrid.live.proof;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.SignedNote;
import org.jspecify.annotations.Nullable;

/// The last checkpoint that a log signed, and how far of the journal it holds: one small file
/// beside the keys, replaced as a whole before the checkpoint is shown to anyone. Immutable.
///
/// @param journalPosition the highest position given with an entry, or -1
/// @param note the signed checkpoint
record SignedMemory(long journalPosition, SignedNote note) {
  private static final String FILE = "signed";

  Checkpoint checkpoint() {
    return Checkpoint.parse(note.text());
  }

  static Path file(Path keys) {
    return keys.resolve(FILE);
  }

  /// What is remembered in a folder of keys, or null when nothing was signed yet.
  static @Nullable SignedMemory read(Path keys) throws IOException {
    Path file = file(keys);
    if (!Files.exists(file)) {
      return null;
    }
    try {
      String text = Files.readString(file);
      int end = text.indexOf('\n');
      if (end < 0 || !text.substring(0, end).matches("journal (-1|[0-9]{1,18})")) {
        throw new FormatException("its first line is no 'journal N'");
      }
      long position = Long.parseLong(text.substring("journal ".length(), end));
      var memory = new SignedMemory(position, SignedNote.parse(text.substring(end + 1)));
      memory.checkpoint();
      return memory;
    } catch (FormatException | java.nio.charset.CharacterCodingException e) {
      throw new LogRefusedException(
          file
              + " does not say what was signed last: "
              + e.getMessage()
              + ". Restore it from its backup; without it the log could contradict itself.");
    }
  }

  byte[] bytes() {
    return ("journal " + journalPosition + "\n" + note.format()).getBytes(StandardCharsets.UTF_8);
  }
}
