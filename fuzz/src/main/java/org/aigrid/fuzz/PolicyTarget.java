package org.aigrid.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicyNote;
import org.aigrid.core.policy.PolicySet;

/// A policy's text: it compiles to something that says the same when it is printed and compiled
/// again, or is refused with a place that is in the text.
public final class PolicyTarget {
  private PolicyTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, List<PolicyNote> remarks) -> {
        remarks.forEach(remark -> isIn(text, remark));
        String canonical = set.canonicalText();
        if (PolicySet.compile(canonical) instanceof Compilation.Accepted(PolicySet again, _)) {
          Finding.unlessEqual("canonical texts", canonical, again.canonicalText());
        } else {
          // spaces that the author left out may make it too long, and nothing else
          Finding.unless(
              canonical.length() > PolicySet.TEXT_CHARS_MAX,
              "a canonical text is refused: " + canonical);
        }
      }
      case Compilation.Refused(List<PolicyNote> mistakes) -> {
        Finding.unless(
            !mistakes.isEmpty() && mistakes.size() <= PolicySet.MISTAKES_MAX,
            mistakes.size() + " mistakes");
        mistakes.forEach(mistake -> isIn(text, mistake));
      }
    }
  }

  private static void isIn(String text, PolicyNote note) {
    String[] lines = text.split("\n", -1);
    Finding.unless(note.line() >= 1 && note.line() <= lines.length, "line " + note.line());
    String line = lines[note.line() - 1];
    Finding.unless(
        note.column() >= 1 && note.column() <= line.codePointCount(0, line.length()) + 1,
        "column " + note.column() + " of line " + note.line());
    Finding.unless(
        !note.message().isBlank() && note.message().indexOf('\n') < 0,
        "a message of several lines");
  }
}
