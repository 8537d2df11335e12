package org.aigrid.twin.report;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A mean over seeds with its 95 % confidence interval (Student's t). Immutable.
///
/// @param mean of the values
/// @param half of the interval's width; null for a single value
public record Interval(double mean, @Nullable Double half) {
  private static final double[] STUDENT_T = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26};

  /// Of values that differ in their seeds only; of none, 0.
  public static Interval of(double... values) {
    int n = values.length;
    double mean = Arrays.stream(values).average().orElse(0);
    if (n < 2) {
      return new Interval(mean, null);
    }
    double squares = Arrays.stream(values).map(value -> Math.pow(value - mean, 2)).sum();
    return new Interval(mean, studentT(n - 1) * Math.sqrt(squares / (n - 1) / n));
  }

  /// Quantile of Student's t at 97.5 %.
  private static double studentT(int degrees) {
    return degrees <= STUDENT_T.length ? STUDENT_T[degrees - 1] : 1.96 + 2.5 / degrees;
  }

  /// For programs and for the page.
  public ObjectNode json() {
    ObjectNode node = Report.JSON.createObjectNode();
    node.put("mean", Report.round(mean));
    if (half != null) {
      node.put("half", Report.round(half));
    }
    return node;
  }
}
