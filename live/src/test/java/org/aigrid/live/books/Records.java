package org.aigrid.live.books;

import java.util.UUID;
import org.aigrid.core.model.ServiceTier;

/// Usage records and references for tests.
final class Records {
  private Records() {}

  /// Of a move that is told once.
  static String reference() {
    return "test/" + UUID.randomUUID();
  }

  static UsageRecord of(String requestId, String tenant, long chargedMicros) {
    return new UsageRecord(
        requestId,
        tenant,
        "default",
        "key-1",
        "llama-3.1-8b",
        ServiceTier.STANDARD,
        "cell-1",
        "JP",
        "operator",
        "1",
        100,
        20,
        30,
        chargedMicros,
        chargedMicros,
        "cell-1:100/30",
        "complete",
        1_700_000_000_000L,
        1_700_000_001_000L);
  }
}
