package org.aigrid.live.books;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.live.books.Journal.Batch;
import org.aigrid.live.books.Journal.Position;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Carries a journal into the books, on a thread of its own, in batches of up to `BATCH_MAX`.
///
/// Exactly once: a batch and the place up to which it reaches become durable in one transaction,
/// and the books take each request id once anyway. While the database is away it tries again after
/// a while, at most `PAUSE_MAX` long; the journal keeps what is not yet in the books.
public final class BookKeeper implements AutoCloseable {
  static final int BATCH_MAX = 1_000;
  private static final Duration IDLE = Duration.ofMillis(100);
  private static final Duration RETURN_EVERY = Duration.ofMinutes(1);
  private static final Duration PAUSE_MIN = Duration.ofMillis(50);
  private static final Duration PAUSE_MAX = Duration.ofSeconds(5);
  private static final Logger log = LoggerFactory.getLogger(BookKeeper.class);

  private final Ledger ledger;
  private final Journal journal;
  private final String gateway;
  private final Thread thread;
  private long returnedNanos = System.nanoTime(); // of the thread
  private volatile boolean closing;
  private volatile Position applied;
  private final AtomicLong appliedRecords = new AtomicLong();
  private volatile long oldestWaitingMs;

  private BookKeeper(Ledger ledger, Journal journal, String gateway) {
    this.ledger = ledger;
    this.journal = journal;
    this.gateway = gateway;
    applied = journal.start();
    thread = Thread.ofPlatform().daemon().name("book-keeper").unstarted(this::run);
  }

  /// Takes over after whatever ended the last run of this gateway: applies what its journal still
  /// has, returns what it held of the tenants' balances, and then goes on in the background.
  /// Blocks; the database has to be there.
  public static BookKeeper start(Ledger ledger, Journal journal, String gateway) {
    var keeper = new BookKeeper(ledger, journal, gateway);
    Position known = ledger.applied(journal.id());
    Position start = journal.start();
    if (known != null) {
      if (known.segment() > journal.durable().segment()) {
        throw new BooksException(
            "the books have read journal "
                + journal.id()
                + " up to "
                + known
                + " but it ends before that (it was restored from an older copy: move its folder"
                + " away, all that it held is in the books)");
      }
      keeper.applied = known;
    } else if (start.segment() > 1) {
      log.warn(
          "the books do not know journal {}, whose first {} files are gone: applying the rest",
          journal.id(),
          start.segment() - 1);
    }
    while (keeper.applyBatch() > 0) {
      log.debug("recovering up to {}", keeper.applied);
    }
    long returned = ledger.returnHolds(gateway);
    if (returned > 0) {
      log.info("returned {} micros that the last run of {} had held", returned, gateway);
    }
    keeper.thread.start();
    return keeper;
  }

  private void run() {
    Duration pause = PAUSE_MIN;
    while (!closing) {
      try {
        // A batch costs the database much the same whatever its size: let one gather.
        if (applyBatch() < BATCH_MAX) {
          LockSupport.parkNanos(IDLE.toNanos());
        }
        returnExpired();
        if (pause.compareTo(PAUSE_MIN) > 0) {
          log.info("the books are reachable again");
        }
        pause = PAUSE_MIN;
      } catch (RuntimeException e) {
        if (pause.equals(PAUSE_MIN)) {
          log.warn("the books cannot be written, the journal waits: {}", e.getMessage());
        }
        LockSupport.parkNanos(pause.toNanos());
        pause = pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : pause.multipliedBy(2);
      }
    }
  }

  /// Gives back what gateways hold that are gone for good: their leases ended a while ago.
  private void returnExpired() {
    if (System.nanoTime() - returnedNanos >= RETURN_EVERY.toNanos()) {
      returnedNanos = System.nanoTime();
      int returned = ledger.returnExpired(Instant.now());
      if (returned > 0) {
        log.info("returned {} holds of gateways whose leases have ended", returned);
      }
    }
  }

  /// Returns how many records it has read.
  private int applyBatch() {
    Batch batch = journal.read(applied, BATCH_MAX);
    if (batch.records().isEmpty()) {
      applied = batch.next();
      return 0;
    }
    oldestWaitingMs = batch.records().getFirst().endedAtMs();
    ledger.apply(gateway, journal.id(), batch.records(), batch.next());
    applied = batch.next();
    appliedRecords.addAndGet(batch.records().size());
    oldestWaitingMs = 0;
    journal.forget(applied);
    return batch.records().size();
  }

  /// Up to here the journal is in the books.
  public Position applied() {
    return applied;
  }

  /// Records that were carried into the books since this keeper was made.
  public long appliedRecords() {
    return appliedRecords.get();
  }

  /// Bytes of the journal that are not in the books yet.
  public long backlogBytes() {
    return journal.bytesAfter(applied);
  }

  /// When the request ended whose record has waited longest for the books, UTC milliseconds; 0 when
  /// none was found waiting at the last look, a tenth of a second ago at most while the books can
  /// be written.
  public long oldestWaitingMs() {
    return oldestWaitingMs;
  }

  /// Waits until the books have all that is durable in the journal now. False: not in that time.
  public boolean settle(Duration patience) {
    Position goal = journal.durable();
    long end = System.nanoTime() + patience.toNanos();
    while (before(applied, goal)) {
      if (System.nanoTime() > end) {
        return false;
      }
      LockSupport.parkNanos(1_000_000);
    }
    return true;
  }

  private static boolean before(Position a, Position b) {
    return a.segment() < b.segment() || a.segment() == b.segment() && a.offset() < b.offset();
  }

  /// Ends after the batch at hand; what is left is applied at the next start.
  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(thread);
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
