package org.aigrid.live.site;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.fuzz.Finding;
import org.aigrid.live.wire.Replay;
import org.aigrid.live.wire.RequestScan;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The JSON of a request, and that of a replay. A body that the gateway's scan lets through means
/// to a server what it meant to the gateway: the same model, and the tenant's own cache salt, each
/// once.
public final class JsonTarget {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private JsonTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    replay(input);
    RequestScan scan;
    try {
      scan = RequestScan.of(input, input.length);
    } catch (RequestScan.Malformed e) {
      return;
    }
    Finding.unless(
        scan.promptFrom() < 0
            || scan.promptFrom() <= scan.promptTo() && scan.promptTo() <= input.length,
        "a prompt outside of its body");
    Finding.unless(scan.promptTokens() > 0 && scan.outputTokensMax() >= 0, "tokens below zero");
    scan.hash(input, 1, new PromptBlocks());
    byte[] sent = UpstreamBody.of(input, "served", true, "tenant", true);
    JsonNode before = JSON.readTree(input);
    JsonNode after;
    try {
      after = JSON.readTree(sent);
    } catch (JacksonException e) {
      throw new Finding("no JSON any more: " + new String(sent, StandardCharsets.UTF_8));
    }
    Finding.unless(before.isObject(), "the scan let through what is no object");
    String model = before.path("model").isString() ? before.path("model").stringValue() : null;
    Finding.unlessEqual("the model of scan and tree", scan.model(), model);
    if (model != null) {
      Finding.unlessEqual("the server's model", "served", after.path("model").asString(""));
    }
    String salt = after.path("cache_salt").asString("");
    Finding.unless(
        salt.equals("tenant") || salt.startsWith("tenant-"), "another tenant's salt: " + salt);
    if (scan.stream()) {
      Finding.unless(
          after.path("stream_options").path("include_usage").asBoolean(false),
          "a stream that does not tell its usage");
    }
  }

  private static void replay(byte[] input) {
    Replay replay;
    try {
      replay = Replay.parse(input, 0, input.length);
    } catch (IllegalArgumentException e) {
      return;
    }
    byte[] json = replay.json();
    Replay again = Replay.parse(json, 0, json.length);
    Finding.unlessEqual("a replay's text", replay.text(), again.text());
    Finding.unless(
        replay.engine() == null || Arrays.equals(replay.ids(), again.ids()), "a replay's ids");
  }
}
