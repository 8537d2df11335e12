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
/// @param aiShare share of the endpoint that AI may use now: what the radio and its holdback leave,
///   0 to 1
/// @param reclaimsPerHour how often a sequence that runs there is expected to be revoked for the
///   radio; its inverse is the expected stay
public record EndpointLoad(
    String model,
    int queuedTokens,
    int waiting,
    int running,
    int contextTokens,
    double prefillTokensPerSecond,
    double aiShare,
    double reclaimsPerHour) {
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
    if (!(aiShare >= 0 && aiShare <= 1) || !(reclaimsPerHour >= 0)) {
      throw new IllegalArgumentException(
          "load of "
              + model
              + ": aiShare "
              + aiShare
              + ", reclaimsPerHour "
              + reclaimsPerHour
              + " (expected: 0 to 1, 0 or more)");
    }
  }

  /// An endpoint that no radio claims.
  public EndpointLoad(
      String model,
      int queuedTokens,
      int waiting,
      int running,
      int contextTokens,
      double prefillTokensPerSecond) {
    this(model, queuedTokens, waiting, running, contextTokens, prefillTokensPerSecond, 1, 0);
  }

  /// An idle endpoint.
  public static EndpointLoad idle(String model) {
    return new EndpointLoad(model, 0, 0, 0, 0, 0);
  }

  /// The same load beside a radio.
  public EndpointLoad beside(double newAiShare, double newReclaimsPerHour) {
    return new EndpointLoad(
        model,
        queuedTokens,
        waiting,
        running,
        contextTokens,
        prefillTokensPerSecond,
        newAiShare,
        newReclaimsPerHour);
  }
}
