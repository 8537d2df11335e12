package org.aigrid.core.policy;

/// Something to say about a place in a policy text: a mistake that refuses it, or a remark about
/// what its author may not have meant.
///
/// @param line from 1
/// @param column from 1, counted in Unicode code points
/// @param message one sentence or two: what, what was expected, what to do
public record PolicyNote(int line, int column, String message) {
  /// `line:column: message`.
  @Override
  public String toString() {
    return line + ":" + column + ": " + message;
  }
}
