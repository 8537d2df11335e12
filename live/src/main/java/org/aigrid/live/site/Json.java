package org.aigrid.live.site;

import tools.jackson.core.io.JsonStringEncoder;

/// Writes JSON strings.
final class Json {
  private Json() {}

  /// The text in quotes, escaped.
  static String quote(String text) {
    var quoted = new StringBuilder(text.length() + 8).append('"');
    JsonStringEncoder.getInstance().quoteAsString(text, quoted);
    return quoted.append('"').toString();
  }
}
