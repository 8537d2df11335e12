package org.aigrid.live.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.aigrid.core.node.Continuity;
import org.aigrid.core.node.Continuity.Verdict;
import org.junit.jupiter.api.Test;

/// What is remembered of a stream, however its frames come.
class StreamScanTest {
  private final StreamScan scan = new StreamScan(1, false, true);

  private static ByteBuf bytes(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
  }

  private static String chunk(String delta) {
    return "data: {\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + "}]}\n\n";
  }

  private static String content(String text) {
    return chunk("{\"content\":\"" + text + "\"}");
  }

  /// Reads a whole frame and answers with what of it is the client's.
  private String read(String frame) {
    ByteBuf buffer = bytes(frame);
    scan.read(buffer);
    return buffer.toString(StandardCharsets.UTF_8);
  }

  private static String ids(int from, int to) {
    return IntStream.range(from, to).mapToObj(id -> " " + id).collect(Collectors.joining());
  }

  @Test
  void whatItKnowsDoesNotDependOnHowTheFramesAreCut() {
    String sent =
        chunk("{\"role\":\"assistant\",\"content\":\"\"}")
            + ": tokens llama 3 4\n"
            + content("さく")
            + ": tokens llama 5\n"
            + content("ら \\\"x\\\"");
    byte[] all = sent.getBytes(StandardCharsets.UTF_8);
    for (int step = 1; step <= all.length; step++) {
      var cut = new StreamScan(1, false, true);
      try (var frames = new SseFrames(UnpooledByteBufAllocator.DEFAULT, 1 << 20)) {
        for (int from = 0; from < all.length; from += step) {
          frames.add(Unpooled.copiedBuffer(all, from, Math.min(step, all.length - from)));
          for (ByteBuf frame = frames.next(); frame != null; frame = frames.next()) {
            cut.read(frame);
            assertThat(frame.toString(StandardCharsets.UTF_8)).startsWith("data:");
            frame.release();
          }
        }
      }
      Replay replay = cut.replay();
      assertThat(replay.text()).as("step %d", step).isEqualTo("さくら \"x\"");
      assertThat(replay.tokens()).isEqualTo(3);
      assertThat(replay.ids()).containsExactly(3, 4, 5);
      assertThat(replay.engine()).isEqualTo("llama");
      assertThat(replay.id()).isEqualTo("c1");
      assertThat(replay.opened()).isTrue();
      assertThat(Continuity.judge(cut.facts())).isEqualTo(Verdict.REPLAY);
    }
  }

  @Test
  void aSiteThatLiesAboutItsTokensMovesNoCountBelowZero() {
    read(": tokens - 3\n" + content("x"));
    read(": tokens - -9\n" + content("y"));
    assertThat(scan.tokens()).as("counted here instead").isEqualTo(4);
    read(": tokens - 2147483647\n" + content("z"));
    read(": tokens - 2147483647\n" + content("z"));
    assertThat(scan.tokens()).isEqualTo(6);
  }

  @Test
  void manyIdsAreKept() {
    for (int i = 0; i < 100; i++) {
      read(": tokens llama" + ids(7 * i, 7 * i + 7) + "\n" + content("x"));
    }
    assertThat(scan.replay().ids()).hasSize(700).endsWith(698, 699);
  }

  @Test
  void afterTokensThatWereOnlyCountedTheOthersCountOnceAndTheirIdsAreNotKept() {
    read(": tokens llama" + ids(0, 30) + "\n" + content("a"));
    read(": tokens - 5\n" + content("b"));
    for (int i = 0; i < 40; i++) {
      read(": tokens llama" + ids(i, i + 3) + "\n" + content("c"));
    }
    assertThat(scan.tokens()).isEqualTo(30 + 5 + 120);
    assertThat(scan.replay().ids()).isNull();
    assertThat(scan.replay().engine()).isNull();
    assertThat(scan.facts().exact()).isFalse();
  }

  @Test
  void idsOfAnotherEngineCountButAreOfNoUse() {
    read(": tokens llama 1 2\n" + content("a"));
    read(": tokens emulated 3\n" + content("b"));
    read(": tokens llama 4\n" + content("c"));
    assertThat(scan.tokens()).isEqualTo(4);
    assertThat(scan.replay().ids()).isNull();
  }

  @Test
  void aFrameOfWhichNothingWasToldIsOneToken() {
    read(content("a"));
    read(": tokens llama 1 x\n" + content("b"));
    read(chunk("{}"));
    assertThat(scan.tokens()).isEqualTo(2);
    assertThat(scan.facts().exact()).isFalse();
    assertThat(read(": tokens - 2\n" + content("c"))).isEqualTo(content("c"));
  }

  @Test
  void ofAHalfLastFrameNothingCountsWhereverItEnds() {
    read(": tokens llama 1\n" + content("a"));
    String frame = ": tokens llama 2 3\n" + content("bcd").stripTrailing();
    for (int length = 1; length < frame.length(); length++) {
      ByteBuf rest = bytes(frame.substring(0, length));
      boolean whole = scan.readLast(rest);
      assertThat(!whole || !rest.isReadable()).as("%d bytes", length).isTrue();
      assertThat(scan.replay().text()).as("%d bytes", length).isEqualTo("a");
      assertThat(scan.tokens()).isEqualTo(1);
      assertThat(scan.replay().ids()).containsExactly(1);
      assertThat(Continuity.judge(scan.facts())).isEqualTo(Verdict.REPLAY);
    }
    ByteBuf rest = bytes(frame);
    assertThat(scan.readLast(rest)).isTrue();
    assertThat(rest.toString(StandardCharsets.UTF_8)).startsWith("data:");
    assertThat(scan.replay().text()).isEqualTo("abcd");
    assertThat(scan.replay().ids()).containsExactly(1, 2, 3);
  }

  @Test
  void aReportOfAFailureIsAnEndUntilItIsForgotten() {
    read("data: {\"id\":\"c1\",\"error\":null}\n\n");
    assertThat(scan.failed()).isFalse();
    read(content("a"));
    read("data: {\"error\":{\"message\":\"dead\"}}\n\n");
    assertThat(scan.failed()).isTrue();
    assertThat(Continuity.judge(scan.facts())).isEqualTo(Verdict.CLOSE);
    assertThat(Continuity.outlives(scan.factsButForFailure(), -1)).isTrue();
    assertThat(Continuity.outlives(scan.factsButForFailure(), 1)).isFalse();
    scan.forgetFailure();
    assertThat(Continuity.judge(scan.facts())).isEqualTo(Verdict.REPLAY);
  }

  @Test
  void aLastEndIsWholeAndHalfOfItIsNot() {
    assertThat(scan.readLast(bytes("data: [DO"))).isFalse();
    assertThat(scan.done()).isFalse();
    assertThat(scan.readLast(bytes("data: [DONE]\n"))).isTrue();
    assertThat(scan.done()).isTrue();
    assertThat(scan.readLast(bytes("\n"))).isTrue();
  }
}
