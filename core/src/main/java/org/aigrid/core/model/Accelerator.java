package org.aigrid.core.model;

/// One GPU as far as inference time depends on it. Immutable.
///
/// @param name as the vendor prints it, for example `RTX PRO 6000`
/// @param memoryGb device memory in 1e9 bytes
/// @param memoryGbPerSecond memory bandwidth in 1e9 bytes per second: bounds the decode step
/// @param effectiveTflops dense matrix throughput that a serving engine really reaches, in 1e12
///   operations per second: bounds prefill; below the data sheet's figure
public record Accelerator(
    String name, double memoryGb, double memoryGbPerSecond, double effectiveTflops) {
  public Accelerator {
    if (name.isBlank()) {
      throw new IllegalArgumentException("accelerator name is blank (expected: its vendor name)");
    }
    requirePositive("memoryGb", memoryGb, name);
    requirePositive("memoryGbPerSecond", memoryGbPerSecond, name);
    requirePositive("effectiveTflops", effectiveTflops, name);
  }

  private static void requirePositive(String field, double value, String name) {
    if (!(value > 0)) {
      throw new IllegalArgumentException(
          field + " of accelerator " + name + ": " + value + " (expected: above 0)");
    }
  }
}
