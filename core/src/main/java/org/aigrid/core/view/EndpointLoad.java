package org.aigrid.core.view;

/// How busy one endpoint says it is, in one heartbeat. Immutable; negative numbers are refused.
///
/// @param model the endpoint's model
/// @param queuedTokens prompt tokens accepted and not yet prefilled
/// @param waiting requests that have no sequence yet
/// @param running sequences being prefilled or decoded
/// @param contextTokens tokens that the running sequences hold in the KV cache
/// @param prefillTokensPerSecond measured prefill rate over all replicas, or 0 when the engine
///   model is to be used
public record EndpointLoad(
    String model,
    int queuedTokens,
    int waiting,
    int running,
    int contextTokens,
    double prefillTokensPerSecond) {
  public EndpointLoad {
    if (queuedTokens < 0 || waiting < 0 || running < 0 || contextTokens < 0) {
      throw new IllegalArgumentException(
          "load of "
              + model
              + ": queuedTokens "
              + queuedTokens
              + ", waiting "
              + waiting
              + ", running "
              + running
              + ", contextTokens "
              + contextTokens
              + " (expected: 0 or more each)");
    }
  }

  /// An idle endpoint.
  public static EndpointLoad idle(String model) {
    return new EndpointLoad(model, 0, 0, 0, 0, 0);
  }
}
