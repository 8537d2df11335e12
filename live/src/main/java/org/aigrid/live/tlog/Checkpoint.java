package org.aigrid.live.tlog;

import java.util.ArrayList;
import java.util.List;

/// What a log says of itself at one moment (C2SP `tlog-checkpoint`): its name, how many entries it
/// has, and the root of their tree. Immutable.
///
/// @param origin the log's name: a URL without scheme
/// @param size leaves
/// @param root of the tree of these leaves
/// @param extensions further lines; we write none, and ML-DSA-44 cosignatures do not cover them
public record Checkpoint(String origin, long size, Hash root, List<String> extensions) {
  private static final int EXTENSIONS_MAX = 16;

  public Checkpoint {
    extensions = List.copyOf(extensions);
    NoteKey.checkName(origin, "origin");
    if (size < 0) {
      throw new FormatException("tree size " + size + " (expected: 0 or more)");
    }
    if (extensions.size() > EXTENSIONS_MAX
        || extensions.stream().anyMatch(line -> line.isEmpty() || line.indexOf('\n') >= 0)) {
      throw new FormatException(
          "extension lines of a checkpoint (expected: at most "
              + EXTENSIONS_MAX
              + ", none of them empty)");
    }
  }

  public Checkpoint(String origin, long size, Hash root) {
    this(origin, size, root, List.of());
  }

  /// The text of the note.
  public String text() {
    var text = new StringBuilder();
    text.append(origin).append('\n').append(size).append('\n').append(root.base64()).append('\n');
    extensions.forEach(line -> text.append(line).append('\n'));
    return text.toString();
  }

  /// Reads the text of a note.
  public static Checkpoint parse(String text) {
    String[] lines = text.split("\n", -1);
    if (lines.length < 4 || !lines[lines.length - 1].isEmpty()) {
      throw new FormatException(
          "checkpoint '" + Base64s.shown(text) + "' (expected: lines with origin, size and root)");
    }
    var extensions = new ArrayList<String>();
    for (int i = 3; i < lines.length - 1; i++) {
      extensions.add(lines[i]);
    }
    return new Checkpoint(
        lines[0], Base64s.decimal(lines[1], "tree size"), Hash.parse(lines[2]), extensions);
  }
}
