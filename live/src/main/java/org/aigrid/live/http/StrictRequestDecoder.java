package org.aigrid.live.http;

import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;

/// Netty's HTTP/1.1 decoder at its strictest: lines end in CRLF, header names and values are
/// checked, Content-Length stands once, and a message with both Content-Length and
/// Transfer-Encoding, the classic smuggling shape, is refused rather than interpreted (RFC 9112,
/// section 6.1).
final class StrictRequestDecoder extends HttpRequestDecoder {
  StrictRequestDecoder(HttpSettings settings) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(settings.requestLineBytesMax())
            .setMaxHeaderSize(settings.headBytesMax())
            .setMaxChunkSize(64 << 10)
            .setAllowDuplicateContentLengths(false)
            .setValidateHeaders(true)
            .setStrictLineParsing(true)
            .setUseRfc9112TransferEncoding(true));
  }

  @Override
  protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
    throw new IllegalArgumentException("both Content-Length and Transfer-Encoding are set");
  }
}
