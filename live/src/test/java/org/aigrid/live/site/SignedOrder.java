package org.aigrid.live.site;

import java.nio.charset.StandardCharsets;
import org.aigrid.live.wire.WorkOrder;

/// Orders as a gateway of that secret would sign them now.
final class SignedOrder {
  private SignedOrder() {}

  static String of(String secret, String site, String jurisdictions, String model) {
    long nowMs = System.currentTimeMillis();
    var order =
        new WorkOrder(
            WorkOrder.gatewayId(secret),
            site,
            "req_1",
            0,
            "tenant",
            "-",
            jurisdictions,
            "infer",
            "standard",
            "standard",
            model,
            nowMs,
            nowMs + WorkOrder.LIFE_MS);
    return order.signed(WorkOrder.siteKey(secret.getBytes(StandardCharsets.UTF_8), site));
  }
}
