package org.aigrid.live.engine;

import com.fasterxml.jackson.annotation.JsonTypeInfo;

/// Why an engine did not answer. Immutable; messages say nothing of the prompt.
@JsonTypeInfo(use = JsonTypeInfo.Id.SIMPLE_NAME, property = "is")
public sealed interface EngineFailure {
  String message();

  /// Its queue is full; another site may have room.
  ///
  /// @param retryAfterSeconds when it may have room again
  record Saturated(String message, int retryAfterSeconds) implements EngineFailure {}

  /// It is shutting down or gone; another site may answer.
  record Closed(String message) implements EngineFailure {}

  /// The request does not fit this model, here or elsewhere: prompt and answer exceed its context.
  record TooLong(String message) implements EngineFailure {}

  /// The request asks for something that cannot be.
  ///
  /// @param param the field at fault
  record Invalid(String message, String param) implements EngineFailure {}

  /// The engine failed while it computed.
  record Broken(String message) implements EngineFailure {}
}
