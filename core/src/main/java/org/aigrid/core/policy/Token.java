package org.aigrid.core.policy;

/// One word of a policy text.
///
/// @param text the word as written; of a text in quotes what stands between them
/// @param start index of its first character in the policy text
/// @param end index behind its last character
record Token(Kind kind, String text, int start, int end) {
  /// What kinds of words there are.
  enum Kind {
    NAME,
    TEXT,
    WHOLE,
    SIGN,
    END
  }

  boolean is(String sign) {
    return kind == Kind.SIGN && text.equals(sign);
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  /// As a person would call it.
  String shown() {
    return switch (kind) {
      case END -> "the end of the text";
      case TEXT -> "\"" + Texts.shortened(text) + "\"";
      case NAME, WHOLE, SIGN -> "'" + Texts.shortened(text) + "'";
    };
  }
}
