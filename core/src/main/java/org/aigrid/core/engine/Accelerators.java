package org.aigrid.core.engine;

import java.util.List;
import org.aigrid.core.model.Accelerator;
import org.jspecify.annotations.Nullable;

/// Accelerators known by name. Memory and bandwidth are the vendors' public figures. Throughput is
/// what a serving engine reaches: measured for the two RTX cards, elsewhere 45 % of the dense
/// bfloat16 figure of the data sheet, the share that the two measured cards show roughly.
public final class Accelerators {
  private static final double REACHED_SHARE = 0.45;

  private static final List<Accelerator> KNOWN =
      List.of(
          new Accelerator("RTX PRO 6000", 96, 1_597, 420),
          new Accelerator("RTX 4090", 24, 1_008, 180),
          new Accelerator("L4", 24, 300, 121 * REACHED_SHARE),
          new Accelerator("L40S", 48, 864, 362 * REACHED_SHARE),
          new Accelerator("A100 80GB", 80, 2_039, 312 * REACHED_SHARE),
          new Accelerator("H100", 80, 3_350, 989 * REACHED_SHARE),
          new Accelerator("H200", 141, 4_800, 989 * REACHED_SHARE),
          new Accelerator("B200", 180, 8_000, 2_250 * REACHED_SHARE));

  private Accelerators() {}

  /// The accelerator of that name, without regard to case; null when unknown.
  public static @Nullable Accelerator byName(String name) {
    for (Accelerator accelerator : KNOWN) {
      if (accelerator.name().equalsIgnoreCase(name.strip())) {
        return accelerator;
      }
    }
    return null;
  }

  /// All known accelerators, smallest first.
  public static List<Accelerator> all() {
    return KNOWN;
  }
}
