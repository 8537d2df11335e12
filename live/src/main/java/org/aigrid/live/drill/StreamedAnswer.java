package org.aigrid.live.drill;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A streamed chat as its client saw it, with everything that a moved stream could get wrong. Not
/// thread-safe; immutable once read.
public final class StreamedAnswer {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final StringBuilder text = new StringBuilder();
  private final Set<String> identities = new LinkedHashSet<>();
  private final List<String> finishes = new ArrayList<>();
  private int roles;
  private int usages;
  private int promptTokens = -1;
  private int completionTokens = -1;
  private int toolCalls;
  private boolean done;
  private @Nullable String error;
  private long moveGapNanosMost;
  private int moves;
  private final String site;

  private StreamedAnswer(String site) {
    this.site = site;
  }

  /// Reads a stream to its end, however it ends.
  ///
  /// @param site that answered, by the head of the answer
  public static StreamedAnswer read(BufferedReader lines, String site) {
    var answer = new StreamedAnswer(site);
    long last = 0;
    boolean moved = false;
    try {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(": moved")) {
          moved = true;
          answer.moves++;
        }
        if (!line.startsWith("data:")) {
          continue;
        }
        long now = System.nanoTime();
        if (moved) {
          answer.moveGapNanosMost = Math.max(answer.moveGapNanosMost, now - last);
          moved = false;
        }
        last = now;
        answer.data(line.substring("data:".length()).strip());
      }
    } catch (IOException e) {
      answer.error = answer.error == null ? "broken off: " + e.getMessage() : answer.error;
    }
    return answer;
  }

  private void data(String data) {
    if (data.equals("[DONE]")) {
      done = true;
      return;
    }
    JsonNode chunk;
    try {
      chunk = JSON.readTree(data);
    } catch (JacksonException e) {
      error = "a frame is no JSON";
      return;
    }
    if (chunk.has("error")) {
      error = chunk.path("error").path("message").asString("error");
      return;
    }
    identities.add(
        chunk.path("id").asString("")
            + " "
            + chunk.path("created").asLong(0)
            + " "
            + chunk.path("model").asString(""));
    for (JsonNode choice : chunk.path("choices")) {
      JsonNode delta = choice.path("delta");
      roles += delta.has("role") ? 1 : 0;
      text.append(delta.path("content").asString(""));
      for (JsonNode call : delta.path("tool_calls")) {
        toolCalls += call.has("id") ? 1 : 0;
        text.append(call.path("function").path("arguments").asString(""));
      }
      if (choice.path("finish_reason").isString()) {
        finishes.add(choice.path("finish_reason").stringValue());
      }
    }
    if (chunk.path("usage").isObject()) {
      usages++;
      promptTokens = chunk.path("usage").path("prompt_tokens").asInt(-1);
      completionTokens = chunk.path("usage").path("completion_tokens").asInt(-1);
    }
  }

  /// The text, or the arguments of the tool call.
  public String text() {
    return text.toString();
  }

  /// What is wrong with it as one answer; null when nothing is.
  ///
  /// @param usageWanted whether the client asked for a usage chunk
  public @Nullable String fault(boolean usageWanted) {
    if (error != null) {
      return error;
    }
    if (!done) {
      return "no [DONE]";
    }
    if (identities.size() != 1) {
      return "identities " + identities;
    }
    if (toolCalls > 1 || roles > 1) {
      return roles + " roles, " + toolCalls + " tool calls begun";
    }
    if (finishes.size() != 1) {
      return "finish reasons " + finishes;
    }
    return usages == (usageWanted ? 1 : 0) ? null : usages + " usage chunks";
  }

  /// Prompt tokens of its usage chunk, or -1.
  public int promptTokens() {
    return promptTokens;
  }

  /// Completion tokens of its usage chunk, or -1.
  public int completionTokens() {
    return completionTokens;
  }

  /// The site that answered first.
  public String site() {
    return site;
  }

  /// How often it went on elsewhere, by the gateway's comment lines.
  public int moves() {
    return moves;
  }

  /// Longest pause at a move, from the last frame of the one site to the first of the next.
  public double moveGapMsMost() {
    return moveGapNanosMost / 1e6;
  }
}
