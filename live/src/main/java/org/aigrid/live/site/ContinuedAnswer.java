package org.aigrid.live.site;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import org.aigrid.live.wire.Replay;
import org.aigrid.live.wire.SseFrames;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Has a server go on with an answer that another site began: turns the client's request into one
/// that ends with the text so far, and the server's frames into frames of the first answer.
///
/// A chat goes on by `continue_final_message`, a completion by a longer prompt. Both hand over text
/// (ids are known only of engines of another kind), so a prompt of token ids, or several, cannot be
/// made longer; nor can a server go on that is to repeat its prompt (`echo`). The server tokenizes
/// the text anew: at the seam a real tokenizer may join what had been generated apart. Of the
/// frames, the role is dropped, id, time and model become the first answer's, and the usage chunk
/// counts the text so far as output and not as prompt. One answer, one thread.
final class ContinuedAnswer {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int FRAME_BYTES_MAX = 4 << 20;

  private final Replay replay;
  private final SseFrames frames = new SseFrames(UnpooledByteBufAllocator.DEFAULT, FRAME_BYTES_MAX);

  ContinuedAnswer(Replay replay) {
    this.replay = replay;
  }

  /// The request that goes on; null when a server cannot be asked to.
  static byte @Nullable [] request(byte[] body, String path, Replay replay) {
    var json = (ObjectNode) JSON.readTree(body);
    if (replay.text().isEmpty()) {
      return body;
    }
    if (json.path("echo").asBoolean(false)) {
      return null;
    }
    boolean longer =
        path.equals("/v1/chat/completions")
            ? lengthenChat(json, replay.text())
            : lengthenPrompt(json, replay.text());
    if (!longer) {
      return null;
    }
    for (String name : new String[] {"max_tokens", "max_completion_tokens"}) {
      if (json.path(name).isNumber()) {
        json.put(name, Math.max(1, json.path(name).asInt(0) - replay.tokens()));
      }
    }
    return JSON.writeValueAsBytes(json);
  }

  private static boolean lengthenChat(ObjectNode json, String text) {
    if (json.path("continue_final_message").asBoolean(false)) {
      return false; // its end is an answer already, of which this one is a part
    }
    ArrayNode messages = json.withArray("messages");
    messages.addObject().put("role", "assistant").put("content", text);
    json.put("continue_final_message", true);
    json.put("add_generation_prompt", false);
    return true;
  }

  private static boolean lengthenPrompt(ObjectNode json, String text) {
    JsonNode prompt = json.path("prompt");
    if (prompt.isArray() && prompt.size() == 1) {
      prompt = prompt.get(0);
    }
    if (!prompt.isString()) {
      return false;
    }
    json.put("prompt", prompt.stringValue() + text);
    return true;
  }

  /// The whole frames in what was read, rewritten; takes ownership of it.
  ByteBuf rewrite(ByteBuf read) {
    frames.add(read);
    var out = new StringBuilder();
    for (ByteBuf frame = frames.next(); frame != null; frame = frames.next()) {
      String text = frame.toString(StandardCharsets.UTF_8);
      frame.release();
      out.append(frame(text));
    }
    return ByteBufUtil.writeUtf8(UnpooledByteBufAllocator.DEFAULT, out);
  }

  private String frame(String frame) {
    String data = frame.strip();
    if (!data.startsWith("data:")) {
      return frame;
    }
    data = data.substring("data:".length()).strip();
    ObjectNode chunk;
    try {
      if (!(JSON.readTree(data) instanceof ObjectNode object)) {
        return frame;
      }
      chunk = object;
    } catch (JacksonException e) { // [DONE]
      return frame;
    }
    if (replay.opened()) {
      chunk.put("id", replay.id());
      chunk.put("created", replay.createdSeconds());
      chunk.put("model", replay.model());
    }
    boolean empty = replay.opened() && !chunk.path("choices").isEmpty();
    for (JsonNode choice : chunk.path("choices")) {
      if (replay.opened() && choice.path("delta") instanceof ObjectNode delta) {
        delta.remove("role");
      }
      empty &=
          saysNothing(choice.path("delta"))
              && choice.path("text").asString("").isEmpty()
              && !choice.path("finish_reason").isString();
    }
    if (chunk.path("usage") instanceof ObjectNode usage) {
      int prompt = Math.max(1, usage.path("prompt_tokens").asInt(0) - replay.tokens());
      int output = usage.path("completion_tokens").asInt(0) + replay.tokens();
      usage.put("prompt_tokens", prompt);
      usage.put("completion_tokens", output);
      usage.put("total_tokens", prompt + output);
      empty = false;
    }
    return empty ? "" : "data: " + chunk + "\n\n";
  }

  private static boolean saysNothing(JsonNode delta) {
    for (JsonNode value : delta) {
      if (!value.isNull() && !(value.isString() && value.stringValue().isEmpty())) {
        return false;
      }
    }
    return true;
  }

  /// Releases what is held of an unfinished frame.
  void close() {
    frames.close();
  }
}
