package org.aigrid.live.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.List;
import org.aigrid.live.wire.ApiError;

/// Netty's HTTP/1.1 decoder behind a `HeadCheck`: it gets a head only once all of it is here and
/// nothing in it is to be refused. Netty alone, at its strictest, still unfolds folded headers,
/// skips odd white space and takes a target apart kindly. A refusal goes on as a `RefusedRequest`,
/// after which every further byte of the connection is thrown away.
final class StrictRequestDecoder extends HttpRequestDecoder {
  private final HeadCheck check;
  private int checked; // bytes behind the reader index that the check has seen
  private boolean inHead = true;
  private boolean refused;
  private long headBeganNanos;

  StrictRequestDecoder(HttpSettings settings) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(settings.headBytesMax())
            .setMaxHeaderSize(settings.headBytesMax())
            .setMaxChunkSize(64 << 10)
            .setAllowDuplicateContentLengths(false)
            .setValidateHeaders(true)
            .setStrictLineParsing(true)
            .setUseRfc9112TransferEncoding(true));
    check = new HeadCheck(settings);
  }

  /// When the first byte of a head that is not complete arrived (`System.nanoTime`), or 0.
  long headBeganNanos() {
    return headBeganNanos;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf bytes, List<Object> out)
      throws Exception {
    if (refused) {
      bytes.skipBytes(bytes.readableBytes());
      return;
    }
    if (!inHead) {
      decodeChecked(context, bytes, out);
      return;
    }
    if (!check.begun() && !begin(bytes)) {
      return;
    }
    int from = bytes.readerIndex() + checked;
    int length = bytes.writerIndex() - from;
    if (length > 0) {
      bytes.forEachByte(from, length, check);
      checked += length;
    }
    ApiError refusal = check.refusal();
    if (refusal != null) {
      refused = true;
      headBeganNanos = 0;
      bytes.skipBytes(bytes.readableBytes());
      out.add(new RefusedRequest(refusal));
    } else if (check.complete()) {
      headBeganNanos = 0;
      checked = 0;
      check.reset();
      inHead = false;
      decodeChecked(context, bytes, out);
    }
  }

  /// Steps over one empty line, which may precede a request line (RFC 9112, section 2.2). False
  /// when no head has begun.
  private boolean begin(ByteBuf bytes) {
    int at = bytes.readerIndex();
    if (bytes.getByte(at) == '\r') {
      if (bytes.readableBytes() < 2) {
        return false;
      }
      if (bytes.getByte(at + 1) == '\n') {
        bytes.skipBytes(2);
      }
    }
    if (!bytes.isReadable()) {
      return false;
    }
    headBeganNanos = System.nanoTime() | 1;
    return true;
  }

  private void decodeChecked(ChannelHandlerContext context, ByteBuf bytes, List<Object> out)
      throws Exception {
    super.decode(context, bytes, out);
    if (!out.isEmpty() && out.getLast() instanceof LastHttpContent) {
      inHead = true;
    }
  }

  @Override
  protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
    throw new IllegalArgumentException("both Content-Length and Transfer-Encoding are set");
  }
}
