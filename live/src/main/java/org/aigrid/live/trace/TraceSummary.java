package org.aigrid.live.trace;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one pass over a trace found. Immutable.
///
/// @param rows good rows
/// @param spanUs from the first row to the last
/// @param inputTokens sum over all rows
/// @param outputTokens sum over all rows
/// @param quantumUs the step of the trace's clock when it is so coarse that most rows share their
///   time with others; 0 when it is fine
/// @param problems the first bad rows, at most `PROBLEMS_MAX`
public record TraceSummary(
    long rows,
    long spanUs,
    long inputTokens,
    long outputTokens,
    long quantumUs,
    List<String> problems) {
  /// Bad rows after which reading stops.
  public static final int PROBLEMS_MAX = 10;

  public TraceSummary {
    problems = List.copyOf(problems);
  }

  /// Reads the first `limit` rows once.
  public static TraceSummary of(Path path, long limit) throws IOException, TraceException {
    long rows = 0;
    long inputTokens = 0;
    long outputTokens = 0;
    long lastUs = 0;
    long together = 0;
    long leastGapUs = Long.MAX_VALUE;
    var problems = new ArrayList<String>();
    try (TraceReader reader = Traces.open(path)) {
      while (rows < limit && problems.size() < PROBLEMS_MAX) {
        TraceRow row = nextOrProblem(reader, problems);
        if (row == null) {
          break;
        }
        if (rows > 0 && row.atUs() == lastUs) {
          together++;
        } else if (rows > 0) {
          leastGapUs = Math.min(leastGapUs, row.atUs() - lastUs);
        }
        lastUs = row.atUs();
        rows++;
        inputTokens += row.inputTokens();
        outputTokens += row.outputTokens();
      }
    }
    boolean coarse = rows > 1 && together * 2 > rows && leastGapUs != Long.MAX_VALUE;
    return new TraceSummary(
        rows, lastUs, inputTokens, outputTokens, coarse ? leastGapUs : 0, problems);
  }

  private static @Nullable TraceRow nextOrProblem(TraceReader reader, List<String> problems)
      throws IOException {
    while (problems.size() < PROBLEMS_MAX) {
      try {
        return reader.next();
      } catch (TraceException e) {
        problems.add(String.valueOf(e.getMessage()));
      }
    }
    return null;
  }
}
