package org.aigrid.twin.runs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.twin.engine.Arrival;
import org.aigrid.twin.engine.Timing;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One published run of a real vLLM in the layout of LLMServingSim's `bench/examples`: a folder
/// with `requests.jsonl` and `meta.json`. Immutable.
///
/// @param name the folder's
/// @param profile of the accelerator and model that the folder's name says, with the run's
///   `max_num_seqs`
/// @param arrivals in order, counted from the first
/// @param measured what became of each
public record EngineRun(
    String name, EngineProfile profile, List<Arrival> arrivals, List<Timing> measured) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// Reads a folder. What is wrong with it is an `IllegalArgumentException` that says file, line,
  /// and what was expected.
  public static EngineRun read(Path folder) {
    String name = String.valueOf(folder.getFileName());
    Path meta = folder.resolve("meta.json");
    JsonNode settings;
    List<String> lines;
    try {
      settings = JSON.readTree(Files.readString(meta));
      lines = Files.readAllLines(folder.resolve("requests.jsonl"));
    } catch (IOException | JacksonException e) {
      throw new IllegalArgumentException(
          folder
              + ": "
              + e.getMessage()
              + " (expected: a folder with requests.jsonl and meta.json)",
          e);
    }
    int sequencesMax = settings.path("engine_kwargs").path("max_num_seqs").asInt(0);
    if (sequencesMax < 1) {
      throw new IllegalArgumentException(
          meta + ": engine_kwargs.max_num_seqs (expected: 1 or more)");
    }
    var rows = new ArrayList<Row>();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        rows.add(row(folder.resolve("requests.jsonl") + ":" + (i + 1), lines.get(i)));
      }
    }
    rows.sort((a, b) -> Double.compare(a.queuedMs, b.queuedMs));
    if (rows.isEmpty()) {
      throw new IllegalArgumentException(folder + ": requests.jsonl has no request");
    }
    double fromMs = rows.getFirst().queuedMs;
    return new EngineRun(
        name,
        profileOf(name, sequencesMax),
        rows.stream().map(row -> row.arrival(fromMs)).toList(),
        rows.stream().map(row -> row.timing(fromMs)).toList());
  }

  /// One line; times on the engine's own clock.
  private record Row(
      int promptTokens, int outputTokens, double queuedMs, double firstMs, double lastMs) {
    Arrival arrival(double fromMs) {
      return new Arrival(queuedMs - fromMs, promptTokens, 0, outputTokens);
    }

    Timing timing(double fromMs) {
      return new Timing(queuedMs - fromMs, firstMs - fromMs, lastMs - fromMs, outputTokens);
    }
  }

  private static Row row(String where, String line) {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JacksonException e) {
      throw new IllegalArgumentException(where + ": not JSON (" + e.getOriginalMessage() + ")", e);
    }
    return new Row(
        (int) number(where, json, "input_toks", 1),
        (int) number(where, json, "output_toks", 1),
        number(where, json, "queued_ts", 0) * 1_000,
        number(where, json, "first_token_ts", 0) * 1_000,
        number(where, json, "last_token_ts", 0) * 1_000);
  }

  private static double number(String where, JsonNode json, String field, double least) {
    JsonNode value = json.path(field);
    if (!value.isNumber() || value.doubleValue() < least) {
      throw new IllegalArgumentException(
          where
              + ": "
              + field
              + " is "
              + value
              + " (expected: a number of at least "
              + least
              + ")");
    }
    return value.doubleValue();
  }

  /// By the folder's name, as in `RTXPRO6000-Llama-3.1-8B`.
  private static EngineProfile profileOf(String name, int sequencesMax) {
    String plain = plain(name);
    Accelerator accelerator = null;
    for (Accelerator known : Accelerators.all()) {
      accelerator = plain.startsWith(plain(known.name())) ? known : accelerator;
    }
    ModelSpec model = null;
    for (ModelSpec known : Models.all()) {
      model = plain.endsWith(plain(known.name())) ? known : model;
    }
    if (accelerator == null || model == null) {
      throw new IllegalArgumentException(
          "run "
              + name
              + ": its accelerator or model is not known (expected: ACCELERATOR-MODEL, such as"
              + " RTXPRO6000-Llama-3.1-8B)");
    }
    return EngineProfiles.of(model, accelerator, sequencesMax);
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
  }
}
