package org.aigrid.core.residency;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// To where a request narrows its own processing: the header `x-grid-residency: JP, DE` or
/// `metadata.residency` of its body. It can only take away from what is permitted.
public final class Narrowing {
  /// Jurisdictions that one request can name.
  public static final int JURISDICTIONS_MAX = 64;

  private Narrowing() {}

  /// The jurisdictions that a text names, or null when it is no list of them: two letters each,
  /// joined by commas. Upper and lower case are the same.
  public static @Nullable List<String> parse(String text) {
    if (text.length() > 8 * JURISDICTIONS_MAX) {
      return null;
    }
    var named = new ArrayList<String>();
    for (String part : text.split(",", -1)) {
      String written = part.strip();
      if (written.length() != 2 || !isLetter(written.charAt(0)) || !isLetter(written.charAt(1))) {
        return null;
      }
      String name = written.toUpperCase(Locale.ROOT);
      if (!named.contains(name)) {
        named.add(name);
      }
    }
    return named.size() > JURISDICTIONS_MAX ? null : List.copyOf(named);
  }

  /// The same, where what is no list of them allows nothing.
  public static List<String> parseOrNone(String text) {
    List<String> named = parse(text);
    return named == null ? List.of() : named;
  }

  /// What both allow; null allows everything, an empty list nothing.
  public static @Nullable List<String> both(
      @Nullable List<String> one, @Nullable List<String> other) {
    if (one == null) {
      return other;
    }
    return other == null ? one : one.stream().filter(other::contains).toList();
  }

  /// Of ASCII: the upper case of some other letters would be one of these.
  private static boolean isLetter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }
}
