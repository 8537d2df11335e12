package org.aigrid.live.up;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes down what administrators did with sites, behind their backs: an order about a site does
/// not wait for the database, least of all while it is away. A line waits until it is written, its
/// own time with it; `WAITING_MAX` wait at most, one more goes to the program's log alone. Safe for
/// many threads.
final class AdminAudit implements AutoCloseable {
  /// Lines that wait.
  static final int WAITING_MAX = 1_024;

  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration CLOSE_MAX =
      Duration.ofSeconds(8); // a connection that is not to be had
  private static final Logger log = LoggerFactory.getLogger(AdminAudit.class);

  /// What was done.
  record Line(Instant at, String who, String action, String subject, String detail) {}

  private final LinkedBlockingDeque<Line> waiting = new LinkedBlockingDeque<>(WAITING_MAX);
  private final Consumer<Line> table;
  private final Thread thread;
  private volatile boolean closing;

  /// @param table takes a line or throws; called on one thread
  AdminAudit(Consumer<Line> table) {
    this.table = table;
    thread = Thread.ofPlatform().daemon().name("admin-audit").unstarted(this::run);
    thread.start();
  }

  /// Takes a line; never waits.
  void add(Line line) {
    if (closing || !waiting.offerLast(line)) {
      log.error("not in the audit table: {}", line);
    }
  }

  private void run() {
    boolean away = false;
    while (true) {
      Line line = next();
      if (line == null) {
        if (closing) {
          return;
        }
        continue;
      }
      try {
        table.accept(line);
        away = false;
      } catch (RuntimeException e) {
        if (closing || !waiting.offerFirst(line)) {
          log.error("not in the audit table: {} ({})", line, e.getMessage());
          continue;
        }
        if (!away) {
          log.warn(
              "the audit table cannot be written, {} lines wait: {}",
              waiting.size(),
              e.getMessage());
        }
        away = true;
        pause();
      }
    }
  }

  private @Nullable Line next() {
    try {
      return closing ? waiting.pollFirst() : waiting.pollFirst(100, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      return waiting.pollFirst(); // closing
    }
  }

  private void pause() {
    try {
      Thread.sleep(PAUSE);
    } catch (InterruptedException e) {
      log.debug("closing", e);
    }
  }

  /// Tries once more to write what waits; what cannot be written goes to the program's log.
  @Override
  public void close() {
    closing = true;
    try {
      if (!thread.join(CLOSE_MAX)) {
        log.error("{} lines are not in the audit table", waiting.size());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
