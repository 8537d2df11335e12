package org.aigrid.live.trace;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// Traces that name the blocks of each prompt, one JSON object a line.
///
/// Mooncake (kvcache-ai/Mooncake, Apache-2.0): `timestamp` in ms, blocks of 512 tokens.
/// Qwen-Bailian (Apache-2.0): recognised by its `chat_id`, `timestamp` in s, blocks of 16 tokens.
/// Both: `input_length`, `output_length`, `hash_ids`, of which there are `ceil(input_length /
/// block)`. One thread.
final class BlockTrace implements TraceReader {
  private static final int MOONCAKE_BLOCK_TOKENS = 512;
  private static final int BAILIAN_BLOCK_TOKENS = 16;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final TraceLines lines;
  private @Nullable String pending;
  private double firstUs = Double.NaN;
  private long lastUs;

  /// @param first the file's first line, read already to find out what the file is
  BlockTrace(TraceLines lines, String first) {
    this.lines = lines;
    this.pending = first;
  }

  @Override
  public @Nullable TraceRow next() throws IOException, TraceException {
    String line = pending != null ? pending : lines.next();
    pending = null;
    if (line == null) {
      return null;
    }
    JsonNode row;
    try {
      row = JSON.readTree(line);
    } catch (JacksonException e) {
      throw lines.problem("no JSON object (expected: one a line): " + e.getOriginalMessage());
    }
    if (!row.isObject()) {
      throw lines.problem("no JSON object (expected: one a line)");
    }
    boolean bailian = row.has("chat_id");
    int blockTokens = bailian ? BAILIAN_BLOCK_TOKENS : MOONCAKE_BLOCK_TOKENS;
    JsonNode timestamp = row.path("timestamp");
    if (!timestamp.isNumber() || !(timestamp.doubleValue() >= 0)) {
      throw lines.problem("timestamp " + timestamp + " (expected: a number, 0 or more)");
    }
    int inputTokens = tokens(row, "input_length", 1);
    int outputTokens = tokens(row, "output_length", 0);
    List<Long> blocks = blocks(row.path("hash_ids"), inputTokens, blockTokens);
    double us = timestamp.doubleValue() * (bailian ? 1_000_000 : 1_000);
    if (Double.isNaN(firstUs)) {
      firstUs = us;
    }
    long atUs = Math.round(us - firstUs);
    if (atUs < lastUs) {
      throw lines.problem(
          "timestamp " + timestamp + " lies before the row above it (expected: rows in order)");
    }
    lastUs = atUs;
    return new TraceRow(
        atUs, inputTokens, outputTokens, blocks, blocks.isEmpty() ? 0 : blockTokens);
  }

  private int tokens(JsonNode row, String field, int least) throws TraceException {
    JsonNode value = row.path(field);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < least) {
      throw lines.problem(
          field + " " + value + " (expected: a whole number, " + least + " or more)");
    }
    return value.intValue();
  }

  private List<Long> blocks(JsonNode ids, int inputTokens, int blockTokens) throws TraceException {
    if (ids.isMissingNode() || ids.isNull()) {
      return List.of();
    }
    int expected = Math.ceilDiv(inputTokens, blockTokens);
    if (!ids.isArray() || ids.size() != expected) {
      throw lines.problem(
          "hash_ids has "
              + ids.size()
              + " ids for input_length "
              + inputTokens
              + " (expected: "
              + expected
              + ", one for each "
              + blockTokens
              + " tokens)");
    }
    var blocks = new ArrayList<Long>(expected);
    for (JsonNode id : ids) {
      if (!id.isIntegralNumber()) {
        throw lines.problem("hash_ids holds " + id + " (expected: whole numbers)");
      }
      blocks.add(id.longValue());
    }
    return blocks;
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
