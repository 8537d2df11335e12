package org.aigrid.live.engine;

import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The one daemon thread on which all emulated engines of the process step. It sleeps until the
/// next step ends or something is asked. Steps are due on the exact time line of the engine model;
/// a late wake-up does not shift those after it.
///
/// Tasks are bounded by the engines' own bounds: each accepted request brings a handful.
final class StepLoop {
  /// Something with a time at which it wants to run.
  abstract static class Due {
    long dueNanos;

    /// Its time has come; it calls [StepLoop#schedule] again when it wants another.
    abstract void run();
  }

  private static final Logger log = LoggerFactory.getLogger(StepLoop.class);
  private static final StepLoop SHARED = new StepLoop();

  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final PriorityQueue<Due> dues =
      new PriorityQueue<>((a, b) -> Long.signum(a.dueNanos - b.dueNanos));
  private final Thread thread = new Thread(this::run, "emulated-engines");
  private volatile boolean parked;

  private StepLoop() {
    thread.setDaemon(true);
    thread.start();
  }

  static StepLoop shared() {
    return SHARED;
  }

  /// Runs `task` on the loop soon.
  void execute(Runnable task) {
    tasks.add(task);
    if (parked) {
      LockSupport.unpark(thread);
    }
  }

  /// On the loop only: runs `due` when its time comes.
  void schedule(Due due) {
    dues.add(due);
  }

  private void run() {
    while (true) {
      try {
        turn();
      } catch (RuntimeException e) {
        log.error("a step of an emulated engine failed", e);
      }
    }
  }

  private void turn() {
    Runnable task;
    while ((task = tasks.poll()) != null) {
      task.run();
    }
    Due next = dues.peek();
    long waitNanos = next == null ? Long.MAX_VALUE : next.dueNanos - System.nanoTime();
    if (next != null && waitNanos <= 0) {
      dues.remove();
      next.run();
      return;
    }
    parked = true;
    if (tasks.isEmpty()) {
      LockSupport.parkNanos(this, waitNanos);
    }
    parked = false;
  }
}
