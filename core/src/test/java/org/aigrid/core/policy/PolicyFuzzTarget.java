package org.aigrid.core.policy;

import java.nio.charset.StandardCharsets;

/// What a fuzzer with coverage calls for each input it makes up: Jazzer finds the method by its
/// name, so that nothing of it has to be on the class path here.
///
/// ```sh
/// java -cp jazzer.jar:jazzer-api.jar:CLASSES com.code_intelligence.jazzer.Jazzer \
///   --target_class=org.aigrid.core.policy.PolicyFuzzTarget --instrumentation_includes=org.aigrid.core.policy.** \
///   -max_total_time=60
/// ```
public final class PolicyFuzzTarget {
  private PolicyFuzzTarget() {}

  /// Compiles the input as a policy text and holds the answer to what [PolicyFuzzTest] asks.
  public static void fuzzerTestOneInput(byte[] input) {
    PolicyFuzzTest.check(new String(input, StandardCharsets.UTF_8));
  }
}
