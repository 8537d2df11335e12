package org.aigrid.fuzz;

import java.util.Arrays;

/// All targets in one process, for a short run: the first byte says which one gets the rest.
public final class AllTargets {
  private static final Target[] TARGETS = Target.values();

  private AllTargets() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length > 0) {
      TARGETS[Math.floorMod(input[0], TARGETS.length)].run(
          Arrays.copyOfRange(input, 1, input.length));
    }
  }
}
