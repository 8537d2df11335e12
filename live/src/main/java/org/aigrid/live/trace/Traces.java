package org.aigrid.live.trace;

import java.io.IOException;
import java.nio.file.Path;

/// Opens traces of the formats we know, recognised by their first line.
public final class Traces {
  private Traces() {}

  /// A trace as it stands.
  public static TraceReader open(Path path) throws IOException, TraceException {
    var lines = new TraceLines(path);
    try {
      String first = lines.next();
      if (first == null) {
        throw lines.problem("the file is empty (expected: a trace)");
      }
      if (first.startsWith("{")) {
        return new BlockTrace(lines, first);
      }
      if (first.toUpperCase(java.util.Locale.ROOT).contains("TIMESTAMP")) {
        return new AzureTrace(lines, first);
      }
      throw lines.problem(
          "not a trace we know (expected: CSV with the header"
              + " TIMESTAMP,ContextTokens,GeneratedTokens, or JSON lines with timestamp,"
              + " input_length, output_length, hash_ids)");
    } catch (IOException | TraceException e) {
      lines.close();
      throw e;
    }
  }

  /// A trace whose rows of one tick are spread over it when `summary` found its clock coarse.
  public static TraceReader open(Path path, TraceSummary summary)
      throws IOException, TraceException {
    TraceReader reader = open(path);
    return summary.quantumUs() > 0 ? new Spread(reader, summary.quantumUs()) : reader;
  }
}
