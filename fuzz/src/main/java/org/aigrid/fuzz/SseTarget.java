package org.aigrid.fuzz;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aigrid.core.node.Continuity;
import org.aigrid.live.wire.Replay;
import org.aigrid.live.wire.SseFrames;
import org.aigrid.live.wire.StreamScan;
import org.aigrid.live.wire.UsageScan;

/// The stream of an answer, as a site that has been taken over might send it. The first byte says
/// how it is cut into reads; what is known of the answer may not depend on that, and no count may
/// be below zero.
public final class SseTarget {
  private static final int FRAME_BYTES_MAX = 1 << 20;

  private SseTarget() {}

  private record Seen(
      List<String> frames, Continuity.Facts facts, int tokens, boolean done, List<Integer> usage) {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 1) {
      return;
    }
    int step = 1 + (input[0] & 0x3F);
    Finding.unlessEqual(
        "an answer, read at once and in steps of " + step,
        seen(input, input.length),
        seen(input, step));
  }

  private static Seen seen(byte[] input, int step) {
    var scan = new StreamScan(1, false, true);
    var usage = new UsageScan();
    var all = new ArrayList<String>();
    try (var frames = new SseFrames(UnpooledByteBufAllocator.DEFAULT, FRAME_BYTES_MAX)) {
      for (int at = 1; at < input.length; at += step) {
        frames.add(Unpooled.copiedBuffer(input, at, Math.min(step, input.length - at)));
        for (ByteBuf frame = frames.next(); frame != null; frame = frames.next()) {
          usage.feed(frame);
          scan.read(frame);
          all.add(frame.toString(java.nio.charset.StandardCharsets.ISO_8859_1));
          frame.release();
        }
      }
      ByteBuf rest = frames.rest();
      if (rest.isReadable() && scan.readLast(rest)) {
        all.add(rest.toString(java.nio.charset.StandardCharsets.ISO_8859_1));
      }
    }
    Finding.unless(scan.tokens() >= 0, "tokens: " + scan.tokens());
    Finding.unless(
        usage.promptTokens() >= -1 && usage.completionTokens() >= -1 && usage.cachedTokens() >= 0,
        "usage below zero");
    Replay replay = scan.replay();
    byte[] json = replay.json();
    Replay again = Replay.parse(json, 0, json.length);
    Finding.unlessEqual("a replay's text", replay.text(), again.text());
    Finding.unless(Arrays.equals(replay.ids(), again.ids()), "a replay's ids");
    return new Seen(
        all,
        scan.facts(),
        scan.tokens(),
        scan.done(),
        List.of(usage.promptTokens(), usage.completionTokens(), usage.cachedTokens()));
  }
}
