package org.aigrid.core.admit;

import org.jspecify.annotations.Nullable;

/// What a credential opens. Each scope has an effect in a gateway; there is none that is stored and
/// asked by nobody. Immutable, free of cost.
public enum Scope {
  /// Asks models: completions, embeddings, responses.
  INFERENCE("inference"),
  /// Reads what its own tenant has used: `GET /v1/usage`.
  USAGE("usage");

  private final String word;

  Scope(String word) {
    this.word = word;
  }

  /// As people write it.
  public String word() {
    return word;
  }

  /// The scope of a word, or null for one that means nothing.
  public static @Nullable Scope of(String word) {
    for (Scope scope : values()) {
      if (scope.word.equals(word)) {
        return scope;
      }
    }
    return null;
  }
}
