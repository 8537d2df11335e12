package org.aigrid.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerReaderTest {
  private static final String STREAM =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "b\r\ndata: {}\n\nd\r\n"
          + "c\r\nata: [DONE]\n\r\n"
          + "1\r\n\n\r\n0\r\n\r\n";

  private final AnswerReader reader = new AnswerReader();

  @ParameterizedTest(name = "in pieces of {0} bytes")
  @ValueSource(ints = {1, 2, 3, 7, 1_000})
  void countsFramesHoweverTheBytesAreCut(int piece) {
    ByteBuf all = bytes(STREAM);
    while (all.isReadable()) {
      reader.read(all.readSlice(Math.min(piece, all.readableBytes())));
    }
    assertThat(reader.complete()).isTrue();
    assertThat(reader.status()).isEqualTo(200);
    assertThat(reader.frames()).isEqualTo(2);
    assertThat(reader.done()).isTrue();
  }

  @Test
  void stopsBehindTheLastByteOfAnAnswer() {
    ByteBuf two = bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 503 No\r\n");
    reader.read(two);
    assertThat(reader.complete()).isTrue();
    assertThat(two.toString(StandardCharsets.US_ASCII)).startsWith("HTTP/1.1 503");
  }

  @Test
  void waitsForBytesThatAreMissing() {
    reader.read(bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"));
    assertThat(reader.complete()).isFalse();
    assertThat(reader.broken()).isFalse();
  }

  @Test
  void skipsInterimAnswers() {
    reader.read(bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"));
    assertThat(reader.complete()).isTrue();
    assertThat(reader.status()).isEqualTo(204);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 abc\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"
      })
  void callsNonsenseBroken(String nonsense) {
    reader.read(bytes(nonsense));
    assertThat(reader.broken()).isTrue();
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }
}
