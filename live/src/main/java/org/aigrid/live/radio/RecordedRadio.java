package org.aigrid.live.radio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A radio's load from a file, from its beginning when the site starts, again and again: lines of
/// `seconds,share`, in order of time, the share of resource blocks in use from then on. Lines that
/// begin with `#` and a header line are skipped. Immutable but for the time of its first question.
public final class RecordedRadio implements RadioLoad {
  private static final int LINES_MAX = 5_000_000;

  private final double[] seconds;
  private final double[] shares;
  private final double endS;
  private long beganMs = Long.MIN_VALUE;

  private RecordedRadio(double[] seconds, double[] shares) {
    this.seconds = seconds;
    this.shares = shares;
    double last = seconds[seconds.length - 1];
    double step = seconds.length > 1 ? last - seconds[seconds.length - 2] : 1;
    endS = last + step;
  }

  /// @throws IOException when it cannot be read
  /// @throws IllegalArgumentException when it is no such file; the message says where
  public static RecordedRadio read(Path file) throws IOException {
    List<double[]> rows = new ArrayList<>();
    int number = 0;
    try (var lines = Files.newBufferedReader(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        String text = line.strip();
        if (text.isEmpty() || text.startsWith("#")) {
          continue;
        }
        if (rows.size() == LINES_MAX) {
          throw wrong(file, number, "is one line too many", "at most " + LINES_MAX);
        }
        String[] fields = text.split(",", -1);
        try {
          double[] row = {Double.parseDouble(fields[0]), Double.parseDouble(fields[1])};
          if (!(row[1] >= 0 && row[1] <= 1)) {
            throw wrong(file, number, "has the share " + fields[1], "0 to 1");
          }
          if (!rows.isEmpty() && !(row[0] > rows.getLast()[0])) {
            throw wrong(file, number, "goes back in time", "seconds that grow");
          }
          rows.add(row);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
          if (!rows.isEmpty()) {
            throw wrong(file, number, "is '" + text + "'", "seconds,share such as 120,0.31");
          } // else a header
        }
      }
    }
    if (rows.isEmpty()) {
      throw wrong(file, number, "is the last and none had a load", "lines of seconds,share");
    }
    return new RecordedRadio(
        rows.stream().mapToDouble(row -> row[0]).toArray(),
        rows.stream().mapToDouble(row -> row[1]).toArray());
  }

  private static IllegalArgumentException wrong(Path file, int line, String what, String expected) {
    return new IllegalArgumentException(
        file + ":" + line + ": the line " + what + " (expected: " + expected + ")");
  }

  @Override
  public double demand(long nowMs) {
    if (beganMs == Long.MIN_VALUE) {
      beganMs = nowMs;
    }
    double first = seconds[0];
    double at = first + (nowMs - beganMs) / 1_000.0 % (endS - first);
    int found = java.util.Arrays.binarySearch(seconds, at);
    return shares[found >= 0 ? found : Math.max(0, -found - 2)];
  }
}
