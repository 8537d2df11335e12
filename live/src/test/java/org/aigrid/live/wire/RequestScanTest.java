package org.aigrid.live.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.load.PromptBlocks;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class RequestScanTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int SEEDS = 300;

  private static RequestScan scan(String body) throws RequestScan.Malformed {
    byte[] bytes = body.getBytes(UTF_8);
    return RequestScan.of(bytes, bytes.length);
  }

  private static String cut(String body, int from, int to) {
    byte[] bytes = body.getBytes(UTF_8);
    return new String(bytes, from, to - from, UTF_8);
  }

  @Test
  void readsWhatAGatewayNeedsAndWhereThePromptLies() throws Exception {
    String body =
        """
        { "model" : "llama",  "messages" : [ {"role":"user","content":"さくら \\"x\\" ]"} ] ,
          "tools":[{"type":"function"}], "stream":true, "max_completion_tokens": 12,
          "stream_options":{"other":{"a":[1]},"include_usage":true}, "later":{"model":"no"} }
        """;
    RequestScan scan = scan(body);
    assertThat(scan.model()).isEqualTo("llama");
    assertThat(scan.stream()).isTrue();
    assertThat(scan.includeUsage()).isTrue();
    assertThat(scan.outputTokensMax()).isEqualTo(12);
    assertThat(cut(body, scan.promptFrom(), scan.promptTo()))
        .isEqualTo("[ {\"role\":\"user\",\"content\":\"さくら \\\"x\\\" ]\"} ]");
    assertThat(cut(body, scan.toolsFrom(), scan.toolsTo())).isEqualTo("[{\"type\":\"function\"}]");
  }

  private static long most(String fields) throws Exception {
    return scan("{\"model\":\"m\"," + fields + "}").outputTokensMost(100);
  }

  @Test
  void whatARequestCanCostCountsAllItsAnswers() throws Exception {
    assertThat(most("\"prompt\":\"x\"")).isEqualTo(100);
    assertThat(most("\"prompt\":\"x\",\"max_tokens\":7")).isEqualTo(7);
    assertThat(most("\"n\":3,\"max_tokens\":7")).isEqualTo(21);
    assertThat(most("\"n\":null,\"best_of\":4,\"max_tokens\":7")).isEqualTo(28);
    assertThat(most("\"n\":2,\"prompt\":[\"a\",\"b\",\"c\"],\"max_tokens\":7")).isEqualTo(42);
    assertThat(most("\"prompt\":[[1,2],[3,[4]]],\"max_tokens\":7")).isEqualTo(14);
    assertThat(most("\"prompt\":[1,2,3],\"max_tokens\":7")).isEqualTo(7);
    assertThat(most("\"prompt\":[],\"max_tokens\":7")).isEqualTo(7);
    assertThat(scan("{\"prompt\":[\"a\",\"b\"],\"n\":2}").choices()).isEqualTo(2);
    String body = "{\"prompt\": [\"a\",\"b]\"] ,\"n\":2}";
    RequestScan scan = scan(body);
    assertThat(cut(body, scan.promptFrom(), scan.promptTo())).isEqualTo("[\"a\",\"b]\"]");
  }

  @Test
  void aNumberOfAnswersThatIsNoneIsRefused() {
    for (String wrong : List.of("0", "-1", "129", "1e9", "99999999999999999999", "\"2\"", "true")) {
      for (String name : List.of("n", "best_of")) {
        var refused =
            catchThrowableOfType(
                RequestScan.Malformed.class, () -> scan("{\"" + name + "\":" + wrong + "}"));
        assertThat(refused)
            .as(name + " " + wrong)
            .hasMessage("'" + name + "' is no number of answers (expected: 1 to 128).");
        assertThat(refused.param()).isEqualTo(name);
      }
    }
  }

  @Test
  void aConversationMayHaveAName() throws Exception {
    assertThat(scan("{\"model\":\"m\",\"prompt_cache_key\":\"chat-17\"}").session())
        .isEqualTo("chat-17");
    assertThat(scan("{\"model\":\"m\",\"prompt_cache_key\":{\"a\":[1]},\"prompt\":\"x\"}"))
        .satisfies(scan -> assertThat(scan.session()).isNull())
        .satisfies(scan -> assertThat(scan.promptTo() - scan.promptFrom()).isEqualTo(3));
    assertThat(scan("{\"model\":\"m\"}").session()).isNull();
  }

  @Test
  void whatComputesAPromptAheadAsksForOneTokenOfIt() throws Exception {
    String body =
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"n\":3,"
            + "\"min_tokens\":9,\"max_completion_tokens\":900,\"messages\":[{\"role\":\"user\","
            + "\"content\":\"\\u3055くら \\\"stream\\\":true\"}],\"tools\":[{\"type\":\"function\"}]}";
    byte[] ahead = PrewarmBody.of(body.getBytes(UTF_8), "/v1/chat/completions");
    var read = JSON.readTree(ahead);
    assertThat(read.propertyNames())
        .containsExactlyInAnyOrder("model", "messages", "tools", "max_tokens");
    assertThat(read.path("max_tokens").intValue()).isEqualTo(1);
    assertThat(read.path("messages")).isEqualTo(JSON.readTree(body).path("messages"));
    var other = JSON.readTree(PrewarmBody.of(body.getBytes(UTF_8), "/v1/responses"));
    assertThat(other.path("max_output_tokens").intValue()).isEqualTo(1);
  }

  @Test
  void whateverOrderAndSpacingTheFieldsComeInTheAnswerIsTheSame() throws Exception {
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      String model = "m" + random.nextInt(1_000);
      String prompt = JSON.writeValueAsString(List.of(text(random), text(random)));
      int tokens = random.nextInt(1, 100_000);
      boolean stream = random.nextBoolean();
      var fields = new ArrayList<String>();
      fields.add("\"model\":" + space(random) + JSON.writeValueAsString(model));
      fields.add("\"input\":" + space(random) + prompt);
      fields.add("\"stream\":" + stream);
      fields.add("\"max_output_tokens\":" + space(random) + tokens);
      for (int i = random.nextInt(4); i > 0; i--) {
        fields.add("\"x" + i + "\":" + anything(random, 4));
      }
      Collections.shuffle(fields, new java.util.Random(seed));
      String body = "{" + String.join(space(random) + "," + space(random), fields) + "}";
      RequestScan scan = scan(body);
      assertThat(scan.model()).as(body).isEqualTo(model);
      assertThat(scan.stream()).as(body).isEqualTo(stream);
      assertThat(scan.outputTokensMax()).as(body).isEqualTo(tokens);
      assertThat(cut(body, scan.promptFrom(), scan.promptTo())).as(body).isEqualTo(prompt);
    }
  }

  private static String space(SplittableRandom random) {
    return " \n\t".repeat(random.nextInt(3));
  }

  private static String text(SplittableRandom random) {
    var text = new StringBuilder();
    for (int i = random.nextInt(30); i > 0; i--) {
      text.appendCodePoint("a\"\\{}[],:\néさ😀\u2028".codePointAt(2 * random.nextInt(5)));
    }
    return text.toString();
  }

  private static String anything(SplittableRandom random, int depth) {
    return switch (depth == 0 ? random.nextInt(4) : random.nextInt(6)) {
      case 0 -> "null";
      case 1 -> String.valueOf(random.nextLong());
      case 2 -> random.nextDouble() + "e3";
      case 3 -> JSON.writeValueAsString(text(random));
      case 4 -> "[" + anything(random, depth - 1) + "," + anything(random, depth - 1) + "]";
      default -> "{\"messages\":" + anything(random, depth - 1) + "}";
    };
  }

  @Test
  void aPromptMayBeMegabytesLongAndABareString() throws Exception {
    String prompt = "\"" + "lorem さくら ".repeat(300_000) + "\"";
    String body = "{\"prompt\":" + prompt + ",\"model\":\"m\"}";
    RequestScan scan = scan(body);
    assertThat(cut(body, scan.promptFrom(), scan.promptTo())).isEqualTo(prompt);
    assertThat(scan.promptTokens()).isEqualTo(prompt.getBytes(UTF_8).length / 4);
    assertThat(scan.model()).isEqualTo("m");
  }

  @Test
  void numbersAreClampedAndTheLargestLimitCounts() throws Exception {
    assertThat(scan("{\"max_tokens\":99999999999999999999}").outputTokensMax())
        .isEqualTo(Integer.MAX_VALUE);
    assertThat(scan("{\"max_tokens\":5,\"max_completion_tokens\":7}").outputTokensMax())
        .isEqualTo(7);
    assertThat(scan("{\"max_tokens\":null,\"stream\":null}").outputTokensMax()).isZero();
    assertThat(scan("{}").model()).isNull();
    assertThat(scan("{}").promptTokens()).isOne();
  }

  @Test
  void whatCannotBeReadIsSaidInASentenceThatNamesTheField() {
    assertMalformed("[]", "not a JSON object", null);
    assertMalformed("", "not a JSON object", null);
    assertMalformed("{\"model\":1}", "'model' is not a string", "model");
    assertMalformed("{\"model\":\"\"}", "expected: 1 to 256", "model");
    assertMalformed("{\"model\":\"" + "m".repeat(257) + "\"}", "expected: 1 to 256", "model");
    assertMalformed("{\"stream\":\"yes\"}", "'stream' is not a boolean", "stream");
    assertMalformed("{\"max_tokens\":1.5}", "'max_tokens' is not an integer", "max_tokens");
    assertMalformed("{\"max_tokens\":-1}", "below 0", "max_tokens");
    assertMalformed("{\"a\":1\n,}", "not valid JSON at line 2", null);
    assertMalformed("{\"a\":1", "not valid JSON", null);
    assertMalformed("{}{}", "goes on after", null);
    assertMalformed("{\"model\":\"a\",\"x\":1,\"model\":\"b\"}", "stands twice", "model");
    assertMalformed("{\"stream\":true,\"stream\":false}", "stands twice", "stream");
    assertMalformed("{\"a\":" + "[".repeat(300) + "]".repeat(300) + "}", "200 levels", null);
    assertMalformed("{\"a\":NaN}", "not valid JSON", null);
    var notUtf8 =
        catchThrowableOfType(
            RequestScan.Malformed.class,
            () -> RequestScan.of(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'}, 7));
    assertThat(notUtf8).hasMessageContaining("not valid JSON");
  }

  private static void assertMalformed(String body, String sentence, @Nullable String param) {
    var malformed = catchThrowableOfType(RequestScan.Malformed.class, () -> scan(body));
    assertThat(malformed).as(body).hasMessageContaining(sentence);
    assertThat(malformed.param()).as(body).isEqualTo(param);
  }

  @Test
  void aConversationThatGoesOnSharesItsBlocksAndOtherToolsShareNone() throws Exception {
    String turn = "{\"role\":\"user\",\"content\":\"" + "tell me more ".repeat(100) + "\"}";
    String first = "{\"model\":\"m\",\"messages\":[" + turn + "]}";
    String second = "{\"model\":\"m\",\"messages\":[" + turn + "," + turn + "]}";
    String tools = "{\"tools\":[{\"name\":\"t\"}],\"messages\":[" + turn + "]}";
    PromptBlocks one = blocks(first, 1);
    PromptBlocks two = blocks(second, 1);
    assertThat(one.count()).isGreaterThan(3);
    for (int i = 0; i < one.count(); i++) {
      assertThat(two.hash(i)).isEqualTo(one.hash(i));
      assertThat(blocks(first, 2).hash(i)).as("another tenant").isNotEqualTo(one.hash(i));
      assertThat(blocks(tools, 1).hash(i)).as("other tools").isNotEqualTo(one.hash(i));
    }
  }

  @Test
  void fieldsThatAreNotReadHereMayStandTwiceAndToolsMayBeAnything() throws Exception {
    assertThat(scan("{\"x\":1,\"x\":2,\"model\":\"m\"}").model()).isEqualTo("m");
    String body = "{\"tools\":\"none at all\",\"model\":\"m\"}";
    RequestScan scan = scan(body);
    assertThat(cut(body, scan.toolsFrom(), scan.toolsTo())).isEqualTo("\"none at all\"");
  }

  private static PromptBlocks blocks(String body, long salt) throws RequestScan.Malformed {
    var blocks = new PromptBlocks();
    scan(body).hash(body.getBytes(UTF_8), salt, blocks);
    return blocks;
  }
}
