package org.aigrid.core.policy;

import java.util.Arrays;

/// Turns indices into a text into lines and columns. Immutable; logarithmic in the lines and linear
/// in the line.
final class Positions {
  private final String text;
  private final int[] lineStarts;

  Positions(String text) {
    this.text = text;
    int[] starts = new int[16];
    int lines = 1;
    for (int i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) {
      if (lines == starts.length) {
        starts = Arrays.copyOf(starts, 2 * lines);
      }
      starts[lines++] = i + 1;
    }
    lineStarts = Arrays.copyOf(starts, lines);
  }

  /// A note about the place at an index.
  PolicyNote note(int at, String message) {
    int end = Math.min(at, text.length());
    int found = Arrays.binarySearch(lineStarts, end);
    int line = found >= 0 ? found : -found - 2;
    return new PolicyNote(line + 1, text.codePointCount(lineStarts[line], end) + 1, message);
  }
}
