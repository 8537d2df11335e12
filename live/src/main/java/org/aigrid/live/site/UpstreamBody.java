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
/// the wish for a usage chunk, and the salt of the tenant's part of the server's prefix cache. All
/// other bytes stay as the client wrote them.
final class UpstreamBody {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String USAGE_WANTED = "\"stream_options\":{\"include_usage\":true},";

  private UpstreamBody() {}

  /// @param upstreamModel the server's name of the model, or null when it is the client's
  /// @param usageChunk whether a stream of this API has to be asked for its usage
  /// @param tenant pseudonym of who asks; what the client says of a cache's salt is put behind it,
  ///   so that no tenant can read in another's part
  /// @param salted whether the server, a vLLM, is to be told a salt (`cache_salt`) also when the
  ///   client says none; other servers refuse fields that they do not know
  static byte[] of(
      byte[] body,
      @Nullable String upstreamModel,
      boolean usageChunk,
      String tenant,
      boolean salted)
      throws JacksonException {
    var edits = new Edits(body);
    boolean stream = false;
    int optionsFrom = -1;
    int optionsTo = -1;
    int inside = 0;
    boolean saltSaid = false;
    boolean empty = true;
    try (JsonParser json = JSON.createParser(body)) {
      json.nextToken();
      inside = (int) json.currentLocation().getByteOffset();
      while (json.nextToken() == JsonToken.PROPERTY_NAME) {
        empty = false;
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
          case "cache_salt" -> {
            saltSaid = true;
            String own = value == JsonToken.VALUE_STRING ? json.getString() : "";
            json.skipChildren();
            json.finishToken();
            edits.replace(
                from,
                (int) json.currentLocation().getByteOffset(),
                JSON.writeValueAsString(own.isEmpty() ? salt(tenant) : salt(tenant) + '-' + own));
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
    String first =
        salted && !saltSaid
            ? "\"cache_salt\":" + JSON.writeValueAsString(salt(tenant)) + (empty ? "" : ",")
            : "";
    if (stream && usageChunk) {
      if (optionsFrom < 0) {
        first += USAGE_WANTED;
      } else {
        JsonNode options = JSON.readTree(body, optionsFrom, optionsTo - optionsFrom);
        ObjectNode wanted = options instanceof ObjectNode object ? object : JSON.createObjectNode();
        edits.replace(optionsFrom, optionsTo, wanted.put("include_usage", true).toString());
      }
    }
    if (!first.isEmpty()) {
      edits.replace(inside, inside, first);
    }
    return edits.result();
  }

  /// Never empty, which vLLM refuses.
  private static String salt(String tenant) {
    return tenant.isEmpty() ? "nobody" : tenant;
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
