package org.aigrid.core.engine;

import java.util.List;
import org.aigrid.core.model.ModelSpec;
import org.jspecify.annotations.Nullable;

/// Models known by name, with figures from their published configurations (bfloat16 unless the name
/// says otherwise). KV bytes are `2 x layers x KV heads x head dimension x 2`.
public final class Models {
  private static final List<ModelSpec> KNOWN =
      List.of(
          new ModelSpec("llama-3.2-1b", 1.24, 2_480_000_000L, 32_768, 131_072),
          new ModelSpec("llama-3.1-8b", 8.03, 16_060_000_000L, 131_072, 131_072),
          new ModelSpec("qwen3-32b", 32.8, 65_600_000_000L, 262_144, 40_960),
          new ModelSpec("llama-3.1-70b", 70.6, 141_200_000_000L, 327_680, 131_072),
          new ModelSpec("llama-3.1-70b-fp8", 70.6, 70_600_000_000L, 327_680, 131_072));

  private Models() {}

  /// The model of that name, without regard to case; null when unknown.
  public static @Nullable ModelSpec byName(String name) {
    for (ModelSpec model : KNOWN) {
      if (model.name().equalsIgnoreCase(name.strip())) {
        return model;
      }
    }
    return null;
  }

  /// All known models, smallest first.
  public static List<ModelSpec> all() {
    return KNOWN;
  }
}
