package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;

import org.aigrid.core.admit.Settlement.Facts;
import org.aigrid.core.admit.Settlement.Reserved;
import org.aigrid.core.admit.Settlement.Used;
import org.junit.jupiter.api.Test;

class SettlementTest {
  @Test
  void whatTheEngineTellsIsUsed() {
    assertThat(Settlement.of(new Facts(true, 7, 5, false, true, 9, 4))).isEqualTo(new Used(7, 5));
  }

  @Test
  void whoeverLeavesBeforeThatHasUsedWhatWentBy() {
    assertThat(Settlement.of(new Facts(false, 0, 0, false, true, 9, 4))).isEqualTo(new Used(9, 4));
  }

  @Test
  void whatNobodyAnsweredIsFreeAndWhatNobodyKnowsStaysReserved() {
    assertThat(Settlement.of(new Facts(false, 0, 0, true, false, 9, 0))).isEqualTo(new Used(0, 0));
    assertThat(Settlement.of(new Facts(false, 0, 0, false, false, 9, 0))).isEqualTo(new Reserved());
  }
}
