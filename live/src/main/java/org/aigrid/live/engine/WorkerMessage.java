package org.aigrid.live.engine;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.aigrid.core.view.EndpointLoad;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// What an engine's process and its owner say to each other, a line of JSON each. Immutable.
/// Generations have numbers that their owner gives. Never logged: it holds prompts and answers.
@JsonTypeInfo(use = JsonTypeInfo.Id.SIMPLE_NAME, property = "is")
sealed interface WorkerMessage {
  JsonMapper JSON = JsonMapper.shared();

  /// Owner: start a generation.
  record Submit(long number, GenerationRequest request) implements WorkerMessage {}

  /// Owner: end it.
  record Cancel(long number) implements WorkerMessage {}

  /// Worker: the model is loaded.
  record Ready() implements WorkerMessage {}

  /// Worker: it cannot be loaded; the process ends.
  record NotLoaded(String message) implements WorkerMessage {}

  /// Worker: `TokenSink.onStart`.
  record Started(long number, int promptTokens, int cachedTokens) implements WorkerMessage {}

  /// Worker: `TokenSink.onText`.
  record Text(long number, String piece, int tokens, int @Nullable [] ids)
      implements WorkerMessage {}

  /// Worker: `TokenSink.onEnd`.
  record Ended(long number, FinishReason reason, Usage usage) implements WorkerMessage {}

  /// Worker: `TokenSink.onError`.
  record Failed(long number, EngineFailure failure) implements WorkerMessage {}

  /// Worker: what was cancelled has left the device.
  record Gone(long number) implements WorkerMessage {}

  /// Worker: how busy it is.
  record Load(EndpointLoad load) implements WorkerMessage {}

  /// As a line, its end included.
  default String line() {
    return JSON.writerFor(WorkerMessage.class).writeValueAsString(this) + "\n";
  }

  /// What `line` wrote.
  ///
  /// @throws tools.jackson.core.JacksonException when it is something else
  static WorkerMessage parse(String line) {
    return JSON.readValue(line, WorkerMessage.class);
  }
}
