package org.aigrid.live.books;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps a gateway's `TenantDirectory` fresh: asks for the revision every `PERIOD` and reads the
/// rest when it has changed. While the database is away the last snapshot stays in force; keys
/// still expire by themselves. Safe for many threads; `current` is one volatile read.
public final class DirectoryKeeper implements AutoCloseable {
  /// The longest that a change takes to arrive, while the database is there.
  public static final Duration PERIOD = Duration.ofMillis(500);

  /// One that has not answered for so long is away; a large directory takes a second to read.
  private static final Duration SILENT = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(DirectoryKeeper.class);

  private final Tenants tenants;
  private final Consumer<TenantDirectory> changed;
  private final Thread thread;
  private volatile TenantDirectory current;
  private TenantDirectory told; // guarded by this
  private volatile long freshAtNanos;
  private volatile boolean reachable = true;
  private volatile boolean closing;

  private DirectoryKeeper(Tenants tenants, Consumer<TenantDirectory> changed) {
    this.tenants = tenants;
    this.changed = changed;
    current = tenants.directory();
    told = current;
    freshAtNanos = System.nanoTime();
    thread = Thread.ofPlatform().daemon().name("tenant-directory").unstarted(this::run);
  }

  /// Reads the first snapshot, for which the database has to be there, and then keeps it fresh.
  ///
  /// @param changed hears of each newer snapshot, on the keeper's thread
  public static DirectoryKeeper start(Tenants tenants, Consumer<TenantDirectory> changed) {
    var keeper = new DirectoryKeeper(tenants, changed);
    keeper.thread.start();
    return keeper;
  }

  /// The last snapshot.
  public TenantDirectory current() {
    return current;
  }

  /// How long ago the database last confirmed it.
  public Duration age() {
    return Duration.ofNanos(System.nanoTime() - freshAtNanos);
  }

  /// Whether the database answers: it did when it was asked last, within `SILENT`. It is asked each
  /// `PERIOD`; one that lets wait is found out before the call that waits comes back.
  public boolean reachable() {
    return reachable && age().compareTo(SILENT) < 0;
  }

  private void run() {
    boolean away = false;
    while (!closing) {
      LockSupport.parkNanos(PERIOD.toNanos());
      if (closing) {
        return;
      }
      try {
        refresh();
        if (away) {
          log.info("the tenant directory is fresh again");
        }
        away = false;
        reachable = true;
      } catch (RuntimeException e) {
        if (!away) {
          log.warn("the tenant directory stays as it is: {}", e.getMessage());
        }
        away = true;
        reachable = false;
      }
    }
  }

  /// Looks now; throws what the database throws.
  public synchronized void refresh() {
    if (tenants.revision() != current.revision()) {
      current = tenants.directory();
    }
    if (told != current) { // also after one who was told has thrown
      changed.accept(current);
      told = current;
    }
    freshAtNanos = System.nanoTime();
  }

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
