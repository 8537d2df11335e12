package org.aigrid.fuzz;

/// A target with a mistake that only a fuzzer with coverage finds in a short time: the test of the
/// fuzzing itself.
public final class PlantedTarget {
  private static final String WORD = "grid";

  private PlantedTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    int matched = 0;
    while (matched < WORD.length()
        && matched < input.length
        && input[matched] == WORD.charAt(matched)) {
      matched++;
    }
    if (matched == WORD.length()) {
      throw new Finding("the planted mistake");
    }
  }
}
