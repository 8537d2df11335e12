package org.aigrid.live.engine;

import de.kherud.llama.InferenceParameters;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// The prompt of a generation that goes on after tokens generated elsewhere.
///
/// llama.cpp takes a prompt that mixes text and token ids, so that nothing is tokenized anew across
/// the seam: what was generated as two tokens stays two, although its text might be one. The
/// library's Java part offers prompts of text only, but writes the request's JSON from a map, into
/// which the mixed prompt is put here.
final class LlamaPrompt {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Field PARAMETERS = parametersField();

  private LlamaPrompt() {}

  private static Field parametersField() {
    try {
      Field field = InferenceParameters.class.getSuperclass().getDeclaredField("parameters");
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(
          "this version of de.kherud:llama keeps its request elsewhere (expected: 4.2.0)", e);
    }
  }

  /// @param begun what to go on after: by its ids where they are known, else by its text
  static InferenceParameters of(String prompt, GenerationRequest.@Nullable Begun begun) {
    if (begun == null || begun.tokens() == 0) {
      return new InferenceParameters(prompt);
    }
    int[] ids = begun.ids();
    if (ids == null) {
      return new InferenceParameters(prompt + begun.text());
    }
    var parameters = new InferenceParameters(prompt);
    String tail = IntStream.of(ids).mapToObj(Integer::toString).collect(Collectors.joining(","));
    try {
      @SuppressWarnings("unchecked")
      var map = (Map<String, String>) PARAMETERS.get(parameters);
      map.put("prompt", "[" + JSON.writeValueAsString(prompt) + "," + tail + "]");
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
    return parameters;
  }
}
