package org.aigrid.twin.country;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A table of comma-separated values with a header line, read by the names of its columns. Commas
/// within values are not provided for: none of the tables needs them. Every mistake names file,
/// line and column.
final class CsvFile {
  private CsvFile() {}

  /// One line.
  ///
  /// @param columns shared by all rows
  record Row(Path file, int line, Map<String, Integer> columns, String[] values) {
    /// A value, stripped.
    String text(String column) {
      Integer at = columns.get(column);
      if (at == null) {
        throw new IllegalArgumentException(
            file
                + ", line 1: column "
                + column
                + " is missing (expected: a header with it; there are "
                + String.join(", ", columns.keySet().stream().sorted().toList())
                + ")");
      }
      return values[at];
    }

    /// A number within bounds.
    double number(String column, double least, double most) {
      String text = text(column);
      try {
        double value = Double.parseDouble(text);
        if (value >= least && value <= most) {
          return value;
        }
      } catch (NumberFormatException notANumber) {
        // said below
      }
      throw wrong(column, "a number from " + least + " to " + most);
    }

    IllegalArgumentException wrong(String column, String expected) {
      return new IllegalArgumentException(
          file
              + ", line "
              + line
              + ", column "
              + column
              + ": '"
              + text(column)
              + "' (expected: "
              + expected
              + ")");
    }
  }

  static List<Row> read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    if (lines.isEmpty()) {
      throw new IllegalArgumentException(file + " is empty (expected: a header line)");
    }
    String[] header = split(lines.getFirst().replace("\uFEFF", ""));
    Map<String, Integer> columns = new HashMap<>();
    for (int i = 0; i < header.length; i++) {
      columns.put(header[i], i);
    }
    var rows = new ArrayList<Row>(lines.size() - 1);
    for (int i = 1; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      String[] values = split(lines.get(i));
      if (values.length != header.length) {
        throw new IllegalArgumentException(
            file
                + ", line "
                + (i + 1)
                + ": "
                + values.length
                + " values (expected: "
                + header.length
                + ", one for each column)");
      }
      rows.add(new Row(file, i + 1, columns, values));
    }
    return rows;
  }

  private static String[] split(String line) {
    String[] values = line.split(",", -1);
    for (int i = 0; i < values.length; i++) {
      values[i] = values[i].strip();
    }
    return values;
  }
}
