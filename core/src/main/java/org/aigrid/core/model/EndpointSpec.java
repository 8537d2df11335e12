package org.aigrid.core.model;

/// One model served at one site by `replicas` equal engines. Immutable.
///
/// @param model what it serves
/// @param kind which engine answers
/// @param accelerator the GPU under each replica
/// @param replicas equal engines behind this endpoint, 1 or more
/// @param sequencesMax sequences that one replica decodes together
public record EndpointSpec(
    ModelSpec model, EngineKind kind, Accelerator accelerator, int replicas, int sequencesMax) {
  public EndpointSpec {
    if (replicas < 1) {
      throw new IllegalArgumentException(
          "replicas of " + model.name() + ": " + replicas + " (expected: 1 or more)");
    }
    if (sequencesMax < 1) {
      throw new IllegalArgumentException(
          "sequencesMax of " + model.name() + ": " + sequencesMax + " (expected: 1 or more)");
    }
  }
}
