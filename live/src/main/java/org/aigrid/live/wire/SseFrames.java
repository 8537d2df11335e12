package org.aigrid.live.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.ByteProcessor;
import org.jspecify.annotations.Nullable;

/// Cuts a byte stream into SSE frames (WHATWG HTML, section 9.2): a frame ends with an empty line.
/// Line ends are LF or CRLF; a lone CR, which no server of the OpenAI API sends, does not end a
/// line.
///
/// Each byte is looked at once; frames that lie in one read are slices of it without a copy, and a
/// frame that comes in many reads is copied a few times at most, however small they are. Holds at
/// most `frameBytesMax` bytes of an unfinished frame, else `add` throws `FrameTooLong`. Owns what
/// it was given until it is taken or closed. One thread.
public final class SseFrames implements AutoCloseable {
  /// A frame grew beyond the bound.
  public static final class FrameTooLong extends RuntimeException {
    private static final long serialVersionUID = 1;

    FrameTooLong(int bytesMax) {
      super("an SSE frame exceeds " + bytesMax + " bytes", null, false, false);
    }
  }

  private final ByteBufAllocator allocator;
  private final int frameBytesMax;
  private final ByteProcessor scanner = this::goesOn;
  private ByteBuf bytes = Unpooled.EMPTY_BUFFER;
  private boolean own; // whether `bytes` was made here, with room behind it
  private int scanned; // bytes behind the reader index that were looked at
  private int lineEnds; // line ends in a row

  public SseFrames(ByteBufAllocator allocator, int frameBytesMax) {
    this.allocator = allocator;
    this.frameBytesMax = frameBytesMax;
  }

  /// Appends what was read; takes ownership of it.
  public void add(ByteBuf read) {
    if (!bytes.isReadable()) {
      bytes.release();
      bytes = read;
      own = false;
      scanned = 0;
      return;
    }
    if (bytes.readableBytes() + read.readableBytes() > frameBytesMax) {
      read.release();
      throw new FrameTooLong(frameBytesMax);
    }
    if (!own || bytes.writableBytes() < read.readableBytes()) {
      ByteBuf joined = allocator.buffer(2 * (bytes.readableBytes() + read.readableBytes()));
      joined.writeBytes(bytes);
      bytes.release();
      bytes = joined;
      own = true;
    }
    bytes.writeBytes(read);
    read.release();
  }

  /// The next whole frame with its empty line, to be released by the caller; null when none is
  /// there.
  public @Nullable ByteBuf next() {
    int from = bytes.readerIndex() + scanned;
    int length = bytes.writerIndex() - from;
    int end = length <= 0 ? -1 : bytes.forEachByte(from, length, scanner);
    if (end < 0) {
      scanned += Math.max(0, length);
      return null;
    }
    scanned = 0;
    lineEnds = 0;
    return bytes.readRetainedSlice(end + 1 - bytes.readerIndex());
  }

  /// Bytes of a frame that has not ended.
  public ByteBuf rest() {
    return bytes;
  }

  /// False at the byte that ends a frame.
  private boolean goesOn(byte b) {
    if (b == '\n') {
      return ++lineEnds < 2;
    }
    if (b != '\r') {
      lineEnds = 0;
    }
    return true;
  }

  @Override
  public void close() {
    bytes.release();
    bytes = Unpooled.EMPTY_BUFFER;
  }
}
