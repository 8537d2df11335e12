package org.aigrid.live.site;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Prepares a request's body for a server: the model by the server's name for it, and with a stream
/// the wish for a usage chunk. All other bytes stay as the client wrote them.
final class UpstreamBody {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String USAGE_WANTED = "\"stream_options\":{\"include_usage\":true},";

  private UpstreamBody() {}

  /// @param upstreamModel the server's name of the model, or null when it is the client's
  /// @param usageChunk whether a stream of this API has to be asked for its usage
  static byte[] of(byte[] body, @Nullable String upstreamModel, boolean usageChunk)
      throws JacksonException {
    var edits = new Edits(body);
    boolean stream = false;
    int optionsFrom = -1;
    int optionsTo = -1;
    int inside = 0;
    try (JsonParser json = JSON.createParser(body)) {
      json.nextToken();
      inside = (int) json.currentLocation().getByteOffset();
      while (json.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = json.currentName();
        JsonToken value = json.nextToken();
        int from = (int) json.currentTokenLocation().getByteOffset();
        switch (name) {
          case "model" -> {
            if (upstreamModel != null && value == JsonToken.VALUE_STRING) {
              json.getString(); // reads to its end
              edits.replace(
                  from,
                  (int) json.currentLocation().getByteOffset(),
                  JSON.writeValueAsString(upstreamModel));
            }
          }
          case "stream" -> stream = value == JsonToken.VALUE_TRUE;
          case "stream_options" -> {
            json.skipChildren();
            optionsFrom = from;
            optionsTo = (int) json.currentLocation().getByteOffset();
          }
          default -> json.skipChildren();
        }
      }
    }
    if (stream && usageChunk) {
      if (optionsFrom < 0) {
        edits.replace(inside, inside, USAGE_WANTED);
      } else {
        JsonNode options = JSON.readTree(body, optionsFrom, optionsTo - optionsFrom);
        ObjectNode wanted = options instanceof ObjectNode object ? object : JSON.createObjectNode();
        edits.replace(optionsFrom, optionsTo, wanted.put("include_usage", true).toString());
      }
    }
    return edits.result();
  }

  /// Replacements in one array of bytes.
  private static final class Edits {
    private final byte[] body;
    private final java.util.TreeMap<Integer, Integer> ends = new java.util.TreeMap<>();
    private final java.util.HashMap<Integer, String> texts = new java.util.HashMap<>();

    Edits(byte[] body) {
      this.body = body;
    }

    void replace(int from, int to, String text) {
      ends.put(from, to);
      texts.put(from, text);
    }

    byte[] result() {
      if (ends.isEmpty()) {
        return body;
      }
      var out = new ByteArrayOutputStream(body.length + 64);
      int done = 0;
      for (var edit : ends.entrySet()) {
        out.write(body, done, edit.getKey() - done);
        out.writeBytes(texts.getOrDefault(edit.getKey(), "").getBytes(StandardCharsets.UTF_8));
        done = edit.getValue();
      }
      out.write(body, done, body.length - done);
      return out.toByteArray();
    }
  }
}
