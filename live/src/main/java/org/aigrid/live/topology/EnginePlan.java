package org.aigrid.live.topology;

import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// What answers at an endpoint of a topology.
public sealed interface EnginePlan {
  /// Timing from the engine model, invented text that says so.
  record Emulated() implements EnginePlan {}

  /// llama.cpp in this process with the weights of a GGUF file.
  record Gguf(Path file) implements EnginePlan {}

  /// A server that speaks the OpenAI API.
  ///
  /// @param url its base, with or without `/v1`
  /// @param keyVariable environment variable that holds its key, or null when it wants none
  record Server(URI url, @Nullable String keyVariable) implements EnginePlan {}
}
