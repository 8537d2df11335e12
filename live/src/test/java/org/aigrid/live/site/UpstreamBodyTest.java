package org.aigrid.live.site;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class UpstreamBodyTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int SEEDS = 300;

  private static String edited(String body, @Nullable String model, boolean usageChunk) {
    return new String(UpstreamBody.of(body.getBytes(UTF_8), model, usageChunk, "t", false), UTF_8);
  }

  @Test
  void nothingToChangeChangesNothing() {
    byte[] body = " { \"model\" : \"a\", \"stream\":true } ".getBytes(UTF_8);
    assertThat(UpstreamBody.of(body, null, false, "t", false)).isSameAs(body);
  }

  @Test
  void aTenantReadsInItsOwnPartOfTheCacheWhateverItSays() {
    assertThat(salted("{\"a\":1}", "t1")).isEqualTo("{\"cache_salt\":\"t1\",\"a\":1}");
    assertThat(salted("{}", "t1")).isEqualTo("{\"cache_salt\":\"t1\"}");
    assertThat(salted("{}", "")).as("never empty").isEqualTo("{\"cache_salt\":\"nobody\"}");
    assertThat(salted("{\"cache_salt\":\"t2\"}", "t1")).isEqualTo("{\"cache_salt\":\"t1-t2\"}");
    assertThat(salted("{\"c\\u0061che_salt\":\"t2\",\"cache_salt\" :[ {} ] }", "t1"))
        .isEqualTo("{\"c\\u0061che_salt\":\"t1-t2\",\"cache_salt\" :\"t1\" }");
    assertThat(edited("{\"cache_salt\":\"t2\"}", null, false))
        .as("a server that nobody knows to be vLLM yet")
        .isEqualTo("{\"cache_salt\":\"t-t2\"}");
    assertThat(edited("{\"a\":1}", null, false)).isEqualTo("{\"a\":1}");
  }

  private static String salted(String body, String tenant) {
    return new String(UpstreamBody.of(body.getBytes(UTF_8), null, true, tenant, true), UTF_8);
  }

  @Test
  void theModelIsRenamedInPlaceAndNowhereElse() {
    assertThat(
            edited(
                "{\"x\":{\"model\":\"a\"}, \"model\" : \"a\\u0062\" ,\"y\":\"model\"}",
                "B/\"c",
                true))
        .isEqualTo("{\"x\":{\"model\":\"a\"}, \"model\" : \"B/\\\"c\" ,\"y\":\"model\"}");
  }

  @Test
  void aStreamIsMadeToTellItsUsageWhateverItSaidOfIt() {
    assertThat(edited("{\"stream\":true}", null, true))
        .isEqualTo("{\"stream_options\":{\"include_usage\":true},\"stream\":true}");
    assertThat(
            edited(
                "{\"stream_options\":{\"a\":1,\"include_usage\":false},\"stream\":true}",
                null,
                true))
        .isEqualTo("{\"stream_options\":{\"a\":1,\"include_usage\":true},\"stream\":true}");
    assertThat(edited("{\"stream_options\":null,\"stream\":true}", null, true))
        .isEqualTo("{\"stream_options\":{\"include_usage\":true},\"stream\":true}");
    assertThat(edited("{\"stream\":false}", null, true)).isEqualTo("{\"stream\":false}");
  }

  @Test
  void whateverTheBodyOnlyModelAndUsageChange() {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      var fields =
          new ArrayList<>(
              List.of(
                  "\"model\": \"さくら\"",
                  "\"stream\":" + random.nextBoolean(),
                  "\"messages\":[{\"content\":\"" + "é\\\"{さ".repeat(random.nextInt(5)) + "\"}]",
                  "\"n\" : " + random.nextInt()));
      if (random.nextBoolean()) {
        fields.add("\"stream_options\":{\"z\":[1,{\"model\":2}]}");
      }
      Collections.shuffle(fields, new Random(seed));
      String body = "{" + String.join(" ,\n", fields) + "}";
      var wanted = (ObjectNode) JSON.readTree(body);
      wanted.put("model", "m");
      if (wanted.path("stream").booleanValue()) {
        if (!wanted.has("stream_options")) {
          wanted.set("stream_options", JSON.createObjectNode());
        }
        ((ObjectNode) wanted.path("stream_options")).put("include_usage", true);
      }
      assertThat(JSON.readTree(edited(body, "m", true))).as(body).isEqualTo(wanted);
    }
  }
}
