package org.aigrid.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.aigrid.live.wire.WorkOrder;

/// A work order's header: what is not signed is never followed, and what is signed says at the site
/// what it said at the gateway, or is refused.
public final class OrderTarget {
  private static final byte[] KEY = WorkOrder.siteKey(new byte[32], "site");
  private static final long NOW_MS = 1_790_000_000_000L;

  private OrderTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    if (WorkOrder.check(text, "site", _ -> KEY, NOW_MS) instanceof WorkOrder.Checked.Good) {
      throw new Finding("an order that nobody signed is followed: " + text);
    }
    String[] fields = Arrays.copyOf(text.split("\n", -1), 9);
    Arrays.setAll(fields, i -> fields[i] == null ? "a" : fields[i]);
    WorkOrder order;
    try {
      order =
          new WorkOrder(
              fields[0],
              "site",
              fields[1],
              text.length(),
              fields[2],
              fields[3],
              fields[4],
              fields[5],
              fields[6],
              fields[7],
              fields[8],
              NOW_MS,
              NOW_MS + WorkOrder.LIFE_MS);
    } catch (IllegalArgumentException e) {
      return;
    }
    String header = order.signed(KEY);
    switch (WorkOrder.check(header, "site", _ -> KEY, NOW_MS)) {
      case WorkOrder.Checked.Good(WorkOrder read) ->
          Finding.unlessEqual("an order, signed and read", order, read);
      case WorkOrder.Checked.Bad(WorkOrder.Fault fault) ->
          Finding.unless(
              fault == WorkOrder.Fault.UNREADABLE && header.length() > 1_024,
              "a signed order of " + header.length() + " characters is refused: " + fault);
    }
  }
}
