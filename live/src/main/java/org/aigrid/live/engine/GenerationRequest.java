package org.aigrid.live.engine;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What to generate. Immutable; never logged.
///
/// @param id the request's id, for logs
/// @param tenant pseudonym of who asks: caches are never shared across it
/// @param prompt what the model reads
/// @param maxTokens output tokens at most; 0 leaves it to the engine
/// @param sampling how tokens are chosen
/// @param stop text at which generation ends; the text itself is not given out
/// @param ignoreEos go on to `maxTokens` whatever the model says
/// @param begun what was generated elsewhere already, to be gone on from; null for a new generation
/// @param invented the text that an emulated engine gives, such as a tool call's arguments; null
///   leaves it to the engine
public record GenerationRequest(
    String id,
    String tenant,
    Prompt prompt,
    int maxTokens,
    Sampling sampling,
    List<String> stop,
    boolean ignoreEos,
    @Nullable Begun begun,
    @Nullable String invented) {
  public GenerationRequest {
    if (maxTokens < 0) {
      throw new IllegalArgumentException("maxTokens: " + maxTokens + " (expected: 0 or more)");
    }
    stop = List.copyOf(stop);
  }

  /// What the model reads.
  @JsonTypeInfo(use = JsonTypeInfo.Id.SIMPLE_NAME, property = "is")
  public sealed interface Prompt {
    /// A conversation; the engine applies the model's template.
    record Chat(List<Message> messages) implements Prompt {
      public Chat {
        messages = List.copyOf(messages);
        if (messages.isEmpty()) {
          throw new IllegalArgumentException("messages: none (expected: one or more)");
        }
      }
    }

    /// Text as it is.
    record Text(String text) implements Prompt {}
  }

  /// What was generated elsewhere. The engine computes it with the prompt, generates from there,
  /// and counts it as output: bounds, usage and stop sequences are those of one generation.
  ///
  /// @param text as the client has had it
  /// @param tokens how many tokens that was
  /// @param ids which, where the text came from an engine of the same kind; else null
  public record Begun(String text, int tokens, int @Nullable [] ids) {
    public Begun {
      if (tokens < 0 || (ids != null && ids.length != tokens)) {
        throw new IllegalArgumentException(
            "begun: "
                + tokens
                + " tokens, "
                + (ids == null ? "no" : ids.length)
                + " ids (expected: 0 or more, an id for each or none)");
      }
    }
  }

  /// One message of a conversation.
  public record Message(String role, String content) {}

  /// How tokens are chosen. Null leaves a number to the model's default.
  ///
  /// @param temperature 0 is greedy
  /// @param topP nucleus
  /// @param seed of the sampler
  /// @param frequencyPenalty as the OpenAI API has it
  /// @param presencePenalty as the OpenAI API has it
  public record Sampling(
      @Nullable Double temperature,
      @Nullable Double topP,
      @Nullable Long seed,
      @Nullable Double frequencyPenalty,
      @Nullable Double presencePenalty) {
    /// The model's defaults.
    public static final Sampling DEFAULT = new Sampling(null, null, null, null, null);
  }
}
