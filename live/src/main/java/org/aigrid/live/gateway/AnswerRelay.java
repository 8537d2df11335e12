package org.aigrid.live.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import org.aigrid.core.node.Continuity;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.RequestScan;
import org.aigrid.live.wire.SseFrames;
import org.aigrid.live.wire.StreamScan;
import org.aigrid.live.wire.UsageScan;
import org.jspecify.annotations.Nullable;

/// What the client has of an answer: passes on what sites say, and knows what has gone by.
///
/// An answer that comes whole is passed on byte for byte. Of a stream each frame is relayed as it
/// came; what it takes to go on elsewhere is remembered (`StreamScan`), and the usage chunk that
/// sites always send is dropped for clients that did not ask. On the client's event loop.
final class AnswerRelay {
  private static final byte[] NO_CHOICES = "\"choices\":[]".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NO_CHOICES_SPACED =
      "\"choices\": []".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] FRAME_END = "\n\n".getBytes(StandardCharsets.US_ASCII);

  private final ChannelHandlerContext context;
  private final RequestScan scan;
  private final String path;
  private final int frameBytesMax;
  private final UsageScan usage = new UsageScan();
  private @Nullable SseFrames frames;
  private @Nullable StreamScan seen;
  private boolean usageSent;
  private int unpaid; // tokens that were read and, for want of money, not passed on
  private boolean unflushed;
  private int failedAtCharacters = -1; // of the text, when an engine last reported a failure
  private boolean begun;
  private boolean good; // answered with 200
  private @Nullable Charge charge;
  private boolean sealed; // what follows waits until the answer is in the journal
  private @Nullable HttpResponse head; // of a whole answer, until its body is there
  private final ArrayDeque<Object> waiting = new ArrayDeque<>(0);

  AnswerRelay(ChannelHandlerContext context, RequestScan scan, String path, int frameBytesMax) {
    this.context = context;
    this.scan = scan;
    this.path = path;
    this.frameBytesMax = frameBytesMax;
  }

  /// The answer is paid for chunk by chunk, and its digest kept.
  void charge(Charge to) {
    charge = to;
  }

  /// What follows waits for `unseal`: the last of an answer leaves when it has been written down.
  void seal() {
    sealed = true;
  }

  /// Sends what waited.
  void unseal() {
    sealed = false;
    for (Object next = waiting.poll(); next != null; next = waiting.poll()) {
      context.write(next);
      unflushed = true;
    }
    flush();
  }

  /// What waited is never sent, and the client is cut off: nobody has written it down.
  void withhold() {
    sealed = false;
    waiting.forEach(ReferenceCountUtil::release);
    waiting.clear();
    context.close();
  }

  /// The head of a whole answer that has to wait goes with its body: one write, one packet.
  private void out(Object message) {
    HttpResponse first = head;
    if (first != null) {
      head = null;
      out(first);
    }
    if (sealed) {
      waiting.add(message);
    } else {
      context.write(message);
      unflushed = true;
    }
  }

  /// What became of bytes that were to be passed on.
  enum Passed {
    /// They were.
    WHOLE,
    /// The engine has reported a failure in a frame, which is kept back, and the stream can outlive
    /// it.
    FAILED,
    /// The budget ends before the next frame.
    CUT
  }

  /// The answer begins with that head.
  void begin(HttpResponse answer, boolean stream) {
    begun = true;
    good = answer.status().code() == 200;
    if (stream) {
      frames = new SseFrames(context.alloc(), frameBytesMax);
      seen = new StreamScan(scan.choices(), scan.guided(), !"/v1/responses".equals(path));
    }
    if (stream || charge == null) {
      out(answer);
    } else {
      head = answer;
    }
  }

  /// Another site goes on with the stream.
  ///
  /// @param comment for the reader, a line of its own; null for none
  void rejoin(@Nullable String comment) {
    frames = new SseFrames(context.alloc(), frameBytesMax);
    if (comment != null) {
      write(Unpooled.copiedBuffer(": " + comment + "\n\n", StandardCharsets.US_ASCII));
    }
  }

  /// The site of a stream is given up: of a frame that had not come whole the client has had
  /// nothing.
  void drop() {
    if (frames != null) {
      frames.close();
      frames = null;
    }
  }

  /// Whether the site has answered with a refusal: then nothing was computed.
  boolean refused() {
    return begun && !good;
  }

  boolean streamed() {
    return seen != null;
  }

  /// What is remembered of a stream; null when none has begun.
  @Nullable StreamScan seen() {
    return seen;
  }

  /// What engines said of their tokens.
  UsageScan usage() {
    return usage;
  }

  /// Tokens of the stream that went by; 0 when there is none.
  int tokens() {
    return seen == null ? 0 : seen.tokens() - unpaid;
  }

  /// Passes on.
  Passed relay(ByteBuf bytes) throws SseFrames.FrameTooLong {
    SseFrames cutter = frames;
    StreamScan scanner = seen;
    if (scanner == null) {
      if (bytes.isReadable()) {
        usage.feed(bytes);
        write(bytes.retain());
      }
      return Passed.WHOLE;
    }
    if (cutter == null) {
      return Passed.WHOLE;
    }
    if (bytes.isReadable()) {
      cutter.add(bytes.retain());
    }
    for (ByteBuf frame = cutter.next(); frame != null; frame = cutter.next()) {
      int tokens = scanner.tokens();
      scanner.read(frame);
      if (scanner.failed() && outlived(scanner)) {
        frame.release();
        return Passed.FAILED;
      }
      int more = scanner.tokens() - tokens;
      if (more > 0 && charge != null && !charge.passes(more)) {
        frame.release();
        unpaid = more;
        return Passed.CUT;
      }
      relayFrame(frame);
    }
    return Passed.WHOLE;
  }

  private boolean outlived(StreamScan scanner) {
    Continuity.Facts facts = scanner.factsButForFailure();
    if (!good || !Continuity.outlives(facts, failedAtCharacters)) {
      return false;
    }
    failedAtCharacters = facts.characters();
    scanner.forgetFailure();
    return true;
  }

  /// Passes a frame on that has been read, unless it is not the client's; owns it. True when it
  /// was.
  private boolean relayFrame(ByteBuf frame) {
    int before = usage.objects();
    usage.feed(frame);
    boolean passed = frame.isReadable();
    if (usage.objects() > before && usageChunk(frame)) {
      passed = scan.includeUsage() && !usageSent;
      usageSent = true;
    }
    if (passed) {
      write(frame);
    } else {
      frame.release();
    }
    return passed;
  }

  private static boolean usageChunk(ByteBuf frame) {
    return indexOf(frame, NO_CHOICES) >= 0 || indexOf(frame, NO_CHOICES_SPACED) >= 0;
  }

  private static int indexOf(ByteBuf frame, byte[] needle) {
    return ByteBufUtil.indexOf(Unpooled.wrappedBuffer(needle), frame);
  }

  /// The site has said its last byte. False when that was in the middle of a frame.
  boolean restIsWhole() {
    return frames == null
        || seen == null
        || !frames.rest().isReadable()
        || seen.readLast(frames.rest());
  }

  /// Whether a stream lacks its end, as far as that can be known.
  boolean lacksItsEnd() {
    return good
        && seen != null
        && !seen.done()
        && !seen.facts().finished()
        && seen.facts().understood();
  }

  /// Passes on what a site that is lost left behind: whole, but without the empty line that ends a
  /// frame.
  void relayRest() {
    if (rest()) {
      write(Unpooled.copiedBuffer(FRAME_END));
    }
  }

  /// Ends the answer as the site did.
  void end() {
    // What a server left without the empty line that ends a frame is the client's all the same.
    boolean _ = rest();
    out(LastHttpContent.EMPTY_LAST_CONTENT);
  }

  private boolean rest() {
    return frames != null && relayFrame(frames.rest().retainedSlice());
  }

  /// Ends a stream as its site would have: its end has been said, only its books are missing.
  void endForSite() {
    StreamScan scanned = seen;
    if (scanned != null && !scanned.done()) {
      sayDone(scanned);
    }
    out(LastHttpContent.EMPTY_LAST_CONTENT);
    flush();
  }

  /// Ends a stream whose budget is used up, as one that has reached its length, and says why in a
  /// comment.
  void cut() {
    StreamScan scanned = seen;
    if (scanned != null) {
      write(Unpooled.copiedBuffer(": cut budget\n\n", StandardCharsets.US_ASCII));
      write(Unpooled.wrappedBuffer(scanned.lengthFrame(path)));
      if (!"/v1/responses".equals(path)) { // whose last event that was
        sayDone(scanned);
      }
    }
    out(LastHttpContent.EMPTY_LAST_CONTENT);
    flush();
  }

  private void sayDone(StreamScan scanned) {
    if (scan.includeUsage() && !usageSent) {
      usageSent = true;
      write(Unpooled.wrappedBuffer(scanned.usageFrame(path, scan.promptTokens(), tokens())));
    }
    write(Unpooled.copiedBuffer(DONE));
  }

  /// The answer ends here, in its middle, and the client is told so where it can be.
  void breakOff() {
    if (streamed() && context.channel().isActive()) {
      byte[] error =
          ApiError.server(502, "The site went away in the middle of its answer.").sseFrame();
      context
          .writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(error)))
          .addListener(ChannelFutureListener.CLOSE);
    } else {
      context.close();
    }
  }

  /// Sends what was written.
  void flush() {
    if (unflushed) {
      unflushed = false;
      context.flush();
    }
  }

  private void write(ByteBuf bytes) {
    if (charge != null) {
      charge.passed(bytes);
    }
    out(new DefaultHttpContent(bytes));
  }
}
