package org.aigrid.twin.demand;

/// One kind of request: how often, how long, how soon. Lengths are log-normal, given by median and
/// 90th percentile, as published traces are summarised. Immutable.
///
/// @param name for people
/// @param share of all requests
/// @param promptMedian tokens
/// @param promptP90 tokens
/// @param outputMedian tokens
/// @param outputP90 tokens
/// @param ttftMsMax its objective for the first token
/// @param tpotMsMax its objective for each further token
public record Service(
    String name,
    double share,
    double promptMedian,
    double promptP90,
    double outputMedian,
    double outputP90,
    double ttftMsMax,
    double tpotMsMax) {
  /// The quantile of a standard normal at 90 %.
  private static final double Z90 = 1.2815515655446004;

  public Service {
    if (!(share > 0
        && promptMedian >= 1
        && promptP90 >= promptMedian
        && outputMedian >= 1
        && outputP90 >= outputMedian
        && ttftMsMax > 0
        && tpotMsMax > 0)) {
      throw new IllegalArgumentException(
          "service "
              + name
              + " (expected: shares and objectives above 0, p90 at least the median)");
    }
  }

  /// A prompt's length for a draw from the standard normal.
  int promptTokens(double normal, int most) {
    return tokens(promptMedian, promptP90, normal, most);
  }

  /// An answer's length for a draw from the standard normal.
  int outputTokens(double normal, int most) {
    return tokens(outputMedian, outputP90, normal, most);
  }

  private static int tokens(double median, double p90, double normal, int most) {
    double sigma = Math.log(p90 / median) / Z90;
    return (int) Math.clamp(Math.round(median * Math.exp(sigma * normal)), 1, most);
  }
}
