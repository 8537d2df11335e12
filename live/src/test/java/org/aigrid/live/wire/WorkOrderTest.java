package org.aigrid.live.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.aigrid.live.wire.WorkOrder.Checked;
import org.aigrid.live.wire.WorkOrder.Fault;
import org.junit.jupiter.api.Test;

class WorkOrderTest {
  private static final byte[] GATEWAY_KEY = new byte[32];
  private static final byte[] MINATO = WorkOrder.siteKey(GATEWAY_KEY, "cell-minato");
  private static final long NOW_MS = 1_790_000_000_000L;

  private static final WorkOrder ORDER =
      new WorkOrder(
          "gateway-1",
          "cell-minato",
          "req-7",
          1,
          "ministry",
          "tax",
          "JP",
          "infer",
          "standard",
          "interactive",
          "m",
          NOW_MS,
          NOW_MS + 30_000);

  private static Checked check(String header, String site, long nowMs) {
    return WorkOrder.check(
        header,
        site,
        gateway -> gateway.equals("gateway-1") ? WorkOrder.siteKey(GATEWAY_KEY, site) : null,
        nowMs);
  }

  @Test
  void anOrderHoldsAtItsSiteInItsTime() {
    String header = ORDER.signed(MINATO);
    assertThat(check(header, "cell-minato", NOW_MS)).isEqualTo(new Checked.Good(ORDER));
    assertThat(check(header, "cell-minato", NOW_MS + 30_000)).isInstanceOf(Checked.Good.class);
    assertThat(check(header, "cell-minato", NOW_MS + 36_000))
        .isEqualTo(new Checked.Bad(Fault.STALE));
    assertThat(check(header, "cell-minato", NOW_MS - 6_000))
        .isEqualTo(new Checked.Bad(Fault.STALE));
    assertThat(check(header, "hub", NOW_MS))
        .as("another key")
        .isEqualTo(new Checked.Bad(Fault.FORGED));
    var forAnother = new Checked.Bad(Fault.OTHER_SITE);
    assertThat(WorkOrder.check(header, "hub", _ -> MINATO, NOW_MS)).isEqualTo(forAnother);
    assertThat(WorkOrder.check(null, "hub", _ -> MINATO, NOW_MS))
        .isEqualTo(new Checked.Bad(Fault.UNREADABLE));
    assertThat(WorkOrder.check(header, "cell-minato", _ -> null, NOW_MS))
        .isEqualTo(new Checked.Bad(Fault.FORGED));
  }

  @Test
  void nobodyGivesAnOrderForLongerThanItsLife() {
    var forever =
        new WorkOrder(
            "gateway-1",
            "cell-minato",
            "r",
            0,
            "t",
            "-",
            "*",
            "infer",
            "standard",
            "standard",
            "org/m",
            NOW_MS,
            NOW_MS + 30_001);
    assertThat(check(forever.signed(MINATO), "cell-minato", NOW_MS))
        .isEqualTo(new Checked.Bad(Fault.STALE));
  }

  @Test
  void everyOrderThatCanBeGivenIsReadAtItsSite() {
    var random = new Random(11);
    for (int i = 0; i < 2_000; i++) {
      var places = new StringBuilder();
      for (int n = random.nextInt(300); n > 0; n--) {
        places.append(places.isEmpty() ? "" : ",");
        places.append((char) ('A' + random.nextInt(26))).append((char) ('A' + random.nextInt(26)));
      }
      var model = new StringBuilder();
      for (int n = random.nextInt(128); n > 0; n--) {
        model.appendCodePoint(random.nextInt(1, 0xD7FF));
      }
      String list = random.nextInt(9) == 0 ? "*" : places.toString();
      var order =
          new WorkOrder(
              "gateway-1",
              "cell-minato",
              "r".repeat(1 + random.nextInt(128)),
              random.nextInt(9),
              "t".repeat(1 + random.nextInt(128)),
              "p".repeat(1 + random.nextInt(128)),
              list,
              "prewarm",
              "harvest",
              "standard",
              model.toString(),
              NOW_MS,
              NOW_MS + 1);
      String header = order.signed(MINATO);
      assertThat(header).matches("[!-~]+");
      assertThat(check(header, "cell-minato", NOW_MS)).isEqualTo(new Checked.Good(order));
    }
  }

  @Test
  void aChangedCharacterIsNoticed() {
    String header = ORDER.signed(MINATO);
    var random = new Random(5);
    for (int i = 0; i < 5_000; i++) {
      var changed = new StringBuilder(header);
      int at = random.nextInt(header.length());
      switch (random.nextInt(3)) {
        case 0 -> changed.setCharAt(at, (char) (' ' + random.nextInt(95)));
        case 1 -> changed.deleteCharAt(at);
        default -> changed.insert(at, (char) (' ' + random.nextInt(95)));
      }
      if (!changed.toString().equals(header)) {
        assertThat(check(changed.toString(), "cell-minato", NOW_MS))
            .as(changed.toString())
            .isInstanceOf(Checked.Bad.class);
      }
    }
  }

  @Test
  void namesThatWouldNotBeReadBackAreRefused() {
    assertThatThrownBy(
            () ->
                new WorkOrder(
                    "g",
                    "s",
                    "r",
                    0,
                    "a|b",
                    "-",
                    "*",
                    "infer",
                    "standard",
                    "standard",
                    "m",
                    NOW_MS,
                    NOW_MS))
        .hasMessageContaining("'a|b'")
        .hasMessageContaining("expected: 1 to 128");
    assertThatThrownBy(
            () ->
                new WorkOrder(
                    "g",
                    "s",
                    "r",
                    0,
                    "t",
                    "-",
                    "jp",
                    "infer",
                    "standard",
                    "standard",
                    "m",
                    NOW_MS,
                    NOW_MS))
        .hasMessageContaining("jurisdictions 'jp'");
  }
}
