package org.aigrid.core.policy;

import java.util.List;

/// Cuts a policy text into words, one look ahead, linear in its length. One thread.
final class Lexer {
  private static final List<String> TWO_SIGNS = List.of("==", "!=", "<=", ">=", "&&", "||", "::");
  private static final String ONE_SIGN = "(){}[],;:.@<>!-";

  private final String text;
  private int at;

  Lexer(String text) {
    this.text = text;
  }

  /// The next word, or a [Mistake]; behind the last one comes `END` for ever.
  Token next() {
    skipSpace();
    int start = at;
    if (start == text.length()) {
      return new Token(Token.Kind.END, "", start, start);
    }
    char c = text.charAt(start);
    if (isNameStart(c)) {
      while (at < text.length() && isNamePart(text.charAt(at))) {
        at++;
      }
      return token(Token.Kind.NAME, start);
    }
    if (isDigit(c)) {
      while (at < text.length() && isNamePart(text.charAt(at))) {
        at++;
      }
      return token(Token.Kind.WHOLE, start);
    }
    if (c == '"') {
      return quoted(start);
    }
    if (start + 1 < text.length() && TWO_SIGNS.contains(text.substring(start, start + 2))) {
      at += 2;
      return token(Token.Kind.SIGN, start);
    }
    at++;
    if (ONE_SIGN.indexOf(c) >= 0) {
      return token(Token.Kind.SIGN, start);
    }
    throw new Mistake(start, unexpected(c, start));
  }

  /// Goes behind the next `;` or to the end, whatever stands between.
  void skipPolicy() {
    while (at < text.length()) {
      try {
        Token token = next();
        if (token.is(";")) {
          return;
        }
      } catch (Mistake _) {
        // already told of one; the place is behind it
      }
    }
  }

  private void skipSpace() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || (at == 0 && c == '\uFEFF')) {
        at++;
      } else if (text.startsWith("//", at)) {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else {
        return;
      }
    }
  }

  private Token quoted(int start) {
    at++;
    while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\n') {
      at +=
          text.charAt(at) == '\\' && at + 1 < text.length() && text.charAt(at + 1) != '\n' ? 2 : 1;
    }
    if (at >= text.length() || text.charAt(at) != '"') {
      at = Math.min(at, text.length());
      throw new Mistake(start, "a text that does not end (expected: a closing \" on its line)");
    }
    at++;
    if (at - start - 2 > PolicySet.TEXT_LITERAL_CHARS_MAX) {
      throw new Mistake(
          start,
          "a text of "
              + (at - start - 2)
              + " characters (expected: at most "
              + PolicySet.TEXT_LITERAL_CHARS_MAX
              + ")");
    }
    return new Token(Token.Kind.TEXT, text.substring(start + 1, at - 1), start, at);
  }

  private String unexpected(char c, int start) {
    return switch (c) {
      case '=' -> "a single '=' (expected: '==' to compare)";
      case '&' -> "a single '&' (expected: '&&' for 'and')";
      case '|' -> "a single '|' (expected: '||' for 'or')";
      case '\'' -> "a single quote (expected: texts in double quotes)";
      case '/' -> "a '/' (expected: '//' before a comment; texts with a slash stand in quotes)";
      case '+', '*', '%' ->
          "the sign '" + c + "' (expected: no arithmetic; policies compare, they do not compute)";
      case '?' -> "a '?' (expected: no templates; write each policy out)";
      default -> {
        int codePoint = text.codePointAt(start);
        if (Character.isSupplementaryCodePoint(codePoint)) {
          at = start + 2;
        }
        yield "the character '"
            + Texts.shortened(Character.toString(codePoint))
            + "' (expected: such characters only inside texts and comments)";
      }
    };
  }

  private Token token(Token.Kind kind, int start) {
    return new Token(kind, text.substring(start, at), start, at);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }

  private static boolean isNamePart(char c) {
    return isNameStart(c) || isDigit(c);
  }
}
