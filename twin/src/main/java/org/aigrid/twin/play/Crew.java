package org.aigrid.twin.play;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/// A few threads that do numbered tasks together, round after round, millions of times: they wait
/// for the next round awake, because going to sleep takes longer than a round. The one who calls
/// works along. Tasks of a round must not depend on each other; what one round wrote the next one
/// sees.
final class Crew implements AutoCloseable {
  private static final int SPINS = 200_000;

  private final Thread[] workers;
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger working = new AtomicInteger();
  private volatile int round;
  private volatile boolean over;
  private volatile int tasks;
  private volatile IntConsumer task = _ -> {};
  private volatile @Nullable Throwable failure;

  /// @param threads 1 or more, the caller's included
  Crew(int threads) {
    workers = new Thread[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = Thread.ofPlatform().daemon().name("twin-" + (i + 1)).start(this::work);
    }
  }

  /// Does tasks 0 to `count - 1` and returns when all are done.
  void run(int count, IntConsumer each) {
    if (workers.length == 0) {
      for (int i = 0; i < count; i++) {
        each.accept(i);
      }
      return;
    }
    task = each;
    tasks = count;
    next.set(0);
    working.set(workers.length);
    round = round + 1;
    takeTasks();
    for (int spins = 0; working.get() > 0; spins++) {
      pause(spins);
    }
    Throwable failed = failure;
    if (failed != null) {
      throw failed instanceof RuntimeException runtime
          ? runtime
          : new IllegalStateException("a shard failed", failed);
    }
  }

  private void work() {
    int seen = 0;
    while (true) {
      for (int spins = 0; round == seen; spins++) {
        if (over) {
          return;
        }
        pause(spins);
      }
      seen++;
      takeTasks();
      working.decrementAndGet();
    }
  }

  private void takeTasks() {
    try {
      for (int i = next.getAndIncrement(); i < tasks; i = next.getAndIncrement()) {
        task.accept(i);
      }
    } catch (RuntimeException | Error failed) {
      failure = failed;
    }
  }

  private static void pause(int spins) {
    if (spins < SPINS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  @Override
  public void close() {
    over = true;
  }
}
