package org.aigrid.live.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Asks a grid, or any OpenAI-compatible server, over its chat endpoint and hears the answer as it
/// comes. Blocks the caller; one question at a time.
public final class ChatClient implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ERROR_BYTES_MAX = 64 << 10;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  /// One turn of a conversation.
  public record Turn(String role, String content) {}

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_TIMEOUT)
          .build();
  private final String base;
  private final @Nullable String key;

  /// @param url the grid's base, with or without `/v1`
  /// @param key API key, or null to send none
  public ChatClient(URI url, @Nullable String key) {
    String text = url.toString().replaceAll("/+$", "");
    this.base = text.endsWith("/v1") ? text : text + "/v1";
    this.key = key;
  }

  /// The ids of the models that the server offers.
  ///
  /// @throws IOException when there is no server, or it refuses; the message says which
  public List<String> models() throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        http.send(
            request("/models").timeout(CONNECT_TIMEOUT).build(),
            HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        throw new IOException(
            base + "/models answered " + response.statusCode() + ": " + errorMessage(body));
      }
      return JSON.readTree(body)
          .path("data")
          .valueStream()
          .map(model -> model.path("id").asString(""))
          .filter(id -> !id.isEmpty())
          .toList();
    } catch (JacksonException e) {
      throw new IOException(base + "/models did not answer with JSON", e);
    }
  }

  /// Asks, and tells `heard` each piece of text as it comes.
  public Answer ask(
      String model, List<Turn> turns, @Nullable Integer tokensMax, Consumer<String> heard)
      throws IOException, InterruptedException {
    ObjectNode body = JSON.createObjectNode();
    body.put("model", model);
    ArrayNode messages = body.putArray("messages");
    for (Turn turn : turns) {
      messages.addObject().put("role", turn.role()).put("content", turn.content());
    }
    if (tokensMax != null) {
      body.put("max_tokens", tokensMax);
    }
    body.put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    long startNanos = System.nanoTime();
    HttpResponse<InputStream> response =
        http.send(
            request("/chat/completions")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build(),
            HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream in = response.body()) {
      if (response.statusCode() != 200) {
        return new Answer.Refused(response.statusCode(), errorMessage(in));
      }
      return hear(response, in, startNanos, heard);
    }
  }

  private static Answer hear(
      HttpResponse<?> response, InputStream in, long startNanos, Consumer<String> heard) {
    var text = new StringBuilder();
    long firstNanos = 0;
    long lastNanos = 0;
    int frames = 0;
    int tokens = -1;
    boolean error = false;
    try {
      var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("event:")) {
          error = line.contains("error");
        }
        if (!line.startsWith("data:")) {
          continue;
        }
        String data = line.substring(5).strip();
        if (data.equals("[DONE]")) {
          long endNanos = System.nanoTime();
          int counted = tokens >= 0 ? tokens : frames;
          double spoken = (lastNanos - firstNanos) / 1e9;
          return new Answer.Complete(
              text.toString(),
              response.headers().firstValue("x-grid-site").orElse("?"),
              response.headers().firstValue("x-grid-tier").orElse("?"),
              frames == 0 ? 0 : (firstNanos - startNanos) / 1e6,
              counted,
              (endNanos - startNanos) / 1e9,
              spoken > 0 && counted > 1 ? (counted - 1) / spoken : 0);
        }
        JsonNode frame = JSON.readTree(data);
        if (error || frame.has("error")) {
          return new Answer.Broken(
              text.toString(), frame.path("error").path("message").asString("no message"));
        }
        if (frame.path("usage").isObject()) {
          tokens = frame.path("usage").path("completion_tokens").asInt(-1);
        }
        String piece = frame.path("choices").path(0).path("delta").path("content").asString("");
        if (!piece.isEmpty()) {
          lastNanos = System.nanoTime();
          if (frames++ == 0) {
            firstNanos = lastNanos;
          }
          text.append(piece);
          heard.accept(piece);
        }
      }
      return new Answer.Broken(text.toString(), "the stream ended without [DONE]");
    } catch (IOException e) {
      return new Answer.Broken(text.toString(), "the connection broke: " + e.getMessage());
    } catch (JacksonException e) {
      return new Answer.Broken(text.toString(), "a frame of the stream is no JSON");
    }
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(base + path));
    if (key != null) {
      builder.header("Authorization", "Bearer " + key);
    }
    return builder;
  }

  private static String errorMessage(InputStream body) throws IOException {
    String text = new String(body.readNBytes(ERROR_BYTES_MAX), StandardCharsets.UTF_8);
    try {
      return JSON.readTree(text).path("error").path("message").asString("no message");
    } catch (JacksonException e) {
      return "not an OpenAI error";
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
