package org.aigrid.core.route;

/// Why a request runs nowhere. The order is that of the checks.
public enum Refusal {
  /// No registered endpoint serves the model.
  MODEL_UNKNOWN,
  /// Prompt plus answer exceed the model's context.
  CONTEXT_TOO_LONG,
  /// Endpoints serve the model, but residency forbids every one of them.
  RESIDENCY_FORBIDS,
  /// Permitted endpoints exist, but none has a fresh lease and admits new requests.
  NO_ENDPOINT_READY,
  /// Every ready endpoint is full; come back later.
  SATURATED,
  /// Every ready endpoint was already tried for this request.
  ALL_TRIED;

  /// Whether a moment later the answer may be another one.
  public boolean passes() {
    return switch (this) {
      case NO_ENDPOINT_READY, SATURATED, ALL_TRIED -> true;
      case MODEL_UNKNOWN, CONTEXT_TOO_LONG, RESIDENCY_FORBIDS -> false;
    };
  }
}
