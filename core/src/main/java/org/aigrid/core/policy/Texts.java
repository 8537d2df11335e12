package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Texts in quotes: what their escapes stand for, how they are written again, and which known word
/// somebody may have meant.
final class Texts {
  private static final int SHOWN_CHARS_MAX = 40;

  private Texts() {}

  /// What a quoted text says. `start` is the index of its first character, for mistakes.
  static String decoded(String quoted, int start) {
    List<String> pieces = pieces(quoted, start, false);
    return pieces.getFirst();
  }

  /// The pieces of a pattern between its stars; `\*` is a star that means itself.
  static List<String> patternPieces(String quoted, int start) {
    return pieces(quoted, start, true);
  }

  private static List<String> pieces(String quoted, int start, boolean pattern) {
    var pieces = new ArrayList<String>();
    var piece = new StringBuilder();
    int i = 0;
    while (i < quoted.length()) {
      char c = quoted.charAt(i);
      if (c == '\\') {
        i = escape(quoted, i, start, pattern, piece);
      } else if (c == '*' && pattern) {
        pieces.add(piece.toString());
        piece.setLength(0);
        i++;
      } else {
        if (Character.isSurrogate(c)) {
          if (!Character.isHighSurrogate(c)
              || i + 1 == quoted.length()
              || !Character.isLowSurrogate(quoted.charAt(i + 1))) {
            throw new Mistake(start + i, "half a character (expected: well-formed Unicode)");
          }
          piece.append(c);
          i++;
        } else if (Character.isISOControl(c)) {
          throw new Mistake(
              start + i,
              "a control character inside a text (expected: an escape, such as \\n or \\t)");
        }
        piece.append(quoted.charAt(i));
        i++;
      }
    }
    pieces.add(piece.toString());
    return pieces;
  }

  private static int escape(String quoted, int at, int start, boolean pattern, StringBuilder into) {
    char c = at + 1 < quoted.length() ? quoted.charAt(at + 1) : ' ';
    switch (c) {
      case 'n' -> into.append('\n');
      case 't' -> into.append('\t');
      case 'r' -> into.append('\r');
      case '0' -> into.append('\0');
      case '"', '\'', '\\' -> into.append(c);
      case '*' -> {
        if (!pattern) {
          throw new Mistake(
              start + at, "the escape \\* (expected: only in a pattern, after 'like')");
        }
        into.append('*');
      }
      case 'u' -> {
        return unicode(quoted, at, start, into);
      }
      default ->
          throw new Mistake(
              start + at,
              "an unknown escape (expected: \\\", \\\\, \\n, \\t, \\r, \\0, \\u{...}, and \\* in a"
                  + " pattern)");
    }
    return at + 2;
  }

  private static int unicode(String quoted, int at, int start, StringBuilder into) {
    int close = quoted.indexOf('}', at);
    if (at + 2 >= quoted.length() || quoted.charAt(at + 2) != '{' || close < 0) {
      throw new Mistake(start + at, "the escape \\u (expected: \\u{...} with 1 to 6 hex digits)");
    }
    String digits = quoted.substring(at + 3, close);
    int codePoint = digits.matches("[0-9A-Fa-f]{1,6}") ? Integer.parseInt(digits, 16) : -1;
    if (!Character.isValidCodePoint(codePoint)
        || (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE)) {
      throw new Mistake(
          start + at, "the escape \\u{...} names no character (expected: 1 to 6 hex digits)");
    }
    into.appendCodePoint(codePoint);
    return close + 1;
  }

  /// A text as the language writes it, quotes included.
  static String quoted(String text) {
    return "\"" + escaped(text, false) + "\"";
  }

  /// A pattern as the language writes it, quotes included.
  static String quotedPattern(List<String> pieces) {
    var written = new StringBuilder("\"");
    for (int i = 0; i < pieces.size(); i++) {
      written.append(i == 0 ? "" : "*").append(escaped(pieces.get(i), true));
    }
    return written.append('"').toString();
  }

  private static String escaped(String text, boolean pattern) {
    var written = new StringBuilder(text.length() + 2);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> written.append("\\\"");
        case '\\' -> written.append("\\\\");
        case '\n' -> written.append("\\n");
        case '\t' -> written.append("\\t");
        case '\r' -> written.append("\\r");
        case '\0' -> written.append("\\0");
        case '*' -> written.append(pattern ? "\\*" : "*");
        default -> {
          if (Character.isISOControl(c)) {
            written.append("\\u{").append(Integer.toHexString(c)).append('}');
          } else {
            written.append(c);
          }
        }
      }
    }
    return written.toString();
  }

  /// A text for a message: cut when long, without what would steer a terminal.
  static String shortened(String text) {
    var shown = new StringBuilder();
    text.codePoints()
        .limit(SHOWN_CHARS_MAX)
        .forEach(
            c ->
                shown.appendCodePoint(
                    Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE
                        ? '?'
                        : c));
    return shown + (text.codePointCount(0, text.length()) > SHOWN_CHARS_MAX ? "..." : "");
  }

  /// ` (did you mean X?)` for the nearest of the known words, or nothing.
  static String didYouMean(String word, Collection<String> known) {
    String nearest = nearest(word, known);
    return nearest == null ? "" : "; did you mean '" + nearest + "'?";
  }

  private static @Nullable String nearest(String word, Collection<String> known) {
    if (word.length() > SHOWN_CHARS_MAX) {
      return null;
    }
    String best = null;
    int bestDistance = (word.length() < 4 ? 1 : Math.max(2, word.length() / 3)) + 1;
    for (String candidate : known) {
      int distance =
          candidate.equalsIgnoreCase(word)
              ? 0
              : distance(word.toLowerCase(java.util.Locale.ROOT), candidate);
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
    return best;
  }

  /// Edits that turn one word into the other (Levenshtein).
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int above = row[j];
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[to.length()];
  }
}
