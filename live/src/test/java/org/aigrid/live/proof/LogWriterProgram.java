package org.aigrid.live.proof;

import java.nio.file.Files;
import java.nio.file.Path;

/// Offers receipts `req-0`, `req-1`, ... to a log as fast as they are taken, from where the log's
/// journal position says, until it is killed.
final class LogWriterProgram {
  private LogWriterProgram() {}

  static void main(String... args) throws Exception {
    Path data = Path.of(args[0]);
    TransparencyLog log =
        TransparencyLog.open(
            TransparencyLogTest.settings(data).withBatches(2_000, 500, 1), () -> Receipts.AT_MS);
    Files.writeString(data.resolve("running"), "");
    for (long next = log.journalPosition() + 1; ; ) {
      if (log.offer(Receipts.of("req-" + next), next) == Offer.TAKEN) {
        next++;
      } else {
        Thread.sleep(1);
      }
    }
  }
}
