package org.aigrid.live.trace;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Azure LLM inference traces (Azure/AzurePublicDataset, CC-BY 4.0): CSV with the columns
/// `TIMESTAMP`, `ContextTokens`, `GeneratedTokens`, found by name, so that files with more columns
/// can be read, too. Timestamps look like `2023-11-16 18:17:03.9799600`, with zero to nine decimals
/// and perhaps a zone; rows stand in order of time. One thread.
final class AzureTrace implements TraceReader {
  private final TraceLines lines;
  private final int timeColumn;
  private final int inputColumn;
  private final int outputColumn;
  private final int columns;
  private long firstUs = Long.MIN_VALUE;
  private long lastUs;

  AzureTrace(TraceLines lines, String header) throws TraceException {
    this.lines = lines;
    List<String> names = Arrays.asList(header.split(",", -1));
    columns = names.size();
    timeColumn = column(names, "TIMESTAMP");
    inputColumn = column(names, "ContextTokens");
    outputColumn = column(names, "GeneratedTokens");
  }

  private int column(List<String> names, String wanted) throws TraceException {
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).strip().equalsIgnoreCase(wanted)) {
        return i;
      }
    }
    throw lines.problem("column " + wanted + " is missing from the header " + names);
  }

  @Override
  public @Nullable TraceRow next() throws IOException, TraceException {
    String line = lines.next();
    if (line == null) {
      return null;
    }
    String[] cells = line.split(",", -1);
    if (cells.length != columns) {
      throw lines.problem(cells.length + " columns (expected: " + columns + ")");
    }
    long us = timeUs(cells[timeColumn].strip());
    int inputTokens = tokens("ContextTokens", cells[inputColumn].strip(), 1);
    int outputTokens = tokens("GeneratedTokens", cells[outputColumn].strip(), 0);
    if (firstUs == Long.MIN_VALUE) {
      firstUs = us;
      lastUs = us;
    }
    if (us < lastUs) {
      throw lines.problem(
          "TIMESTAMP "
              + cells[timeColumn]
              + " lies before the row above it (expected: rows in order of time)");
    }
    lastUs = us;
    return new TraceRow(us - firstUs, inputTokens, outputTokens, List.of(), 0);
  }

  private int tokens(String column, String text, int least) throws TraceException {
    try {
      int tokens = Integer.parseInt(text);
      if (tokens >= least) {
        return tokens;
      }
    } catch (NumberFormatException e) {
      // The same sentence says it.
    }
    throw lines.problem(
        column + " '" + text + "' (expected: a whole number, " + least + " or more)");
  }

  private long timeUs(String text) throws TraceException {
    try {
      int zone = Math.max(text.indexOf('+', 10), text.indexOf('-', 11));
      String local = zone < 0 ? text : text.substring(0, zone);
      ZoneOffset offset = zone < 0 ? ZoneOffset.UTC : ZoneOffset.of(text.substring(zone));
      LocalDateTime time = LocalDateTime.parse(local.replace(' ', 'T'));
      return time.toEpochSecond(offset) * 1_000_000 + time.getNano() / 1_000;
    } catch (DateTimeException e) {
      throw lines.problem(
          "TIMESTAMP '" + text + "' (expected: a time such as 2023-11-16 18:17:03.9799600)");
    }
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
