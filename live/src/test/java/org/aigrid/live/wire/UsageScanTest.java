package org.aigrid.live.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class UsageScanTest {
  private static final int SEEDS = 300;

  private static UsageScan scan(String... parts) {
    var scan = new UsageScan();
    for (String part : parts) {
      scan.feed(Unpooled.copiedBuffer(part, UTF_8));
    }
    return scan;
  }

  @Test
  void countsOfChatCompletionsAndOfResponsesAreFound() {
    UsageScan chat =
        scan(
            "{\"choices\":[],\"usage\": {\"prompt_tokens\": 12, \"completion_tokens\":34,"
                + "\"total_tokens\":46,\"prompt_tokens_details\":{\"cached_tokens\":5}}}");
    assertThat(chat.found()).isTrue();
    assertThat(chat.promptTokens()).isEqualTo(12);
    assertThat(chat.completionTokens()).isEqualTo(34);
    assertThat(chat.cachedTokens()).isEqualTo(5);
    assertThat(chat.objects()).isOne();

    UsageScan responses =
        scan(
            "{\"usage\":{\"input_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":0},"
                + "\"output_tokens\":9,\"total_tokens\":16}}");
    assertThat(responses.promptTokens()).isEqualTo(7);
    assertThat(responses.completionTokens()).isEqualTo(9);
  }

  @Test
  void itIsReadHoweverAServerWritesIt() {
    UsageScan scan =
        scan(
            "{\n  \"usage\" :\n  {\n    \"note\": \"a } and \\\" and { 7\",\n"
                + "    \"prompt_tokens\" : 12,\n    \"completion_tokens\":\t34\n  }\n}");
    assertThat(scan.promptTokens()).isEqualTo(12);
    assertThat(scan.completionTokens()).isEqualTo(34);
    assertThat(scan.objects()).isOne();
    assertThat(scan("{\"usage\" \"x\":{\"prompt_tokens\":1}}").found()).isFalse();
  }

  @Test
  void theLastUsageCountsAndNoneIsNone() {
    String running = "data: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":%d}}\n\n";
    UsageScan scan = scan(running.formatted(1), running.formatted(2), running.formatted(3));
    assertThat(scan.completionTokens()).isEqualTo(3);
    assertThat(scan.objects()).isEqualTo(3);
    UsageScan none = scan("{\"usage\":null,\"choices\":[]}");
    assertThat(none.found()).isFalse();
    assertThat(none.promptTokens()).isZero();
  }

  @Test
  void howeverTheBytesAreCutAndWhateverTheTextSaysTheCountsAreTheSame() {
    var json = JsonMapper.builder().build();
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new SplittableRandom(seed);
      int prompt = random.nextInt(1 << 20);
      int completion = random.nextInt(1 << 20);
      String lie = "so \"usage\":{\"prompt_tokens\":666,\"completion_tokens\":666} \\\"usage\\\":{";
      byte[] all =
          ("{\"choices\":[{\"text\":"
                  + json.writeValueAsString(lie.repeat(random.nextInt(3)))
                  + "}],\"usage\":{\"completion_tokens\":"
                  + completion
                  + ",\"prompt_tokens\":"
                  + prompt
                  + "}}")
              .getBytes(UTF_8);
      var scan = new UsageScan();
      for (int at = 0; at < all.length; ) {
        int length = Math.min(all.length - at, 1 + random.nextInt(20));
        scan.feed(Unpooled.wrappedBuffer(all, at, length));
        at += length;
      }
      assertThat(scan.promptTokens()).as("seed %d", seed).isEqualTo(prompt);
      assertThat(scan.completionTokens()).as("seed %d", seed).isEqualTo(completion);
    }
  }

  @Test
  void absurdCountsAreClampedInsteadOfOverflowing() {
    UsageScan scan = scan("{\"usage\":{\"prompt_tokens\":99999999999999999999999}}");
    assertThat(scan.promptTokens()).isEqualTo(Integer.MAX_VALUE);
  }
}
