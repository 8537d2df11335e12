package org.aigrid.live.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SseFramesTest {
  private static final int SEEDS = 500;

  private static SseFrames frames(int bytesMax) {
    return new SseFrames(UnpooledByteBufAllocator.DEFAULT, bytesMax);
  }

  private static List<String> take(SseFrames frames) {
    var taken = new ArrayList<String>();
    for (ByteBuf frame = frames.next(); frame != null; frame = frames.next()) {
      taken.add(frame.toString(UTF_8));
      frame.release();
    }
    return taken;
  }

  @Test
  void howeverTheBytesAreCutTheFramesAreTheSame() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      var wanted = new ArrayList<String>();
      for (int i = 1 + random.nextInt(6); i > 0; i--) {
        String end = random.nextBoolean() ? "\n" : "\r\n";
        var frame = new StringBuilder();
        for (int line = 1 + random.nextInt(3); line > 0; line--) {
          frame.append("data: ").append("さ\r{}".repeat(random.nextInt(5))).append('x').append(end);
        }
        wanted.add(frame.append(end).toString());
      }
      byte[] all = (String.join("", wanted) + "data: unfinished\n").getBytes(UTF_8);
      var seen = new ArrayList<String>();
      try (var frames = frames(1 << 20)) {
        for (int at = 0; at < all.length; ) {
          int length = Math.min(all.length - at, 1 + random.nextInt(40));
          frames.add(Unpooled.copiedBuffer(all, at, length));
          seen.addAll(take(frames));
          at += length;
        }
        assertThat(seen).as("seed %d", seed).isEqualTo(wanted);
        assertThat(frames.rest().toString(UTF_8)).isEqualTo("data: unfinished\n");
      }
    }
  }

  @Test
  void anUnfinishedFrameIsBounded() {
    try (var frames = frames(1_000)) {
      frames.add(Unpooled.wrappedBuffer(new byte[800]));
      assertThat(take(frames)).isEmpty();
      ByteBuf more = Unpooled.wrappedBuffer(new byte[300]);
      assertThatThrownBy(() -> frames.add(more))
          .isInstanceOf(SseFrames.FrameTooLong.class)
          .hasMessageContaining("1000 bytes");
      assertThat(more.refCnt()).isZero();
    }
  }

  @Test
  void whatIsTakenAndWhatIsLeftIsReleasedOnce() {
    ByteBuf read = Unpooled.copiedBuffer("data: a\n\ndata: b", UTF_8);
    var frames = frames(1_000);
    frames.add(read);
    assertThat(take(frames)).containsExactly("data: a\n\n");
    assertThat(read.refCnt()).isOne();
    frames.close();
    assertThat(read.refCnt()).isZero();
    frames.close();
  }

  /// A peer that sends a long frame byte by byte costs what the frame costs, not its square.
  @Test
  void aFrameInManySmallReadsIsCopiedAFewTimesOnly() {
    int copies = 0;
    int length = 100_000;
    try (SseFrames frames = frames(1 << 20)) {
      ByteBuf before = frames.rest();
      for (int i = 0; i < length; i++) {
        frames.add(Unpooled.copiedBuffer("x", UTF_8));
        assertThat(frames.next()).isNull();
        copies += frames.rest() == before ? 0 : 1;
        before = frames.rest();
      }
      frames.add(Unpooled.copiedBuffer("\n\ny", UTF_8));
      ByteBuf frame = Objects.requireNonNull(frames.next());
      assertThat(frame.readableBytes()).isEqualTo(length + 2);
      frames.add(Unpooled.copiedBuffer("z\n\n", UTF_8));
      assertThat(frame.getByte(length + 1))
          .as("what was taken stays as it was")
          .isEqualTo((byte) '\n');
      frame.release();
      ByteBuf next = Objects.requireNonNull(frames.next());
      assertThat(next.toString(UTF_8)).isEqualTo("yz\n\n");
      next.release();
    }
    assertThat(copies).isLessThan(25);
  }
}
