package org.aigrid.core.model;

/// What answers at an endpoint.
public enum EngineKind {
  /// llama.cpp inside the site agent.
  LLAMA,
  /// Any OpenAI-compatible server, by URL.
  OPENAI,
  /// Real timing, invented text; says so in its answer.
  EMULATED
}
