package org.aigrid.twin.country;

import java.util.stream.Collectors;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.ModelSpec;

/// Models and accelerators by name, or a sentence that says which there are.
public final class Known {
  private Known() {}

  public static ModelSpec model(String name) {
    ModelSpec model = Models.byName(name);
    if (model == null) {
      throw new IllegalArgumentException(
          "model '"
              + name
              + "' (expected: one of "
              + Models.all().stream().map(ModelSpec::name).collect(Collectors.joining(", "))
              + ")");
    }
    return model;
  }

  public static Accelerator accelerator(String name) {
    Accelerator accelerator = Accelerators.byName(name);
    if (accelerator == null) {
      throw new IllegalArgumentException(
          "accelerator '"
              + name
              + "' (expected: one of "
              + Accelerators.all().stream().map(Accelerator::name).collect(Collectors.joining(", "))
              + ")");
    }
    return accelerator;
  }
}
