package org.aigrid.live.wire;

import java.util.Map;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.unit.Clamp;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;

/// What a gateway has to know of a request's JSON, read in one pass without building a tree. The
/// body itself is passed on byte for byte, so fields that are unknown here reach the engine
/// untouched. A field that is read here may stand only once: of two, the engine might take the
/// other.
///
/// Immutable. About 2 ns a byte.
///
/// @param model the wanted model, or null when the request does not say
/// @param stream whether the answer is to be streamed
/// @param includeUsage whether the client wants the usage chunk of a stream
/// @param outputTokensMax most tokens wanted, 0 when not said; clamped
/// @param choices how many answers are wanted to a prompt (`n`)
/// @param answers how many are computed, each of up to `outputTokensMax`: `n` or `best_of`,
///   whichever is more, for each prompt of a list
/// @param guided whether a schema or a grammar is to guide the engine
/// @param tier how urgent the client says it is (`service_tier`)
/// @param session what the client calls the conversation (`prompt_cache_key`), or null
/// @param residency `metadata.residency`, to where the client narrows the processing, or null
/// @param promptFrom first byte of the prompt (messages, prompt or input) in the body, or -1
/// @param promptTo one past its last byte
/// @param toolsFrom first byte of `tools`, or -1
/// @param toolsTo one past its last byte
public record RequestScan(
    @Nullable String model,
    boolean stream,
    boolean includeUsage,
    int outputTokensMax,
    int choices,
    int answers,
    boolean guided,
    ServiceTier tier,
    @Nullable String session,
    @Nullable String residency,
    int promptFrom,
    int promptTo,
    int toolsFrom,
    int toolsTo) {
  /// Levels of nesting that are read; a JSON schema of a tool needs a dozen.
  public static final int NESTING_MAX = 200;

  /// Longest model name.
  public static final int MODEL_CHARS_MAX = 256;

  /// Most answers to one prompt, as with the OpenAI API.
  public static final int CHOICES_MAX = 128;

  private static final int BYTES_PER_TOKEN = 4;

  /// The fields that are read here, each with a bit of its own.
  private static final Map<String, Integer> READ_ONCE =
      Map.ofEntries(
          Map.entry("model", 1),
          Map.entry("stream", 1 << 1),
          Map.entry("stream_options", 1 << 2),
          Map.entry("max_tokens", 1 << 3),
          Map.entry("max_completion_tokens", 1 << 4),
          Map.entry("max_output_tokens", 1 << 5),
          Map.entry("messages", 1 << 6),
          Map.entry("prompt", 1 << 7),
          Map.entry("input", 1 << 8),
          Map.entry("tools", 1 << 9),
          Map.entry("prompt_cache_key", 1 << 10),
          Map.entry("metadata", 1 << 11),
          Map.entry("n", 1 << 12),
          Map.entry("service_tier", 1 << 13),
          Map.entry("cache_salt", 1 << 14),
          Map.entry("best_of", 1 << 15));

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(NESTING_MAX)
                  .maxStringLength(1 << 28)
                  .build())
          .build();

  /// The body is not a JSON object that can be read; the message says why and where.
  public static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;
    private final @Nullable String param;

    Malformed(String message, @Nullable String param) {
      super(message, null, false, false);
      this.param = param;
    }

    /// The field at fault, or null.
    public @Nullable String param() {
      return param;
    }
  }

  /// Reads the first `length` bytes of `body`.
  public static RequestScan of(byte[] body, int length) throws Malformed {
    String model = null;
    boolean stream = false;
    boolean includeUsage = false;
    long outputTokens = 0;
    int choices = 1;
    int bestOf = 1;
    long prompts = 1;
    boolean guided = false;
    ServiceTier tier = ServiceTier.STANDARD;
    String session = null;
    String residency = null;
    int promptFrom = -1;
    int promptTo = -1;
    int toolsFrom = -1;
    int toolsTo = -1;
    try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), body, 0, length)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new Malformed("The request body is not a JSON object.", null);
      }
      int seen = 0;
      for (String name = json.nextName(); name != null; name = json.nextName()) {
        int bit = READ_ONCE.getOrDefault(name, 0);
        if ((seen & bit) != 0) {
          throw new Malformed("'" + name + "' stands twice in the request body.", name);
        }
        seen |= bit;
        JsonToken token = json.nextToken();
        switch (name) {
          case "model" -> model = modelOf(json, token);
          case "stream" -> stream = booleanOf(json, token, "stream");
          case "stream_options" -> {
            if (token == JsonToken.START_OBJECT) {
              includeUsage = includeUsageOf(json);
            }
          }
          case "max_tokens", "max_completion_tokens", "max_output_tokens" ->
              outputTokens = Math.max(outputTokens, numberOf(json, token, name));
          case "messages", "prompt", "input" -> {
            promptFrom = startOf(json);
            if (name.equals("prompt") && token == JsonToken.START_ARRAY) {
              prompts = promptsOf(json);
            } else {
              json.skipChildren();
            }
            json.finishToken();
            promptTo = endOf(json);
          }
          case "tools" -> {
            toolsFrom = startOf(json);
            json.skipChildren();
            json.finishToken();
            toolsTo = endOf(json);
          }
          case "n" -> choices = choicesOf(json, token, name);
          case "best_of" -> bestOf = choicesOf(json, token, name);
          case "service_tier" -> tier = tierOf(json.getValueAsString(""));
          case "prompt_cache_key" -> {
            session = token == JsonToken.VALUE_STRING ? json.getString() : null;
            json.skipChildren();
          }
          case "metadata" -> {
            if (token == JsonToken.START_OBJECT) {
              residency = residencyOf(json);
            }
          }
          case "response_format" -> guided |= formatGuides(json, token);
          case "text" -> guided |= token == JsonToken.START_OBJECT && textGuides(json);
          case "structured_outputs", "grammar", "json_schema" -> {
            guided |= token != JsonToken.VALUE_NULL;
            json.skipChildren();
          }
          default -> {
            guided |= name.startsWith("guided_") && token != JsonToken.VALUE_NULL;
            json.skipChildren();
          }
        }
      }
      if (json.currentToken() != JsonToken.END_OBJECT || json.nextToken() != null) {
        throw new Malformed("The request body goes on after its JSON object.", null);
      }
    } catch (StreamConstraintsException e) {
      throw new Malformed(
          "The request body is nested deeper than "
              + NESTING_MAX
              + " levels or holds a value that"
              + " is too long.",
          null);
    } catch (StreamReadException e) {
      throw new Malformed(
          "The request body is not valid JSON at line "
              + e.getLocation().getLineNr()
              + ", column "
              + e.getLocation().getColumnNr()
              + ".",
          null);
    } catch (tools.jackson.core.JacksonException e) {
      throw new Malformed("The request body is not valid JSON in UTF-8.", null);
    }
    return new RequestScan(
        model,
        stream,
        includeUsage,
        Clamp.toInt(outputTokens, 0, Integer.MAX_VALUE),
        choices,
        Clamp.toInt(Math.max(choices, bestOf) * prompts, 1, Integer.MAX_VALUE),
        guided,
        tier,
        session,
        residency,
        promptFrom,
        promptTo,
        toolsFrom,
        toolsTo);
  }

  /// The prompt's length in tokens at four bytes a token, tools included: an estimate.
  public int promptTokens() {
    return Math.max(
        1,
        (Math.max(0, promptTo - promptFrom) + Math.max(0, toolsTo - toolsFrom)) / BYTES_PER_TOKEN);
  }

  /// An upper estimate of the same, for what is reserved: three bytes a token.
  public int promptTokensMost() {
    return (int) Math.min(Integer.MAX_VALUE, (long) promptTokens() * BYTES_PER_TOKEN / 3 + 1);
  }

  /// Most tokens that all its answers together may have.
  ///
  /// @param assumed for an answer of which the request does not say how long it may be
  public long outputTokensMost(int assumed) {
    return (long) answers * (outputTokensMax > 0 ? outputTokensMax : assumed);
  }

  /// Hashes the prompt. The last byte of an array, its bracket, is left out, so that a conversation
  /// that goes on shares the blocks of its beginning.
  ///
  /// @param body what was scanned
  /// @param salt of tenant and model
  public void hash(byte[] body, long salt, PromptBlocks blocks) {
    long seed = salt;
    for (int i = toolsFrom; i < toolsTo; i++) {
      seed = seed * 31 + body[i];
    }
    blocks.reset(seed);
    if (promptFrom >= 0) {
      blocks.update(body, promptFrom, promptTo - promptFrom - 1);
    }
  }

  private static @Nullable String modelOf(JsonParser json, JsonToken token) throws Malformed {
    if (token != JsonToken.VALUE_STRING) {
      throw new Malformed("'model' is not a string.", "model");
    }
    String model = json.getString();
    if (model.isEmpty() || model.length() > MODEL_CHARS_MAX) {
      throw new Malformed(
          "'model' has " + model.length() + " characters (expected: 1 to " + MODEL_CHARS_MAX + ").",
          "model");
    }
    return model;
  }

  private static boolean booleanOf(JsonParser json, JsonToken token, String name) throws Malformed {
    return switch (token) {
      case VALUE_TRUE -> true;
      case VALUE_FALSE, VALUE_NULL -> false;
      default -> throw new Malformed("'" + name + "' is not a boolean.", name);
    };
  }

  private static long numberOf(JsonParser json, JsonToken token, String name) throws Malformed {
    if (token == JsonToken.VALUE_NULL) {
      return 0;
    }
    if (token != JsonToken.VALUE_NUMBER_INT) {
      throw new Malformed("'" + name + "' is not an integer.", name);
    }
    double value = json.getDoubleValue();
    if (value < 0) {
      throw new Malformed("'" + name + "' is below 0 (expected: 1 or more).", name);
    }
    return (long) Math.min(value, Integer.MAX_VALUE);
  }

  private static int choicesOf(JsonParser json, JsonToken token, String name) throws Malformed {
    if (token == JsonToken.VALUE_NULL) {
      return 1;
    }
    double value = token == JsonToken.VALUE_NUMBER_INT ? json.getDoubleValue() : 0;
    if (value < 1 || value > CHOICES_MAX) {
      throw new Malformed(
          "'" + name + "' is no number of answers (expected: 1 to " + CHOICES_MAX + ").", name);
    }
    return (int) value;
  }

  /// How many prompts a list holds: texts, or lists of tokens; a list of numbers is one.
  private static long promptsOf(JsonParser json) {
    long prompts = 0;
    for (JsonToken token = json.nextToken();
        token != null && token != JsonToken.END_ARRAY;
        token = json.nextToken()) {
      prompts += token == JsonToken.VALUE_STRING || token == JsonToken.START_ARRAY ? 1 : 0;
      json.skipChildren();
    }
    return Math.max(1, prompts);
  }

  /// The OpenAI API's names and the grid's own; whatever else is said counts as nothing said.
  private static ServiceTier tierOf(String name) {
    return switch (name) {
      case "realtime" -> ServiceTier.REALTIME;
      case "interactive", "priority", "fast", "scale" -> ServiceTier.INTERACTIVE;
      case "background", "flex" -> ServiceTier.BACKGROUND;
      case "harvest" -> ServiceTier.HARVEST;
      default -> ServiceTier.STANDARD;
    };
  }

  /// `{"type": ...}` of anything but plain text.
  private static boolean formatGuides(JsonParser json, JsonToken token) {
    boolean guides = token == JsonToken.VALUE_STRING;
    if (token == JsonToken.START_OBJECT) {
      for (String name = json.nextName(); name != null; name = json.nextName()) {
        json.nextToken();
        if (name.equals("type")) {
          guides = !"text".equals(json.getValueAsString(""));
        } else {
          json.skipChildren();
        }
      }
    }
    return guides;
  }

  /// `{"format": ...}` of the responses API.
  private static boolean textGuides(JsonParser json) {
    boolean guides = false;
    for (String name = json.nextName(); name != null; name = json.nextName()) {
      JsonToken token = json.nextToken();
      if (name.equals("format")) {
        guides |= formatGuides(json, token);
      } else {
        json.skipChildren();
      }
    }
    return guides;
  }

  /// `{"residency": "JP"}`; what is there and no text narrows to nowhere and is refused.
  private static @Nullable String residencyOf(JsonParser json) {
    String found = null;
    for (String name = json.nextName(); name != null; name = json.nextName()) {
      JsonToken token = json.nextToken();
      if (name.equals("residency")) {
        String said = token == JsonToken.VALUE_STRING ? json.getString() : "?";
        found = found == null ? said : found + "," + said;
      }
      json.skipChildren();
    }
    return found;
  }

  private static boolean includeUsageOf(JsonParser json) throws Malformed {
    boolean include = false;
    for (String name = json.nextName(); name != null; name = json.nextName()) {
      JsonToken token = json.nextToken();
      if (name.equals("include_usage")) {
        include = booleanOf(json, token, "stream_options.include_usage");
      } else {
        json.skipChildren();
      }
    }
    return include;
  }

  private static int startOf(JsonParser json) {
    return (int) json.currentTokenLocation().getByteOffset();
  }

  private static int endOf(JsonParser json) {
    return (int) json.currentLocation().getByteOffset();
  }
}
