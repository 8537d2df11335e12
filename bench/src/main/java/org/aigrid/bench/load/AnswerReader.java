package org.aigrid.bench.load;

import io.netty.buffer.ByteBuf;
import io.netty.util.ByteProcessor;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// Reads HTTP/1.1 answers from the bytes of one connection, piece by piece: status, body length or
/// chunks, SSE frames (counted at their blank line) and whether `[DONE]` ended them. Keeps no body.
/// Mutable, one thread.
final class AnswerReader {
  /// Longest head that is read; a longer one counts as broken.
  private static final int HEAD_BYTES_MAX = 16_384;

  private enum State {
    HEAD,
    FIXED_BODY,
    CHUNK_SIZE,
    CHUNK_DATA,
    CHUNK_END,
    TRAILER,
    COMPLETE,
    BROKEN
  }

  private State state = State.HEAD;
  private final StringBuilder line = new StringBuilder();
  private int headBytes;
  private int status;
  private boolean chunked;
  private long left;
  private int frames;
  private boolean done;
  private byte previous;
  private int doneAt;

  /// Makes ready for the next answer on the connection.
  void reset() {
    state = State.HEAD;
    line.setLength(0);
    headBytes = 0;
    status = 0;
    chunked = false;
    left = 0;
    frames = 0;
    done = false;
    previous = 0;
    doneAt = 0;
  }

  boolean complete() {
    return state == State.COMPLETE;
  }

  boolean broken() {
    return state == State.BROKEN;
  }

  int status() {
    return status;
  }

  /// SSE frames so far, usage and `[DONE]` included.
  int frames() {
    return frames;
  }

  /// Whether `[DONE]` was seen.
  boolean done() {
    return done;
  }

  /// Takes all readable bytes, or stops behind the answer's last one.
  void read(ByteBuf in) {
    while (in.isReadable() && state != State.COMPLETE && state != State.BROKEN) {
      switch (state) {
        case HEAD, CHUNK_SIZE, CHUNK_END, TRAILER -> readLine(in);
        case FIXED_BODY, CHUNK_DATA -> readBody(in);
        case COMPLETE, BROKEN -> {}
      }
    }
  }

  private void readLine(ByteBuf in) {
    int end = in.forEachByte(ByteProcessor.FIND_LF);
    int length = (end < 0 ? in.writerIndex() : end) - in.readerIndex();
    line.append(in.readCharSequence(length, StandardCharsets.ISO_8859_1));
    headBytes += length;
    if (headBytes > HEAD_BYTES_MAX) {
      state = State.BROKEN;
      return;
    }
    if (end < 0) {
      return;
    }
    in.skipBytes(1);
    String text = line.toString().strip();
    line.setLength(0);
    try {
      endOfLine(text);
    } catch (NumberFormatException e) {
      state = State.BROKEN;
    }
  }

  private void endOfLine(String text) {
    switch (state) {
      case HEAD -> headLine(text);
      case CHUNK_SIZE -> {
        headBytes = 0;
        left = Long.parseLong(text.split(";", 2)[0], 16);
        state = left == 0 ? State.TRAILER : State.CHUNK_DATA;
      }
      case CHUNK_END -> state = text.isEmpty() ? State.CHUNK_SIZE : State.BROKEN;
      case TRAILER -> state = text.isEmpty() ? State.COMPLETE : State.TRAILER;
      case FIXED_BODY, CHUNK_DATA, COMPLETE, BROKEN -> state = State.BROKEN;
    }
  }

  private void headLine(String text) {
    if (status == 0) {
      String[] words = text.split(" ", 3);
      status = words.length > 1 && words[0].startsWith("HTTP/1.") ? Integer.parseInt(words[1]) : -1;
      state = status < 100 ? State.BROKEN : State.HEAD;
      return;
    }
    if (text.isEmpty()) {
      if (status < 200) {
        status = 0;
      } else {
        state = chunked ? State.CHUNK_SIZE : left > 0 ? State.FIXED_BODY : State.COMPLETE;
      }
      return;
    }
    String lower = text.toLowerCase(Locale.ROOT);
    if (lower.startsWith("content-length:")) {
      left = Long.parseLong(lower.substring(15).strip());
    } else if (lower.startsWith("transfer-encoding:")) {
      chunked = lower.endsWith("chunked");
    }
  }

  private void readBody(ByteBuf in) {
    int take = (int) Math.min(left, in.readableBytes());
    if (chunked) {
      countFrames(in, take);
    }
    in.skipBytes(take);
    left -= take;
    if (left == 0) {
      state = chunked ? State.CHUNK_END : State.COMPLETE;
    }
  }

  private void countFrames(ByteBuf in, int take) {
    int from = in.readerIndex();
    for (int i = from; i < from + take; i++) {
      byte b = in.getByte(i);
      if (b == '\n' && previous == '\n') {
        frames++;
        previous = 0;
      } else {
        previous = b;
      }
      doneAt = b == DONE[doneAt] ? doneAt + 1 : b == DONE[0] ? 1 : 0;
      if (doneAt == DONE.length) {
        done = true;
        doneAt = 0;
      }
    }
  }

  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);
}
