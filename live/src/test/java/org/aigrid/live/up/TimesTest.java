package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TimesTest {
  private static final Instant NOW = Instant.parse("2026-11-25T09:00:00Z");

  @Test
  void durationsAndMomentsAsPeopleWriteThem() {
    assertThat(Times.span("--overlap", "24h")).isEqualTo(Duration.ofDays(1));
    assertThat(Times.span("--overlap", "0s")).isZero();
    assertThat(Times.ahead("--expires", "90d", NOW)).isEqualTo(NOW.plus(Duration.ofDays(90)));
    assertThat(Times.ahead("--expires", "2026-11-25", NOW))
        .as("a day lasts to its end")
        .isEqualTo("2026-11-26T00:00:00Z");
    assertThat(Times.ahead("--expires", "2026-11-25T09:00:01Z", NOW)).isEqualTo(NOW.plusSeconds(1));
  }

  @Test
  void theRestIsRefusedInOneSentence() {
    for (String wrong : new String[] {"", "d", "1", "1.5h", "-1d", "1 d", "9999999999s", "600w"}) {
      assertThatThrownBy(() -> Times.span("--overlap", wrong))
          .as(wrong)
          .isInstanceOf(CommandFailure.class)
          .hasMessageContaining("--overlap '" + wrong + "'")
          .hasMessageContaining("expected: such as 30m");
    }
    for (String wrong :
        new String[] {"", "soon", "2026-13-01", "2026-11-25T", "0s", "2026-11-24"}) {
      assertThatThrownBy(() -> Times.ahead("--expires", wrong, NOW))
          .as(wrong)
          .isInstanceOf(CommandFailure.class)
          .hasMessageContaining("expected");
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, 30);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyUnitIsWhatItsNameSays(long seed) {
    long count = new SplittableRandom(seed).nextLong(1, 500);
    assertThat(Times.span("", count + "w")).isEqualTo(Times.span("", 7 * count + "d"));
    assertThat(Times.span("", count + "d")).isEqualTo(Times.span("", 24 * count + "h"));
    assertThat(Times.span("", count + "h")).isEqualTo(Times.span("", 60 * count + "m"));
    assertThat(Times.span("", count + "m")).isEqualTo(Times.span("", 60 * count + "s"));
  }
}
