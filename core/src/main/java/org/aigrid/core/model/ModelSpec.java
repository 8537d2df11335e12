package org.aigrid.core.model;

/// A language model as far as serving it costs time and memory. Immutable.
///
/// @param name the id that clients put into `model`
/// @param activeParametersBillions parameters that one token passes through, in 1e9
/// @param weightBytes size of all weights as loaded
/// @param kvBytesPerToken `2 x layers x KV heads x head dimension x bytes`
/// @param contextTokensMax longest prompt plus answer
public record ModelSpec(
    String name,
    double activeParametersBillions,
    long weightBytes,
    int kvBytesPerToken,
    int contextTokensMax) {
  public ModelSpec {
    if (name.isBlank()) {
      throw new IllegalArgumentException("model name is blank (expected: the id clients send)");
    }
    if (!(activeParametersBillions > 0)) {
      throw new IllegalArgumentException(
          "activeParametersBillions of model "
              + name
              + ": "
              + activeParametersBillions
              + " (expected: above 0)");
    }
    if (weightBytes < 1 || kvBytesPerToken < 1 || contextTokensMax < 1) {
      throw new IllegalArgumentException(
          "model "
              + name
              + ": weightBytes "
              + weightBytes
              + ", kvBytesPerToken "
              + kvBytesPerToken
              + ", contextTokensMax "
              + contextTokensMax
              + " (expected: 1 or more each)");
    }
  }
}
