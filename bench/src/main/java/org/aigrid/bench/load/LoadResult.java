package org.aigrid.bench.load;

import org.HdrHistogram.Histogram;

/// What the generator saw in one measurement. Immutable; travels as one line of text.
///
/// @param requests complete and correct answers
/// @param errors answers of another status, broken or incomplete ones, failed connects
/// @param seconds measured time
/// @param latency from sending a request to its answer's last byte
/// @param firstFrame from sending a request to its first SSE frame; empty without streams
/// @param gap between two frames of a stream as they were read; empty without streams
/// @param firstError the first thing that went wrong, or `none`
public record LoadResult(
    long requests,
    long errors,
    double seconds,
    Micros latency,
    Micros firstFrame,
    Micros gap,
    String firstError) {

  /// Percentiles in microseconds. Immutable.
  public record Micros(long count, double p50, double p90, double p99, double max) {
    static Micros of(Histogram nanos) {
      return nanos.getTotalCount() == 0
          ? new Micros(0, 0, 0, 0, 0)
          : new Micros(
              nanos.getTotalCount(),
              nanos.getValueAtPercentile(50) / 1e3,
              nanos.getValueAtPercentile(90) / 1e3,
              nanos.getValueAtPercentile(99) / 1e3,
              nanos.getMaxValue() / 1e3);
    }

    private String text() {
      return count + " " + p50 + " " + p90 + " " + p99 + " " + max;
    }

    private static Micros parse(String[] f, int from) {
      return new Micros(
          Long.parseLong(f[from]),
          Double.parseDouble(f[from + 1]),
          Double.parseDouble(f[from + 2]),
          Double.parseDouble(f[from + 3]),
          Double.parseDouble(f[from + 4]));
    }
  }

  public double perSecond() {
    return requests / seconds;
  }

  String line() {
    return String.join(
        " ",
        "" + requests,
        "" + errors,
        "" + seconds,
        latency.text(),
        firstFrame.text(),
        gap.text(),
        firstError.replaceAll("\\s+", "_"));
  }

  static LoadResult parse(String line) {
    String[] f = line.split(" ");
    return new LoadResult(
        Long.parseLong(f[0]),
        Long.parseLong(f[1]),
        Double.parseDouble(f[2]),
        Micros.parse(f, 3),
        Micros.parse(f, 8),
        Micros.parse(f, 13),
        f[18]);
  }
}
