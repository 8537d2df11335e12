package org.aigrid.live.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a client has had of a stream that lost its site: what the next site needs to go on as if
/// nothing had happened. Goes from gateway to site agent as JSON behind the client's body
/// (`GridHeaders.REPLAY_BYTES`). Never logged: it holds generated text.
///
/// @param id of the answer, as its first chunk said; null when no chunk said one
/// @param createdSeconds of the answer; 0 when no chunk said it
/// @param model as the answer names it; null when no chunk said
/// @param sequence next `sequence_number` of a responses stream
/// @param opened whether frames that open an answer (role, items) have been passed on
/// @param toolCall whether `text` is the arguments of a tool call
/// @param text generated so far, as passed on
/// @param tokens how many tokens that was
/// @param engine kind of the engine that the ids are of; null when they are not known
/// @param ids of the tokens; null when they are not known
public record Replay(
    @Nullable String id,
    long createdSeconds,
    @Nullable String model,
    int sequence,
    boolean opened,
    boolean toolCall,
    String text,
    int tokens,
    @Nullable String engine,
    int @Nullable [] ids) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /// As JSON in UTF-8.
  public byte[] json() {
    ObjectNode json = JSON.createObjectNode();
    json.put("id", id);
    json.put("created", createdSeconds);
    json.put("model", model);
    json.put("sequence", sequence);
    json.put("opened", opened);
    json.put("tool_call", toolCall);
    json.put("text", text);
    json.put("tokens", tokens);
    if (ids != null && engine != null) {
      json.put("engine", engine);
      ArrayNode list = json.putArray("ids");
      Arrays.stream(ids).forEach(list::add);
    }
    return JSON.writeValueAsBytes(json);
  }

  /// What [#json] wrote.
  ///
  /// @throws IllegalArgumentException when it is not that; the message quotes nothing of it
  public static Replay parse(byte[] bytes, int from, int length) {
    JsonNode json;
    try {
      json = JSON.readTree(new String(bytes, from, length, StandardCharsets.UTF_8));
    } catch (JacksonException e) {
      throw new IllegalArgumentException("the replay is not valid JSON", e);
    }
    int[] ids =
        json.path("ids").isArray()
            ? json.path("ids").valueStream().mapToInt(id -> id.asInt(-1)).toArray()
            : null;
    int tokens = json.path("tokens").asInt(-1);
    if (!json.path("text").isString() || tokens < 0 || (ids != null && ids.length != tokens)) {
      throw new IllegalArgumentException(
          "the replay lacks its text or its tokens (expected: both, and an id for each token or"
              + " none)");
    }
    return new Replay(
        optional(json.path("id")),
        json.path("created").asLong(0),
        optional(json.path("model")),
        json.path("sequence").asInt(0),
        json.path("opened").asBoolean(false),
        json.path("tool_call").asBoolean(false),
        json.path("text").stringValue(),
        tokens,
        optional(json.path("engine")),
        ids);
  }

  private static @Nullable String optional(JsonNode node) {
    return node.isString() ? node.stringValue() : null;
  }
}
