package org.aigrid.live.policy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.aigrid.config.Problem;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicyNote;
import org.aigrid.core.policy.PolicySet;

/// A policy file that was read, compiled and named. Immutable.
///
/// @param name what messages call it
/// @param set what it says
/// @param version see [PolicyVersion]
/// @param remarks what its author may not have meant, each shown with its line
public record PolicyFile(String name, PolicySet set, String version, List<String> remarks) {
  /// Bytes of a policy file.
  public static final int BYTES_MAX = 4 * PolicySet.TEXT_CHARS_MAX;

  /// Characters of a line that are shown.
  private static final int SHOWN_MAX = 100;

  public PolicyFile {
    remarks = List.copyOf(remarks);
  }

  /// Reads a file: all of it is accepted, or a [PolicyException] says what is wrong.
  public static PolicyFile read(Path path) throws IOException, PolicyException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(path)) {
      bytes = in.readNBytes(BYTES_MAX + 1);
    }
    String name = path.toString();
    if (bytes.length > BYTES_MAX) {
      throw whole(name, "more than " + BYTES_MAX + " bytes (expected: at most that)");
    }
    try {
      return compile(
          name, StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException _) {
      throw whole(name, "not UTF-8 (expected: a text in UTF-8)");
    }
  }

  private static PolicyException whole(String name, String what) {
    return PolicyException.of(List.of(new Problem(name, 0, 0, what)));
  }

  /// Compiles a text; `name` is what messages call it.
  public static PolicyFile compile(String name, String text) throws PolicyException {
    switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, List<PolicyNote> remarks) -> {
        return new PolicyFile(
            name,
            set,
            PolicyVersion.of(set),
            remarks.stream().map(remark -> shown(name, text, remark)).toList());
      }
      case Compilation.Refused(List<PolicyNote> mistakes) -> {
        var problems = new ArrayList<Problem>();
        for (PolicyNote note : mistakes) {
          problems.add(new Problem(name, note.line(), note.column(), note.message()));
        }
        throw new PolicyException(
            problems,
            mistakes.stream()
                .map(note -> shown(name, text, note))
                .collect(Collectors.joining("\n")));
      }
    }
  }

  /// `file:line:column: message`, the line, and a caret under its place.
  static String shown(String name, String text, PolicyNote note) {
    int[] line = text.split("\n", -1)[note.line() - 1].codePoints().toArray();
    int at = Math.min(note.column() - 1, line.length);
    int from = Math.max(0, Math.min(at - SHOWN_MAX / 2, line.length - SHOWN_MAX));
    boolean returned = line.length > 0 && line[line.length - 1] == '\r';
    int to = Math.min(returned ? line.length - 1 : line.length, from + SHOWN_MAX);
    var source = new StringBuilder("  ");
    var caret = new StringBuilder("  ");
    for (int i = from; i < to; i++) {
      int c = line[i];
      boolean plain =
          c == '\t' || !(Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
      source.appendCodePoint(plain ? c : '?');
      if (i < at) {
        caret.append(c == '\t' ? "\t" : isWide(c) ? "  " : " ");
      }
    }
    return name + ":" + note + "\n" + source + "\n" + caret + "^";
  }

  /// Whether a terminal gives a character two columns.
  private static boolean isWide(int codePoint) {
    return (codePoint >= 0x1100 && codePoint <= 0x115F)
        || (codePoint >= 0x2E80 && codePoint <= 0xA4CF)
        || (codePoint >= 0xAC00 && codePoint <= 0xD7A3)
        || (codePoint >= 0xF900 && codePoint <= 0xFAFF)
        || (codePoint >= 0xFF00 && codePoint <= 0xFF60)
        || (codePoint >= 0x1F300 && codePoint <= 0x1FAFF);
  }
}
