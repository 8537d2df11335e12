package org.aigrid.core.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.aigrid.core.node.Continuity.Facts;
import org.aigrid.core.node.Continuity.Verdict;
import org.junit.jupiter.api.Test;

class ContinuityTest {
  private static final Facts PLAIN =
      new Facts(true, false, true, 1, false, false, false, true, 500);

  @Test
  void plainTextGoesOnFromWhatTheClientHasHad() {
    assertThat(Continuity.judge(PLAIN)).isEqualTo(Verdict.REPLAY);
    assertThat(Continuity.judge(new Facts(true, false, true, 1, false, false, true, true, 0)))
        .isEqualTo(Verdict.REPLAY);
  }

  @Test
  void aGrammarOrAToolCallGoesOnOnlyWhereTheTokensAreKnown() {
    assertThat(Continuity.judge(new Facts(true, false, true, 1, true, false, false, true, 5)))
        .isEqualTo(Verdict.GUIDED);
    assertThat(Continuity.judge(new Facts(true, false, true, 1, false, true, false, true, 5)))
        .isEqualTo(Verdict.HALF_TOOL_CALL);
    assertThat(Continuity.judge(new Facts(true, false, true, 1, true, true, true, true, 5)))
        .isEqualTo(Verdict.REPLAY);
  }

  @Test
  void whatIsNotKnownIsNotGuessed() {
    assertThat(Continuity.judge(new Facts(false, false, true, 1, false, false, true, true, 5)))
        .isEqualTo(Verdict.NOT_STREAMED);
    assertThat(Continuity.judge(new Facts(true, false, true, 2, false, false, true, true, 5)))
        .isEqualTo(Verdict.SEVERAL_CHOICES);
    assertThat(Continuity.judge(new Facts(true, false, true, 1, false, false, true, false, 5)))
        .isEqualTo(Verdict.NOT_UNDERSTOOD);
    assertThat(
            Continuity.judge(
                new Facts(
                    true, false, true, 1, false, false, true, true, Continuity.CHARACTERS_MAX + 1)))
        .isEqualTo(Verdict.TOO_LONG);
  }

  @Test
  void anAnswerThatHasSaidItsEndIsClosedAndNotContinued() {
    Verdict verdict = Continuity.judge(new Facts(true, true, true, 1, true, true, false, true, 5));
    assertThat(verdict).isEqualTo(Verdict.CLOSE);
    assertThat(verdict.resumable()).isFalse();
    assertThat(Continuity.judge(new Facts(true, true, false, 1, false, false, true, true, 5)))
        .as("an end that repeats the whole answer is nobody else's to say")
        .isEqualTo(Verdict.NOT_UNDERSTOOD);
  }
}
