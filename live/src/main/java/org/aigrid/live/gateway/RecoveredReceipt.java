package org.aigrid.live.gateway;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.live.books.UsageRecord;
import org.aigrid.live.proof.Receipt;

/// The receipt of a request whose line is in the journal while its receipt is not in the log: the
/// process ended in the second between. It says where the request ran and how much it used; what
/// only the gateway's memory knew (digests, policy version, view) it calls `lost`.
public final class RecoveredReceipt {
  private static final String LOST = "lost";

  private RecoveredReceipt() {}

  /// @param pseudonym of the record's tenant
  public static Receipt of(UsageRecord record, String operator, String pseudonym) {
    List<Receipt.Attempt> attempts = new ArrayList<>();
    for (String attempt : record.attempts().split(" ")) {
      int colon = attempt.lastIndexOf(':');
      String site = colon < 0 ? attempt : attempt.substring(0, colon);
      boolean last = site.equals(record.site());
      if (!site.isEmpty() && attempts.size() < Receipt.ATTEMPTS_MAX) {
        attempts.add(
            new Receipt.Attempt(
                site,
                last ? Charge.printable(record.operator()) : LOST,
                last ? record.jurisdiction() : LOST,
                last ? record.outcome() : "left"));
      }
    }
    return new Receipt(
        operator,
        record.requestId(),
        pseudonym,
        record.site(),
        Charge.printable(record.operator()),
        record.jurisdiction(),
        LocationLevel.L1.name(), // the least that can be said: the journal has no level
        attempts,
        LOST,
        0,
        null,
        Charge.printable(record.model()),
        null,
        LOST,
        LOST,
        new Receipt.Usage(
            record.promptTokens(),
            record.cachedTokens(),
            record.outputTokens(),
            record.tier().name().toLowerCase(Locale.ROOT)),
        record.outcome(),
        "gateway",
        record.begunAtMs(),
        Math.max(record.begunAtMs(), record.endedAtMs()),
        null);
  }
}
