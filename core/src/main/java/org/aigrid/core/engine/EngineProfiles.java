package org.aigrid.core.engine;

import org.aigrid.core.model.EndpointSpec;

/// Engine profiles by accelerator and model: the measured rows where there are some, a roofline
/// elsewhere. The one place where timings come from.
public final class EngineProfiles {
  private EngineProfiles() {}

  /// The profile of one replica of an endpoint.
  public static EngineProfile of(EndpointSpec endpoint) {
    throw new UnsupportedOperationException("written next");
  }
}
