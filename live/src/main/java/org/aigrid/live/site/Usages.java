package org.aigrid.live.site;

import org.aigrid.live.engine.Usage;

/// Token counts as the two faces of the API write them.
final class Usages {
  private Usages() {}

  static String chat(Usage usage) {
    return "{\"prompt_tokens\":"
        + usage.promptTokens()
        + ",\"completion_tokens\":"
        + usage.outputTokens()
        + ",\"total_tokens\":"
        + usage.totalTokens()
        + ",\"prompt_tokens_details\":{\"cached_tokens\":"
        + usage.cachedTokens()
        + "}}";
  }

  static String responses(Usage usage) {
    return "{\"input_tokens\":"
        + usage.promptTokens()
        + ",\"input_tokens_details\":{\"cached_tokens\":"
        + usage.cachedTokens()
        + "},\"output_tokens\":"
        + usage.outputTokens()
        + ",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":"
        + usage.totalTokens()
        + "}";
  }
}
