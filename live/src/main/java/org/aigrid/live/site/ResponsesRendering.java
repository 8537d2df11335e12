package org.aigrid.live.site;

import org.aigrid.live.engine.FinishReason;
import org.aigrid.live.engine.Usage;
import org.aigrid.live.wire.Replay;
import org.jspecify.annotations.Nullable;

/// `/v1/responses`, streamed as its events, each with its `sequence_number`, or whole. Nothing is
/// stored.
final class ResponsesRendering implements Rendering {
  private final boolean stream;
  private final boolean opened;
  private final @Nullable String tool;
  private final String responseId;
  private final String itemId;
  private final String callId;
  private final String model;
  private final long createdSeconds;
  private final StringBuilder text = new StringBuilder();
  private int sequence;

  /// @param replay what another site has sent of the answer, or null
  ResponsesRendering(
      String requestId,
      String model,
      long createdSeconds,
      boolean stream,
      @Nullable String tool,
      @Nullable Replay replay) {
    this.stream = stream;
    this.tool = tool;
    this.model = Json.quote(model);
    this.createdSeconds = createdSeconds;
    responseId = Json.quote("resp_" + requestId);
    itemId = Json.quote((tool == null ? "msg_" : "fc_") + requestId);
    callId = Json.quote("call_" + requestId);
    opened = replay != null && replay.opened();
    if (replay != null) {
      sequence = replay.sequence();
      text.append(replay.text());
    }
  }

  @Override
  public String begin(int promptTokens) {
    if (!stream || opened) {
      return "";
    }
    String open = response("in_progress", "", "null");
    String started =
        event("response.created", "\"response\":" + open)
            + event("response.in_progress", "\"response\":" + open)
            + event(
                "response.output_item.added",
                "\"output_index\":0,\"item\":" + item("in_progress", ""));
    return tool != null
        ? started
        : started
            + event(
                "response.content_part.added",
                place() + ",\"content_index\":0,\"part\":" + part(""));
  }

  @Override
  public String text(String piece) {
    text.append(piece);
    if (!stream) {
      return "";
    }
    return tool == null
        ? event(
            "response.output_text.delta",
            place() + ",\"content_index\":0,\"delta\":" + Json.quote(piece) + ",\"logprobs\":[]")
        : event(
            "response.function_call_arguments.delta", place() + ",\"delta\":" + Json.quote(piece));
  }

  @Override
  public String end(FinishReason reason, Usage usage) {
    String whole = text.toString();
    String status =
        switch (reason) {
          case STOP -> "completed";
          case LENGTH -> "incomplete";
        };
    String done = response(status, item(status, whole), Usages.responses(usage));
    if (!stream) {
      return done;
    }
    String parts =
        tool == null
            ? event(
                    "response.output_text.done",
                    place()
                        + ",\"content_index\":0,\"text\":"
                        + Json.quote(whole)
                        + ",\"logprobs\":[]")
                + event(
                    "response.content_part.done",
                    place() + ",\"content_index\":0,\"part\":" + part(whole))
            : event(
                "response.function_call_arguments.done",
                place() + ",\"name\":" + Json.quote(tool) + ",\"arguments\":" + Json.quote(whole));
    String item =
        event("response.output_item.done", "\"output_index\":0,\"item\":" + item(status, whole));
    return parts + item + event("response." + status, "\"response\":" + done);
  }

  private String event(String type, String fields) {
    return "event: "
        + type
        + "\ndata: {\"type\":\""
        + type
        + "\",\"sequence_number\":"
        + sequence++
        + ","
        + fields
        + "}\n\n";
  }

  private String place() {
    return "\"item_id\":" + itemId + ",\"output_index\":0";
  }

  private static String part(String text) {
    return "{\"type\":\"output_text\",\"text\":"
        + Json.quote(text)
        + ",\"annotations\":[],\"logprobs\":[]}";
  }

  private String item(String status, String text) {
    if (tool != null) {
      return "{\"type\":\"function_call\",\"id\":"
          + itemId
          + ",\"call_id\":"
          + callId
          + ",\"name\":"
          + Json.quote(tool)
          + ",\"arguments\":"
          + Json.quote(text)
          + ",\"status\":\""
          + status
          + "\"}";
    }
    return "{\"type\":\"message\",\"id\":"
        + itemId
        + ",\"status\":\""
        + status
        + "\",\"role\":\"assistant\",\"content\":["
        + (status.equals("in_progress") ? "" : part(text))
        + "]}";
  }

  private String response(String status, String output, String usage) {
    String incomplete = status.equals("incomplete") ? "{\"reason\":\"max_output_tokens\"}" : "null";
    return "{\"id\":"
        + responseId
        + ",\"object\":\"response\",\"created_at\":"
        + createdSeconds
        + ",\"status\":\""
        + status
        + "\",\"error\":null,\"incomplete_details\":"
        + incomplete
        + ",\"instructions\":null,\"metadata\":{},\"model\":"
        + model
        + ",\"output\":["
        + output
        + "],\"parallel_tool_calls\":true,\"temperature\":null,\"tool_choice\":\"auto\",\"tools\":[],"
        + "\"top_p\":null,\"store\":false,\"usage\":"
        + usage
        + "}";
  }
}
