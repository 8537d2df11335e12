package org.aigrid.live.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.aigrid.live.wire.Replay;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What a server that goes on with another's answer is asked, and what becomes of its frames.
class ContinuedAnswerTest {
  private static final Replay BEGUN =
      new Replay("c1", 5, "m", 0, true, false, "Once upon", 2, null, null);

  private static JsonNode json(byte @Nullable [] bytes) {
    return JsonMapper.shared().readTree(bytes);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aChatEndsWithTheTextSoFarAndHasSoManyTokensLess() {
    JsonNode asked =
        json(
            ContinuedAnswer.request(
                bytes(
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":10,"
                        + "\"x\":[1]}"),
                "/v1/chat/completions",
                BEGUN));
    assertThat(asked.path("messages").size()).isEqualTo(2);
    assertThat(asked.path("messages").get(1).path("role").asString("")).isEqualTo("assistant");
    assertThat(asked.path("messages").get(1).path("content").asString("")).isEqualTo("Once upon");
    assertThat(asked.path("continue_final_message").asBoolean(false)).isTrue();
    assertThat(asked.path("add_generation_prompt").asBoolean(true)).isFalse();
    assertThat(asked.path("max_tokens").asInt(0)).isEqualTo(8);
    assertThat(asked.path("x").size()).as("what is not known is passed on").isEqualTo(1);
  }

  @Test
  void aCompletionHasALongerPrompt() {
    JsonNode asked =
        json(ContinuedAnswer.request(bytes("{\"prompt\":\"Say: \"}"), "/v1/completions", BEGUN));
    assertThat(asked.path("prompt").asString("")).isEqualTo("Say: Once upon");
    asked =
        json(ContinuedAnswer.request(bytes("{\"prompt\":[\"Say: \"]}"), "/v1/completions", BEGUN));
    assertThat(asked.path("prompt").asString("")).as("of one").isEqualTo("Say: Once upon");
  }

  @Test
  void whatCannotBeMadeLongerIsNotAskedFor() {
    for (String body :
        List.of(
            "{\"prompt\":[1,2,3]}",
            "{\"prompt\":[[1,2,3]]}",
            "{\"prompt\":[\"a\",\"b\"]}",
            "{\"prompt\":\"a\",\"echo\":true}")) {
      assertThat(ContinuedAnswer.request(bytes(body), "/v1/completions", BEGUN)).as(body).isNull();
    }
    String prefilled =
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"So\"}],\"continue_final_message\":true}";
    assertThat(ContinuedAnswer.request(bytes(prefilled), "/v1/chat/completions", BEGUN)).isNull();
    var nothingYet = new Replay("c1", 5, "m", 0, true, false, "", 0, null, null);
    byte[] ids = bytes("{\"prompt\":[1,2,3]}");
    assertThat(ContinuedAnswer.request(ids, "/v1/completions", nothingYet))
        .as("what has no text yet begins anew")
        .isEqualTo(ids);
  }

  @Test
  void ofAFrameOnlyTheRoleIsDropped() {
    var answer = new ContinuedAnswer(BEGUN);
    String call = "\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\"}}]";
    for (String delta :
        List.of(
            call,
            "\"role\":\"assistant\",\"content\":null," + call,
            "\"reasoning_content\":\"hm\"",
            "\"refusal\":\"no\"")) {
      String frame = "data: {\"choices\":[{\"index\":0,\"delta\":{" + delta + "}}]}\n\n";
      ByteBuf passed = answer.rewrite(Unpooled.copiedBuffer(bytes(frame)));
      assertThat(passed.toString(StandardCharsets.UTF_8))
          .contains(delta.substring(delta.lastIndexOf(call) < 0 ? 0 : delta.lastIndexOf(call)))
          .doesNotContain("role");
      passed.release();
    }
    for (String delta :
        List.of(
            "\"role\":\"assistant\"",
            "\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":null",
            "\"content\":null")) {
      String frame = "data: {\"choices\":[{\"index\":0,\"delta\":{" + delta + "}}]}\n\n";
      ByteBuf passed = answer.rewrite(Unpooled.copiedBuffer(bytes(frame)));
      assertThat(passed.isReadable()).as(delta).isFalse();
      passed.release();
    }
    answer.close();
  }

  @Test
  void framesBecomeThoseOfTheFirstAnswerWhereverTheyAreCut() {
    String sent =
        "data: {\"id\":\"x\",\"created\":9,\"model\":\"other\",\"choices\":[{\"index\":0,\"delta\":"
            + "{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
            + "data: {\"id\":\"x\",\"created\":9,\"model\":\"other\",\"choices\":[{\"index\":0,"
            + "\"delta\":{\"content\":\" a\"}}]}\n\n"
            + "data: {\"id\":\"x\",\"created\":9,\"model\":\"other\",\"choices\":[{\"index\":0,"
            + "\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
            + "data: {\"id\":\"x\",\"created\":9,\"model\":\"other\",\"choices\":[],\"usage\":"
            + "{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10}}\n\n"
            + "data: [DONE]\n\n";
    byte[] all = bytes(sent);
    for (int step : new int[] {1, 7, 100, all.length}) {
      var answer = new ContinuedAnswer(BEGUN);
      var out = new StringBuilder();
      for (int from = 0; from < all.length; from += step) {
        ByteBuf part = Unpooled.copiedBuffer(all, from, Math.min(step, all.length - from));
        ByteBuf passed = answer.rewrite(part);
        out.append(passed.toString(StandardCharsets.UTF_8));
        passed.release();
      }
      answer.close();
      String[] frames = out.toString().split("\n\n");
      assertThat(frames).as("step %d", step).hasSize(4); // the role's frame is gone
      assertThat(frames[3]).isEqualTo("data: [DONE]");
      for (int i = 0; i < 3; i++) {
        JsonNode frame = json(bytes(frames[i].substring("data: ".length())));
        assertThat(frame.path("id").asString("")).isEqualTo("c1");
        assertThat(frame.path("created").asInt(0)).isEqualTo(5);
        assertThat(frame.path("model").asString("")).isEqualTo("m");
      }
      JsonNode usage = json(bytes(frames[2].substring("data: ".length()))).path("usage");
      assertThat(usage.path("prompt_tokens").asInt(0)).as("the prompt once").isEqualTo(7);
      assertThat(usage.path("completion_tokens").asInt(0)).isEqualTo(3);
      assertThat(usage.path("total_tokens").asInt(0)).isEqualTo(10);
    }
  }
}
