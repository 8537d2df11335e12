package org.aigrid.live.proof;

import java.util.List;
import java.util.SplittableRandom;

/// Receipts of a made-up grid, for tests.
final class Receipts {
  static final long AT_MS = 1_783_000_000_000L; // 2 July 2026

  private Receipts() {}

  static Receipt of(String requestId) {
    return of(requestId, "c0ffee", "site-tokyo", "JP", List.of());
  }

  static Receipt of(
      String requestId,
      String pseudonym,
      String site,
      String jurisdiction,
      List<Receipt.Attempt> before) {
    var attempts = new java.util.ArrayList<>(before);
    attempts.add(new Receipt.Attempt(site, "op-a", jurisdiction, "completed"));
    return new Receipt(
        "op-a",
        requestId,
        pseudonym,
        site,
        "op-a",
        jurisdiction,
        "L1",
        attempts,
        "sha256:aa",
        17,
        null,
        "llama-3.1-8b",
        null,
        "hmac-sha256:01",
        "hmac-sha256:02",
        new Receipt.Usage(100, 40, 20, "interactive"),
        "completed",
        "gateway-1",
        AT_MS,
        AT_MS + 250,
        null);
  }

  static GridChange change(String id, SplittableRandom random) {
    GridChange.Kind[] kinds = GridChange.Kind.values();
    return new GridChange(
        kinds[random.nextInt(kinds.length)],
        id,
        AT_MS,
        "admin:7",
        "policy/tenant-1",
        java.util.Map.of("before", "sha256:aa", "after", "sha256:" + random.nextInt()));
  }
}
