package org.aigrid.live.site;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.live.engine.GenerationRequest;
import org.aigrid.live.engine.GenerationRequest.Begun;
import org.aigrid.live.engine.GenerationRequest.Message;
import org.aigrid.live.engine.GenerationRequest.Prompt;
import org.aigrid.live.engine.GenerationRequest.Sampling;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.Replay;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A request to a local engine, read from the OpenAI API's JSON. Immutable.
///
/// What a local engine cannot do (several choices, log probabilities, grammars, and with llama.cpp
/// images and tools) is refused with a sentence instead of ignored.
///
/// @param model as the client named it
/// @param stream whether the answer is streamed
/// @param generation what the engine is asked
/// @param tool name of the tool that has to be called, or null
record GenerationCall(
    String model, boolean stream, GenerationRequest generation, @Nullable String tool) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// A request that this engine cannot serve.
  static final class Unservable extends Exception {
    private static final long serialVersionUID = 1;
    private final transient ApiError error;

    Unservable(String message, @Nullable String param) {
      super(message, null, false, false);
      error = ApiError.invalid(400, message, param, null);
    }

    ApiError error() {
      return error;
    }
  }

  /// @param length of the client's part of the body
  /// @param replay what the client has had of the answer, or null
  static GenerationCall read(
      byte[] body,
      int length,
      String path,
      String requestId,
      String tenant,
      boolean invents,
      @Nullable Replay replay)
      throws Unservable {
    JsonNode json;
    try {
      json = JSON.readTree(body, 0, length);
    } catch (JacksonException e) {
      throw new Unservable("The request body is not valid JSON.", null);
    }
    if (!json.isObject()) {
      throw new Unservable("The request body is not a JSON object.", null);
    }
    refuse(json.path("n").asInt(1) > 1, "n above 1 is not served by this engine.", "n");
    refuse(
        json.path("logprobs").isBoolean()
            ? json.path("logprobs").booleanValue()
            : json.path("logprobs").isNumber(),
        "logprobs are not served by this engine.",
        "logprobs");
    String format = json.path("response_format").path("type").asString("text");
    refuse(
        !invents && !format.equals("text"),
        "response_format '" + format + "' is not served by this engine.",
        "response_format");

    JsonNode tools = json.path("tools");
    boolean toolsOffered =
        tools.isArray()
            && !tools.isEmpty()
            && !json.path("tool_choice").asString("").equals("none");
    refuse(toolsOffered && !invents, "tools are not served by this engine.", "tools");
    String tool = toolsOffered ? wantedTool(tools, json.path("tool_choice")) : null;

    var request =
        new GenerationRequest(
            requestId,
            tenant,
            prompt(json, path, invents),
            maxTokens(json),
            sampling(json),
            stops(json.path("stop")),
            json.path("ignore_eos").asBoolean(false),
            replay == null ? null : begun(replay, invents),
            tool == null ? null : arguments(tools, tool));
    return new GenerationCall(
        json.path("model").asString(""), json.path("stream").asBoolean(false), request, tool);
  }

  /// Ids count only among engines of a kind.
  private static Begun begun(Replay replay, boolean invents) {
    boolean own = engineOf(invents).equals(replay.engine());
    return new Begun(replay.text(), replay.tokens(), own ? replay.ids() : null);
  }

  /// The name under which an engine's token ids go.
  static String engineOf(boolean invents) {
    return invents ? "emulated" : "llama";
  }

  private static void refuse(boolean wrong, String message, String param) throws Unservable {
    if (wrong) {
      throw new Unservable(message, param);
    }
  }

  private static Prompt prompt(JsonNode json, String path, boolean invents) throws Unservable {
    return switch (path) {
      case "/v1/chat/completions" ->
          new Prompt.Chat(messages(json.path("messages"), "messages", invents));
      case "/v1/responses" -> {
        var messages = new ArrayList<Message>();
        String instructions = json.path("instructions").asString("");
        if (!instructions.isEmpty()) {
          messages.add(new Message("system", instructions));
        }
        JsonNode input = json.path("input");
        if (input.isString()) {
          messages.add(new Message("user", input.stringValue()));
        } else {
          messages.addAll(messages(input, "input", invents));
        }
        yield new Prompt.Chat(messages);
      }
      default -> {
        JsonNode prompt = json.path("prompt");
        if (prompt.isArray() && prompt.size() == 1) {
          prompt = prompt.get(0);
        }
        refuse(!prompt.isString(), "'prompt' is not one text.", "prompt");
        yield new Prompt.Text(prompt.stringValue());
      }
    };
  }

  private static List<Message> messages(JsonNode array, String param, boolean invents)
      throws Unservable {
    refuse(
        !array.isArray() || array.isEmpty(),
        "'" + param + "' is missing or empty (expected: one message or more).",
        param);
    var messages = new ArrayList<Message>();
    for (JsonNode message : array) {
      String role = message.path("role").asString("user");
      messages.add(
          new Message(
              role.equals("developer") ? "system" : role,
              content(message.path("content"), param, invents)));
    }
    return messages;
  }

  private static String content(JsonNode content, String param, boolean invents) throws Unservable {
    if (content.isString()) {
      return content.stringValue();
    }
    var text = new StringBuilder();
    for (JsonNode part : content) {
      String type = part.path("type").asString("");
      if (type.equals("text") || type.equals("input_text") || type.equals("output_text")) {
        text.append(part.path("text").asString(""));
      } else {
        refuse(!invents, "Content of type '" + type + "' is not served by this engine.", param);
      }
    }
    return text.toString();
  }

  private static int maxTokens(JsonNode json) throws Unservable {
    for (String name : List.of("max_completion_tokens", "max_output_tokens", "max_tokens")) {
      JsonNode value = json.path(name);
      if (value.isNumber()) {
        long tokens = value.asLong(0);
        refuse(tokens < 1, "'" + name + "' is " + tokens + " (expected: 1 or more).", name);
        return (int) Math.min(tokens, Integer.MAX_VALUE);
      }
    }
    return 0;
  }

  private static Sampling sampling(JsonNode json) throws Unservable {
    return new Sampling(
        number(json, "temperature", 0, 2),
        number(json, "top_p", 0, 1),
        json.path("seed").isNumber() ? Long.valueOf(json.path("seed").asLong(0)) : null,
        number(json, "frequency_penalty", -2, 2),
        number(json, "presence_penalty", -2, 2));
  }

  private static @Nullable Double number(JsonNode json, String name, double least, double most)
      throws Unservable {
    JsonNode value = json.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    refuse(
        !value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= most),
        "'" + name + "' is " + value + " (expected: " + least + " to " + most + ").",
        name);
    return value.doubleValue();
  }

  private static List<String> stops(JsonNode stop) {
    if (stop.isString()) {
      return List.of(stop.stringValue());
    }
    var list = new ArrayList<String>();
    for (JsonNode one : stop) {
      if (one.isString()) {
        list.add(one.stringValue());
      }
    }
    return list;
  }

  /// The tool that `tool_choice` demands: a named one, or with `required` the first.
  private static @Nullable String wantedTool(JsonNode tools, JsonNode choice) {
    if (choice.isString()) {
      return choice.stringValue().equals("required") ? nameOf(tools.get(0)) : null;
    }
    return choice.isObject() ? nameOf(choice) : null;
  }

  private static String nameOf(JsonNode tool) {
    String nested = tool.path("function").path("name").asString("");
    return nested.isEmpty() ? tool.path("name").asString("tool") : nested;
  }

  /// Invented arguments that fit the tool's schema: a value of the right type for each required
  /// property.
  private static String arguments(JsonNode tools, String name) {
    for (JsonNode tool : tools) {
      if (nameOf(tool).equals(name)) {
        JsonNode function = tool.path("function");
        JsonNode schema = (function.isMissingNode() ? tool : function).path("parameters");
        var object = JSON.createObjectNode();
        for (JsonNode required : schema.path("required")) {
          String property = required.asString("");
          JsonNode type = schema.path("properties").path(property);
          switch (type.path("type").asString("string")) {
            case "integer", "number" -> object.put(property, 0);
            case "boolean" -> object.put(property, false);
            case "array" -> object.putArray(property);
            case "object" -> object.putObject(property);
            default ->
                object.put(
                    property,
                    type.path("enum").isArray() && !type.path("enum").isEmpty()
                        ? type.path("enum").get(0).asString("emulated")
                        : "emulated");
          }
        }
        return object.toString();
      }
    }
    return "{}";
  }
}
