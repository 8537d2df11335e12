package org.aigrid.bench.mock;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/// The mock's answers as bytes, made once: a chat completion of about 400 bytes, and the pieces of
/// a stream, each SSE frame an HTTP chunk of its own. Shared by all connections; hand out
/// duplicates, never the originals.
final class CannedAnswers {
  private static final String ID =
      "\"id\":\"chatcmpl-bench\",\"created\":1767225600,\"model\":\"bench\"";

  private static final ByteBuf CHAT =
      fixed(
          """
          {%s,"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",\
          "content":"The answer of the mock site, the same for every arm of the benchmark.",\
          "refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":32,\
          "completion_tokens":16,"total_tokens":48}}"""
              .formatted(ID));

  private static final ByteBuf STREAM_HEAD =
      bytes(
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
              + "transfer-encoding: chunked\r\n\r\n");
  private static final ByteBuf ROLE =
      frame(
          "{"
              + ID
              + ",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":"
              + "{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}");
  private static final ByteBuf TEXT =
      frame(
          "{"
              + ID
              + ",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":"
              + "{\"content\":\" word\"},\"finish_reason\":null}]}");
  private static final ByteBuf FINISH =
      frame(
          "{"
              + ID
              + ",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"
              + "\"finish_reason\":\"stop\"}]}");
  private static final ByteBuf END =
      Unpooled.unreleasableBuffer(
          Unpooled.directBuffer()
              .writeBytes(
                  frame(
                          "{"
                              + ID
                              + ",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":"
                              + "{\"prompt_tokens\":32,\"completion_tokens\":16,"
                              + "\"total_tokens\":48}}")
                      .duplicate())
              .writeBytes(frame("[DONE]").duplicate())
              .writeBytes(bytes("0\r\n\r\n").duplicate()));

  private CannedAnswers() {}

  static ByteBuf chat() {
    return CHAT.duplicate();
  }

  static ByteBuf streamHead() {
    return STREAM_HEAD.duplicate();
  }

  /// Frame `index` of a stream of `frames`: the role first, the finish reason last.
  static ByteBuf frame(int index, int frames) {
    return (index == 0 ? ROLE : index == frames - 1 ? FINISH : TEXT).duplicate();
  }

  /// The usage frame, `[DONE]` and the last HTTP chunk.
  static ByteBuf streamEnd() {
    return END.duplicate();
  }

  private static ByteBuf fixed(String json) {
    return bytes(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
            + json.length()
            + "\r\n\r\n"
            + json);
  }

  private static ByteBuf frame(String data) {
    String event = "data: " + data + "\n\n";
    return bytes(Integer.toHexString(event.length()) + "\r\n" + event + "\r\n");
  }

  private static ByteBuf bytes(String text) {
    byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
    return Unpooled.unreleasableBuffer(Unpooled.directBuffer(ascii.length).writeBytes(ascii));
  }
}
