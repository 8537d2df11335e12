package org.aigrid.live.site;

import org.aigrid.live.engine.FinishReason;
import org.aigrid.live.engine.Usage;
import org.aigrid.live.wire.ApiError;

/// Turns one generation into an answer of the OpenAI API. One object per request, one thread at a
/// time.
interface Rendering {
  /// Whole SSE frames that begin a stream; empty when not streamed, or when they have been sent
  /// from elsewhere.
  String begin(int promptTokens);

  /// Whole SSE frames for a piece of text; empty when not streamed.
  String text(String piece);

  /// What ends the answer: the last frames of a stream, or the whole JSON object.
  String end(FinishReason reason, Usage usage);

  /// The frames that tell of an error in the middle of a stream.
  default String broken(ApiError error) {
    return new String(error.sseFrame(), java.nio.charset.StandardCharsets.UTF_8);
  }
}
