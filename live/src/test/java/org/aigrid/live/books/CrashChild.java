package org.aigrid.live.books;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.SplittableRandom;
import org.aigrid.core.charge.Budget;

/// A small grid in a process of its own, to be killed: answers requests as fast as it can, and
/// notes each one as answered when the journal says that it is durable.
final class CrashChild {
  static final String GATEWAY = "gateway-1";
  static final int TENANTS = 3;

  private CrashChild() {}

  static void main(String... args) throws Exception {
    Path folder = Path.of(args[0]);
    String round = args[1];
    Database database = Database.embedded(folder);
    var ledger = new Ledger(database);
    Journal journal =
        Journal.open(folder.resolve("journal"), new Journal.Settings(16_384, 8 << 20, 256));
    BookKeeper.start(ledger, journal, GATEWAY);
    FileChannel answered =
        FileChannel.open(
            folder.resolve("answered"), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    System.out.println("serving");
    for (int tenant = 0; tenant < TENANTS; tenant++) {
      String name = "t" + tenant;
      long seed = Long.parseLong(round) * TENANTS + tenant;
      Thread.ofPlatform().start(() -> serve(ledger, journal, answered, name, round, seed));
    }
  }

  private static void serve(
      Ledger ledger,
      Journal journal,
      FileChannel answered,
      String tenant,
      String round,
      long seed) {
    var random = new SplittableRandom(seed);
    var budget = new Budget();
    for (int i = 0; ; i++) {
      String id = "r" + round + "-" + tenant + "-" + i;
      if (!(budget.reserve(id, 60, 100, Long.MAX_VALUE, 0) instanceof Budget.Reserve.Granted)) {
        try {
          long held =
              ledger.hold(
                  GATEWAY,
                  tenant,
                  5_000,
                  Instant.now().plusMillis(Ledger.LEASE_MS),
                  Records.reference());
          budget.grant(held, Long.MAX_VALUE);
        } catch (RuntimeException e) {
          pause(); // the database was killed first
        }
        continue;
      }
      Budget.Settled settled = budget.settle(id, random.nextLong(100));
      if (settled == null) {
        throw new IllegalStateException("no reservation of " + id);
      }
      String line = id + " " + settled.chargedMicros() + "\n";
      while (!journal.append(
          Records.of(id, tenant, settled.chargedMicros()),
          durable -> {
            if (durable) {
              note(answered, line);
            }
          })) {
        pause();
      }
      if (random.nextInt(4) == 0) {
        pause();
      }
    }
  }

  private static void note(FileChannel answered, String line) {
    try {
      answered.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.US_ASCII)));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
