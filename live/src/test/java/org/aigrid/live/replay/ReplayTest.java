package org.aigrid.live.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.aigrid.live.trace.TraceSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayTest {
  @TempDir Path folder;

  @Test
  void everyRequestOfTheTraceIsSentWithItsLengthsAndCountedWhereItRan() throws Exception {
    try (var grid =
        new PretendGrid(
            (number, body, reply) -> {
              assertThat(body.path("ignore_eos").booleanValue()).isTrue();
              reply.stream(
                  body.path("max_tokens").intValue(),
                  number % 4 == 0 ? "hub" : "cell-a",
                  number % 4 == 0 ? "hub" : "cell");
            })) {
      ReplayReport report = replay(grid.url(), azure(200, 10, 100, 5), 64);
      assertThat(report.failedByKind()).isEmpty();
      assertThat(report.answered()).isEqualTo(200);
      assertThat(report.outputTokens()).isEqualTo(1_000);
      assertThat(report.promptTokens()).isEqualTo(1_400);
      assertThat(report.answeredByTier()).containsEntry("hub", 50L).containsEntry("cell", 150L);
      assertThat(report.firstTokenUs().getTotalCount()).isEqualTo(200);
      assertThat(report.frameGapUs().getTotalCount()).isEqualTo(800);
      assertThat(grid.prompts()).allMatch(prompt -> prompt.length() == 400).doesNotHaveDuplicates();
    }
  }

  @Test
  void aRequestThatHadToWaitForAPlaceCountsItsWaitAsLatency() throws Exception {
    try (var grid =
        new PretendGrid(
            (number, body, reply) -> {
              Thread.sleep(50);
              reply.stream(1, "hub", "hub");
            })) {
      ReplayReport report = replay(grid.url(), azure(10, 0, 10, 1), 1);
      assertThat(report.answered()).isEqualTo(10);
      assertThat(report.inFlightMost()).isEqualTo(1);
      assertThat(report.endUs().getMaxValue()).isGreaterThan(450_000);
      assertThat(report.latenessUs().getMaxValue()).isGreaterThan(400_000);
    }
  }

  @Test
  void failuresAreCountedByKind() throws Exception {
    try (var grid =
        new PretendGrid(
            (number, body, reply) -> {
              switch (number) {
                case 0 ->
                    reply.json(
                        429,
                        "{\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}");
                case 1 -> {
                  reply.begin("hub", "hub");
                  reply.frame("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
                  reply.closeAfter();
                }
                case 2 -> {
                  reply.begin("hub", "hub");
                  reply.frame(
                      "event: error\ndata: {\"error\":{\"message\":\"site lost\",\"code\":\"lost\"}}\n\n");
                  reply.end();
                }
                case 3 -> {
                  reply.begin("hub", "hub");
                  reply.frame("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
                  reply.end();
                }
                default -> reply.stream(2, "hub", "hub");
              }
            })) {
      ReplayReport report = replay(grid.url(), azure(6, 100, 10, 2), 8);
      assertThat(report.answered()).isEqualTo(2);
      assertThat(report.failedByKind())
          .containsOnlyKeys(
              "429 rate_limit_exceeded", "closed in mid-stream", "stream error lost", "no [DONE]");
      assertThat(report.failureExample()).containsEntry("429 rate_limit_exceeded", "slow down");
      assertThat(ReplayText.table(report)).contains("429 rate_limit_exceeded: slow down");
    }
  }

  @Test
  void aKeptConnectionThatTheServerClosedIsNoFailure() throws Exception {
    try (var grid =
        new PretendGrid(
            (number, body, reply) -> {
              reply.stream(1, "hub", "hub");
              reply.closeAfter();
            })) {
      ReplayReport report = replay(grid.url(), azure(20, 20, 10, 1), 1);
      assertThat(report.failedByKind()).isEmpty();
      assertThat(report.answered()).isEqualTo(20);
    }
  }

  @Test
  void connectionsAreUsedAgain() throws Exception {
    try (var grid = new PretendGrid((number, body, reply) -> reply.stream(1, "hub", "hub"))) {
      assertThat(replay(grid.url(), azure(50, 0, 10, 1), 4).answered()).isEqualTo(50);
      assertThat(grid.connections()).isLessThanOrEqualTo(4);
    }
  }

  @Test
  void nobodyListeningIsAFailureOfEachRequest() throws Exception {
    int port;
    try (var gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = gone.getLocalPort();
    }
    ReplayReport report = replay(URI.create("http://127.0.0.1:" + port), azure(3, 0, 10, 1), 4);
    assertThat(report.failedByKind()).containsEntry("connection failed", 3L);
  }

  @Test
  void promptsShareExactlyTheBlocksThatTheTraceSaysTheyShare() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("blocks.jsonl"),
            """
            {"timestamp": 0, "input_length": 1100, "output_length": 1, "hash_ids": [1, 2, 3]}
            {"timestamp": 50, "input_length": 1100, "output_length": 1, "hash_ids": [1, 2, 4]}
            {"timestamp": 100, "input_length": 1100, "output_length": 1, "hash_ids": [5, 2, 3]}
            """);
    try (var grid = new PretendGrid((number, body, reply) -> reply.stream(1, "hub", "hub"))) {
      assertThat(replay(grid.url(), file, 1).answered()).isEqualTo(3);
      List<String> prompts = grid.prompts();
      assertThat(prompts).allMatch(prompt -> prompt.length() == 4_400);
      assertThat(commonPrefix(prompts.get(0), prompts.get(1))).isBetween(4_096, 4_100);
      assertThat(commonPrefix(prompts.get(0), prompts.get(2))).isLessThan(4);
    }
  }

  private static int commonPrefix(String a, String b) {
    int i = 0;
    while (i < a.length() && i < b.length() && a.charAt(i) == b.charAt(i)) {
      i++;
    }
    return i;
  }

  private Path azure(int rows, int everyMs, int inputTokens, int outputTokens) throws IOException {
    var text = new StringBuilder("TIMESTAMP,ContextTokens,GeneratedTokens\r\n");
    for (int i = 0; i < rows; i++) {
      int ms = i * everyMs;
      text.append(
          String.format(
              "2023-11-16 18:15:%02d.%03d0000,%d,%d\r%n",
              ms / 1_000, ms % 1_000, inputTokens, outputTokens));
    }
    return Files.writeString(folder.resolve("azure.csv"), text);
  }

  private static ReplayReport replay(URI url, Path file, int inFlightMax) throws Exception {
    var settings =
        new ReplaySettings(
            url,
            "key",
            "pretend",
            1,
            Long.MAX_VALUE,
            inFlightMax,
            20_000,
            5_000,
            20_000,
            1,
            List.of());
    return new Replay(file, TraceSummary.of(file, Long.MAX_VALUE), settings).run();
  }
}
