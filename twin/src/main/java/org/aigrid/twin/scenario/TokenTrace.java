package org.aigrid.twin.scenario;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Token counts of a published request trace in the form of the Azure LLM inference traces
/// (`TIMESTAMP,ContextTokens,GeneratedTokens`, CC-BY 4.0). What was asked when is not used: a
/// country has its own times.
final class TokenTrace {
  private TokenTrace() {}

  /// Rows of prompt and answer tokens.
  ///
  /// @throws IllegalArgumentException with file and line
  static List<int[]> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          file
              + " is missing (expected: a trace; set data to the folder it lies in, or give"
              + " input-tokens and output-tokens as percentiles instead)");
    }
    List<String> lines = Files.readAllLines(file);
    String[] header = lines.isEmpty() ? new String[0] : lines.getFirst().strip().split(",", -1);
    int prompt = List.of(header).indexOf("ContextTokens");
    int answer = List.of(header).indexOf("GeneratedTokens");
    if (prompt < 0 || answer < 0) {
      throw new IllegalArgumentException(
          file + ", line 1 (expected: a header with ContextTokens and GeneratedTokens)");
    }
    var rows = new ArrayList<int[]>(lines.size());
    for (int i = 1; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      String[] values = lines.get(i).strip().split(",", -1);
      try {
        rows.add(
            new int[] {
              Math.max(1, Integer.parseInt(values[prompt])),
              Math.max(1, Integer.parseInt(values[answer]))
            });
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException wrong) {
        throw new IllegalArgumentException(
            file + ", line " + (i + 1) + ": '" + lines.get(i) + "' (expected: two token counts)");
      }
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException(file + " has no rows (expected: one request or more)");
    }
    return rows;
  }
}
