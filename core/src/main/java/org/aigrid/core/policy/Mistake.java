package org.aigrid.core.policy;

/// Ends the reading of one policy at a place; the compiler turns it into a [PolicyNote] and goes on
/// with the next. Never leaves the package.
final class Mistake extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// Index into the text.
  private final int at;

  private final String sentence;

  Mistake(int at, String sentence) {
    super(sentence, null, false, false);
    this.at = at;
    this.sentence = sentence;
  }

  int at() {
    return at;
  }

  String sentence() {
    return sentence;
  }
}
