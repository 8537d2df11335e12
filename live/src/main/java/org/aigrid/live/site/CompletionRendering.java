package org.aigrid.live.site;

import org.aigrid.live.engine.FinishReason;
import org.aigrid.live.engine.Usage;

/// `/v1/completions`, streamed or whole.
final class CompletionRendering implements Rendering {
  private final boolean stream;
  private final String head;
  private final StringBuilder text = new StringBuilder();

  CompletionRendering(String answerId, String model, long createdSeconds, boolean stream) {
    this.stream = stream;
    head =
        "{\"id\":"
            + Json.quote(answerId)
            + ",\"object\":\"text_completion\",\"created\":"
            + createdSeconds
            + ",\"model\":"
            + Json.quote(model)
            + ",\"choices\":[";
  }

  @Override
  public String begin(int promptTokens) {
    return "";
  }

  @Override
  public String text(String piece) {
    if (!stream) {
      text.append(piece);
      return "";
    }
    return "data: " + head + choice(piece, "null") + "]}\n\n";
  }

  private static String choice(String piece, String finish) {
    return "{\"index\":0,\"text\":"
        + Json.quote(piece)
        + ",\"logprobs\":null,\"finish_reason\":"
        + finish
        + "}";
  }

  @Override
  public String end(FinishReason reason, Usage usage) {
    String finish =
        switch (reason) {
          case STOP -> "\"stop\"";
          case LENGTH -> "\"length\"";
        };
    if (stream) {
      return "data: "
          + head
          + choice("", finish)
          + "]}\n\n"
          + "data: "
          + head
          + "],\"usage\":"
          + Usages.chat(usage)
          + "}\n\n"
          + "data: [DONE]\n\n";
    }
    return head + choice(text.toString(), finish) + "],\"usage\":" + Usages.chat(usage) + "}";
  }
}
