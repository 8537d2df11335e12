package org.aigrid.twin.residency;

import java.util.List;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// What a client asked for: its own copy, whatever the gateway made of it. Immutable.
///
/// @param tenant number of its tenant
/// @param tier how urgent it is
/// @param model that it names
/// @param narrowing jurisdictions to which it bound itself, or null
public record Asked(int tenant, ServiceTier tier, String model, @Nullable List<String> narrowing) {
  public Asked {
    narrowing = narrowing == null ? null : List.copyOf(narrowing);
  }
}
