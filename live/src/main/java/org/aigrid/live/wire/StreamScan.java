package org.aigrid.live.wire;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.aigrid.core.node.Continuity;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Remembers of a stream what it takes to go on with it elsewhere: the frames' identity, the text,
/// the tokens, and whether a tool call has begun, the end has been said or the engine has reported
/// a failure.
///
/// A frame of a site agent may begin with a comment line for the gateway, which is read and cut off
/// here: `: tokens ENGINE 15 29871` says which tokens the frame's text came from, `: tokens - 2`
/// how many.
///
/// About a microsecond a frame; memory is the text (one byte a character where all are Latin) and
/// four bytes a token. One thread.
public final class StreamScan {
  private static final JsonFactory JSON = new JsonFactory();
  private static final JsonMapper MAPPER = JsonMapper.shared();
  private static final byte[] TOKENS = ": tokens ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);

  /// Tokens of one frame, as a site says; a frame of more is counted as one token.
  private static final int TOKENS_TOLD_MAX = 1 << 16;

  private final int choices;
  private final boolean guided;
  private final boolean closable;
  private byte[] scratch = new byte[512];
  private @Nullable String id;
  private long createdSeconds;
  private @Nullable String model;
  private int sequence;
  private boolean opened;
  private boolean toolCall;
  private boolean finished;
  private boolean failed;
  private boolean done;
  private boolean understood = true;
  private final StringBuilder text = new StringBuilder();
  private int tokens;
  private @Nullable String engine;
  private boolean exact = true;
  private int[] ids = new int[32]; // one for each token while `exact`

  /// @param choices how many the client asked for
  /// @param guided whether a grammar guides the engine
  /// @param closable whether the gateway can say the stream's end in its site's place
  public StreamScan(int choices, boolean guided, boolean closable) {
    this.choices = choices;
    this.guided = guided;
    this.closable = closable;
  }

  /// Reads a whole frame, and moves its reader index behind what is for the gateway alone.
  public void read(ByteBuf frame) {
    boolean told = false;
    if (startsWith(frame, TOKENS)) {
      int lineEnd = frame.bytesBefore((byte) '\n');
      told = takeTokens(frame, lineEnd);
      frame.skipBytes(lineEnd + 1);
    }
    int data = dataStart(frame);
    if (data < 0) {
      return;
    }
    int before = text.length();
    int length = frame.writerIndex() - data;
    if (frame.getByte(data) == '{') {
      byte[] bytes = scratch.length >= length ? scratch : (scratch = new byte[length * 2]);
      frame.getBytes(data, bytes, 0, length);
      try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), bytes, 0, length)) {
        json.nextToken();
        object(json, "");
      } catch (JacksonException e) {
        understood = false;
      }
      opened |= !failed;
    } else if (frame.getByte(data) == '[') { // [DONE]
      done = true;
    }
    if (!told && text.length() > before) {
      exact = false;
      tokens++;
    }
  }

  /// Reads what a stream ended with instead of an empty line; false when it is no whole frame, and
  /// then nothing of it counts. Comments and white space are whole, and nobody else's.
  public boolean readLast(ByteBuf rest) {
    int data = dataStart(rest);
    if (data < 0) {
      boolean nothing = commentsOnly(rest);
      if (nothing) {
        rest.skipBytes(rest.readableBytes());
      }
      return nothing;
    }
    if (!wholeValue(rest, data)) {
      return false;
    }
    read(rest);
    return true;
  }

  private static boolean commentsOnly(ByteBuf rest) {
    return rest.toString(StandardCharsets.UTF_8)
        .lines()
        .allMatch(line -> line.isBlank() || line.startsWith(":"));
  }

  private static boolean wholeValue(ByteBuf rest, int data) {
    String value = rest.toString(data, rest.writerIndex() - data, StandardCharsets.UTF_8);
    if (!value.startsWith("{")) {
      return value.strip().equals("[DONE]");
    }
    try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), value)) {
      json.nextToken();
      json.skipChildren();
      return true;
    } catch (JacksonException e) {
      return false;
    }
  }

  private static boolean startsWith(ByteBuf frame, byte[] prefix) {
    if (frame.readableBytes() < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (frame.getByte(frame.readerIndex() + i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  /// Where the value of the frame's data line begins, or -1.
  private static int dataStart(ByteBuf frame) {
    int at = frame.readerIndex();
    while (at < frame.writerIndex()) {
      boolean is = at + DATA.length <= frame.writerIndex();
      for (int i = 0; is && i < DATA.length; i++) {
        is = frame.getByte(at + i) == DATA[i];
      }
      if (is) {
        at += DATA.length;
        while (at < frame.writerIndex() && frame.getByte(at) == ' ') {
          at++;
        }
        return at < frame.writerIndex() ? at : -1;
      }
      int end = frame.indexOf(at, frame.writerIndex(), (byte) '\n');
      if (end < 0) {
        return -1;
      }
      at = end + 1;
    }
    return -1;
  }

  /// The rest of `: tokens ENGINE 1 2 3`, or of `: tokens - 3` from an engine that only counts.
  private boolean takeTokens(ByteBuf frame, int lineLength) {
    String[] words =
        frame
            .toString(
                frame.readerIndex() + TOKENS.length,
                lineLength - TOKENS.length,
                StandardCharsets.US_ASCII)
            .strip()
            .split(" ");
    try {
      if (words[0].equals("-")) {
        exact = false;
        int told = Integer.parseInt(words[1]);
        if (told < 0 || told > TOKENS_TOLD_MAX) {
          return false;
        }
        tokens = (int) Math.min((long) tokens + told, Integer.MAX_VALUE);
        return true;
      }
      var told = new int[words.length - 1];
      for (int i = 0; i < told.length; i++) {
        told[i] = Integer.parseInt(words[i + 1]);
      }
      if (engine == null) {
        engine = words[0];
      }
      exact &= engine.equals(words[0]);
      if (exact) {
        if (tokens + told.length > ids.length) {
          ids = Arrays.copyOf(ids, 2 * (tokens + told.length));
        }
        System.arraycopy(told, 0, ids, tokens, told.length);
      }
      tokens += told.length;
      return true;
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      exact = false;
      return false;
    }
  }

  /// Reads an object's fields; `within` is the path of names that led here, as far as it matters.
  private void object(JsonParser json, String within) throws JacksonException {
    for (String name = json.nextName(); name != null; name = json.nextName()) {
      JsonToken value = json.nextToken();
      switch (within) {
        case "" -> topField(json, name, value);
        case "choice" -> choiceField(json, name, value);
        case "delta" -> deltaField(json, name, value);
        case "call" -> callField(json, name, value);
        case "response" -> responseField(json, name, value);
        default -> json.skipChildren();
      }
    }
  }

  private void topField(JsonParser json, String name, JsonToken value) throws JacksonException {
    switch (name) {
      case "id" -> id = id == null ? json.getValueAsString() : id;
      case "created" ->
          createdSeconds = createdSeconds == 0 ? json.getValueAsLong() : createdSeconds;
      case "model" -> model = model == null ? json.getValueAsString() : model;
      case "choices" -> {
        if (value == JsonToken.START_ARRAY) {
          while (json.nextToken() == JsonToken.START_OBJECT) {
            object(json, "choice");
          }
        }
      }
      case "error" -> {
        failed |= value != JsonToken.VALUE_NULL;
        json.skipChildren();
      }
      case "type" -> type(json.getValueAsString(""));
      case "sequence_number" -> sequence = json.getValueAsInt(sequence) + 1;
      case "response" -> {
        if (value == JsonToken.START_OBJECT) {
          object(json, "response");
        }
      }
      case "delta" -> { // a responses event
        if (value == JsonToken.VALUE_STRING) {
          text.append(json.getString());
        } else {
          json.skipChildren();
        }
      }
      default -> json.skipChildren();
    }
  }

  /// The type of a responses event.
  private void type(String type) {
    switch (type) {
      case "response.completed", "response.incomplete", "response.failed", "error" -> {
        finished = true;
        done = true;
      }
      case "response.function_call_arguments.delta" -> toolCall = true;
      // Only the end's bookkeeping is missing from here on, and the site writes it in one piece.
      case "response.output_text.done", "response.function_call_arguments.done" -> finished = true;
      default -> {
        boolean known = !type.endsWith(".delta") || type.equals("response.output_text.delta");
        understood &= known;
      }
    }
  }

  private void choiceField(JsonParser json, String name, JsonToken value) throws JacksonException {
    switch (name) {
      case "delta" -> {
        if (value == JsonToken.START_OBJECT) {
          object(json, "delta");
        }
      }
      case "text" -> {
        if (value == JsonToken.VALUE_STRING) {
          text.append(json.getString());
        }
      }
      case "finish_reason" -> finished |= value == JsonToken.VALUE_STRING;
      case "index" -> understood &= json.getValueAsInt(0) == 0 || choices > 1;
      default -> json.skipChildren();
    }
  }

  private void deltaField(JsonParser json, String name, JsonToken value) throws JacksonException {
    switch (name) {
      case "content" -> {
        if (value == JsonToken.VALUE_STRING) {
          text.append(json.getString());
        }
      }
      case "role", "refusal" -> json.skipChildren();
      case "tool_calls" -> {
        if (value == JsonToken.START_ARRAY) {
          toolCall = true;
          while (json.nextToken() == JsonToken.START_OBJECT) {
            object(json, "call");
          }
        }
      }
      default -> {
        // Reasoning and whatever else a server generates beside the content cannot be replayed.
        understood &= value == JsonToken.VALUE_NULL;
        json.skipChildren();
      }
    }
  }

  private void callField(JsonParser json, String name, JsonToken value) throws JacksonException {
    switch (name) {
      case "index" -> understood &= json.getValueAsInt(0) == 0;
      case "function" -> {
        if (value == JsonToken.START_OBJECT) {
          object(json, "call");
        }
      }
      case "arguments" -> {
        if (value == JsonToken.VALUE_STRING) {
          text.append(json.getString());
        }
      }
      default -> json.skipChildren();
    }
  }

  private void responseField(JsonParser json, String name, JsonToken value)
      throws JacksonException {
    switch (name) {
      case "id" -> id = id == null ? json.getValueAsString() : id;
      case "created_at" ->
          createdSeconds = createdSeconds == 0 ? json.getValueAsLong() : createdSeconds;
      case "model" -> model = model == null ? json.getValueAsString() : model;
      default -> json.skipChildren();
    }
  }

  /// What core has to know of the stream if it breaks now. An engine's report that it has failed is
  /// an end like any other.
  public Continuity.Facts facts() {
    return facts(finished || failed);
  }

  /// As above, but for the report of a failure.
  public Continuity.Facts factsButForFailure() {
    return facts(finished);
  }

  private Continuity.Facts facts(boolean over) {
    return new Continuity.Facts(
        true, over, closable, choices, guided, toolCall, exact, understood, text.length());
  }

  /// Whether the engine has reported in a frame that it has failed.
  public boolean failed() {
    return failed;
  }

  /// The frame with that report is kept from the client: it never came.
  public void forgetFailure() {
    failed = false;
  }

  /// Whether the stream's own end has been passed on: `[DONE]`, or the last event.
  public boolean done() {
    return done;
  }

  /// Tokens so far: as the sites said, or one for each frame with text.
  public int tokens() {
    return tokens;
  }

  /// The usage chunk that a site would have ended the stream with, by what went by here.
  ///
  /// @param path of the API
  /// @param promptTokens as the gateway estimates them
  /// @param outputTokens that the client has had
  public byte[] usageFrame(String path, int promptTokens, int outputTokens) {
    ObjectNode chunk = chunk(path);
    chunk.putArray("choices");
    chunk
        .putObject("usage")
        .put("prompt_tokens", promptTokens)
        .put("completion_tokens", outputTokens)
        .put("total_tokens", promptTokens + outputTokens);
    return ("data: " + chunk + "\n\n").getBytes(StandardCharsets.UTF_8);
  }

  /// The frame with which an engine says that an answer has reached its length, said here because
  /// it has reached its budget.
  ///
  /// @param path of the API
  public byte[] lengthFrame(String path) {
    if (path.equals("/v1/responses")) {
      ObjectNode event = MAPPER.createObjectNode();
      event.put("type", "response.incomplete").put("sequence_number", sequence);
      ObjectNode response = event.putObject("response");
      response.put("id", id).put("object", "response").put("created_at", createdSeconds);
      response.put("model", model).put("status", "incomplete");
      response.putObject("incomplete_details").put("reason", "max_output_tokens");
      return ("event: response.incomplete\ndata: " + event + "\n\n")
          .getBytes(StandardCharsets.UTF_8);
    }
    ObjectNode chunk = chunk(path);
    ObjectNode choice = chunk.putArray("choices").addObject();
    choice.put("index", 0);
    if (path.equals("/v1/completions")) {
      choice.put("text", "");
    } else {
      choice.putObject("delta");
    }
    choice.put("finish_reason", "length");
    return ("data: " + chunk + "\n\n").getBytes(StandardCharsets.UTF_8);
  }

  private ObjectNode chunk(String path) {
    ObjectNode chunk = MAPPER.createObjectNode();
    chunk.put("id", id);
    chunk.put(
        "object", path.equals("/v1/completions") ? "text_completion" : "chat.completion.chunk");
    chunk.put("created", createdSeconds);
    chunk.put("model", model);
    return chunk;
  }

  /// What the next site needs to go on.
  public Replay replay() {
    boolean known = exact && engine != null;
    return new Replay(
        id,
        createdSeconds,
        model,
        sequence,
        opened,
        toolCall,
        text.toString(),
        tokens,
        known ? engine : null,
        known ? Arrays.copyOf(ids, tokens) : null);
  }

  /// For tests and logs: what it knows, without a word of the text.
  @Override
  public String toString() {
    return "StreamScan[tokens=" + tokens + ", characters=" + text.length() + "]";
  }
}
