package org.aigrid.live.site;

import org.aigrid.live.engine.FinishReason;
import org.aigrid.live.engine.Usage;
import org.jspecify.annotations.Nullable;

/// `/v1/chat/completions`, streamed or whole: the role once, `finish_reason` once, one usage chunk,
/// then `[DONE]`; a tool call's id and name once, in its first frame. What another site has sent of
/// the answer is not repeated.
final class ChatRendering implements Rendering {
  private final boolean stream;
  private final boolean opened;
  private final @Nullable String tool;
  private final String toolCallId;
  private final String chunkHead;
  private final String objectHead;
  private final StringBuilder text = new StringBuilder();

  ChatRendering(
      String answerId,
      String model,
      long createdSeconds,
      boolean stream,
      @Nullable String tool,
      boolean opened) {
    this.stream = stream;
    this.tool = tool;
    this.opened = opened;
    toolCallId = Json.quote("call_" + answerId);
    String identity =
        ",\"created\":" + createdSeconds + ",\"model\":" + Json.quote(model) + ",\"choices\":[";
    String id = "{\"id\":" + Json.quote(answerId);
    chunkHead = "data: " + id + ",\"object\":\"chat.completion.chunk\"" + identity;
    objectHead = id + ",\"object\":\"chat.completion\"" + identity;
  }

  @Override
  public String begin(int promptTokens) {
    if (!stream || opened) {
      return "";
    }
    String delta =
        tool == null
            ? "{\"role\":\"assistant\",\"content\":\"\"}"
            : "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":"
                + toolCallId
                + ",\"type\":\"function\",\"function\":{\"name\":"
                + Json.quote(tool)
                + ",\"arguments\":\"\"}}]}";
    return chunk(delta, "null");
  }

  @Override
  public String text(String piece) {
    if (!stream) {
      text.append(piece);
      return "";
    }
    return chunk(
        tool == null
            ? "{\"content\":" + Json.quote(piece) + "}"
            : "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
                + Json.quote(piece)
                + "}}]}",
        "null");
  }

  private String chunk(String delta, String finish) {
    return chunkHead
        + "{\"index\":0,\"delta\":"
        + delta
        + ",\"logprobs\":null,\"finish_reason\":"
        + finish
        + "}]}\n\n";
  }

  @Override
  public String end(FinishReason reason, Usage usage) {
    String finish =
        switch (reason) {
          case STOP -> tool == null ? "\"stop\"" : "\"tool_calls\"";
          case LENGTH -> "\"length\"";
        };
    if (stream) {
      return chunk("{}", finish)
          + chunkHead
          + "],\"usage\":"
          + Usages.chat(usage)
          + "}\n\n"
          + "data: [DONE]\n\n";
    }
    String message =
        tool == null
            ? "{\"role\":\"assistant\",\"content\":"
                + Json.quote(text.toString())
                + ",\"refusal\":null}"
            : "{\"role\":\"assistant\",\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":"
                + toolCallId
                + ",\"type\":\"function\",\"function\":{\"name\":"
                + Json.quote(tool)
                + ",\"arguments\":"
                + Json.quote(text.toString())
                + "}}]}";
    return objectHead
        + "{\"index\":0,\"message\":"
        + message
        + ",\"logprobs\":null,\"finish_reason\":"
        + finish
        + "}],\"usage\":"
        + Usages.chat(usage)
        + "}";
  }
}
