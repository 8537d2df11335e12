package org.aigrid.live.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TracesTest {
  private static final String HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";

  @TempDir Path folder;

  @Test
  void anAzureTraceHasCarriageReturnsAndSevenDecimals() throws Exception {
    Path file =
        file(
            "conv.csv",
            HEADER
                + "2023-11-16 18:15:46.6805900,374,44\r\n"
                + "2023-11-16 18:15:50.9951690,396,109\r\n"
                + "2023-11-16 18:15:51,879,0\r\n");
    assertThat(rows(file))
        .containsExactly(
            new TraceRow(0, 374, 44, List.of(), 0),
            new TraceRow(4_314_579, 396, 109, List.of(), 0),
            new TraceRow(4_319_410, 879, 0, List.of(), 0));
  }

  @Test
  void columnsAreFoundByNameAndZonesCount() throws Exception {
    Path file =
        file(
            "lmm.csv",
            "\uFEFFTIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n"
                + "2024-05-10 00:00:00.009930+00:00,1,10,20\n"
                + "2024-05-10 02:00:01.009930+02:00,0,11,21");
    assertThat(rows(file))
        .containsExactly(
            new TraceRow(0, 10, 20, List.of(), 0), new TraceRow(1_000_000, 11, 21, List.of(), 0));
  }

  @Test
  void badRowsAreNamedByLineAndTheGoodOnesCount() throws Exception {
    Path file =
        file(
            "bad.csv",
            HEADER
                + "2023-11-16 18:15:46.6805900,374,44\r\n"
                + "yesterday,374,44\r\n"
                + "2023-11-16 18:15:47.0000000,0,44\r\n"
                + "2023-11-16 18:15:47.0000000,12\r\n"
                + "2023-11-16 18:15:45.0000000,12,1\r\n"
                + "2023-11-16 18:15:48.0000000,12,1\r\n");
    TraceSummary summary = TraceSummary.of(file, Long.MAX_VALUE);
    assertThat(summary.rows()).isEqualTo(2);
    assertThat(summary.problems()).hasSize(4);
    assertThat(summary.problems().get(0)).startsWith(file + ":3: TIMESTAMP 'yesterday' (expected:");
    assertThat(summary.problems().get(1)).startsWith(file + ":4: ContextTokens '0'");
    assertThat(summary.problems().get(2)).startsWith(file + ":5: 2 columns (expected: 3)");
    assertThat(summary.problems().get(3)).contains(":6: ").contains("before the row above");
  }

  @Test
  void aMooncakeTraceNamesItsBlocks() throws Exception {
    Path file =
        file(
            "mooncake.jsonl",
            """
            {"timestamp": 27482, "input_length": 600, "output_length": 52, "hash_ids": [46, 47]}
            {"timestamp": 30535, "input_length": 512, "output_length": 26, "hash_ids": [46]}
            """);
    assertThat(rows(file))
        .containsExactly(
            new TraceRow(0, 600, 52, List.of(46L, 47L), 512),
            new TraceRow(3_053_000, 512, 26, List.of(46L), 512));
  }

  @Test
  void aBailianTraceHasSecondsAndSmallBlocks() throws Exception {
    Path file =
        file(
            "bailian.jsonl",
            """
            {"chat_id": 1, "parent_chat_id": -1, "timestamp": 0.5, "input_length": 17, "output_length": 5, "type": "text", "turn": 1, "hash_ids": [8, 9]}
            {"chat_id": 2, "parent_chat_id": 1, "timestamp": 0.75, "input_length": 4, "output_length": 5, "type": "text", "turn": 2, "hash_ids": [8]}
            """);
    assertThat(rows(file))
        .containsExactly(
            new TraceRow(0, 17, 5, List.of(8L, 9L), 16),
            new TraceRow(250_000, 4, 5, List.of(8L), 16));
  }

  @Test
  void aRowWithTooFewBlocksIsRefusedWithItsLine() throws Exception {
    Path file =
        file(
            "short.jsonl",
            "{\"timestamp\": 1, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": [1]}\n"
                + "not json\n");
    assertThat(TraceSummary.of(file, Long.MAX_VALUE).problems())
        .satisfiesExactly(
            p -> assertThat(p).contains(":1: hash_ids has 1 ids for input_length 513 (expected: 2"),
            p -> assertThat(p).contains(":2: no JSON object"));
  }

  @Test
  void rowsOfACoarseClockAreSpreadEvenly() throws Exception {
    var text = new StringBuilder();
    for (int tick = 0; tick < 3; tick++) {
      for (int i = 0; i < 4; i++) {
        text.append("{\"timestamp\": ")
            .append(tick * 3000)
            .append(", \"input_length\": 5, \"output_length\": 5}\n");
      }
    }
    Path file = file("coarse.jsonl", text.toString());
    TraceSummary summary = TraceSummary.of(file, Long.MAX_VALUE);
    assertThat(summary.quantumUs()).isEqualTo(3_000_000);
    var times = new ArrayList<Long>();
    try (TraceReader reader = Traces.open(file, summary)) {
      for (TraceRow row = reader.next(); row != null; row = reader.next()) {
        times.add(row.atUs());
      }
    }
    assertThat(times).hasSize(12).isSorted().doesNotHaveDuplicates();
    assertThat(times.subList(0, 4)).containsExactly(0L, 750_000L, 1_500_000L, 2_250_000L);
  }

  @Test
  void aCompressedTraceIsOpened() throws Exception {
    Path file = folder.resolve("conv.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write((HEADER + "2023-11-16 18:15:46.6805900,3,4\r\n").getBytes(StandardCharsets.UTF_8));
    }
    assertThat(rows(file)).hasSize(1);
  }

  @Test
  void whatIsNoTraceIsRefused() throws Exception {
    Path other = file("other.csv", "a,b\n1,2\n");
    assertThatThrownBy(() -> Traces.open(other))
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("other.csv:1: not a trace we know");
    Path empty = file("empty.csv", "");
    assertThatThrownBy(() -> Traces.open(empty)).hasMessageContaining("is empty");
    Path headless = file("headless.csv", "TIMESTAMP,Tokens\n");
    assertThatThrownBy(() -> Traces.open(headless))
        .hasMessageContaining("column ContextTokens is missing");
  }

  private static List<TraceRow> rows(Path file) throws IOException, TraceException {
    var rows = new ArrayList<TraceRow>();
    try (TraceReader reader = Traces.open(file)) {
      for (TraceRow row = reader.next(); row != null; row = reader.next()) {
        rows.add(row);
      }
    }
    return rows;
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }
}
