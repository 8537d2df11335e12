package org.aigrid.live.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/// Threads that compute where they are not in the way of threads that decide.
///
/// An engine without a GPU computes on the processors that the site agent, the gateway and its own
/// cancellations need, too. Linux gives each thread a niceness of its own and lets a thread inherit
/// its creator's, so what a library starts from here is as nice as the thread that called it.
/// Elsewhere than on Linux, and where the call cannot be made, nothing is changed.
final class Niceness {
  /// A third of the processor time of a thread beside it that is not nice: enough to end soon when
  /// it has to.
  static final int COMPUTES = 5;

  private static final int THIS_THREAD = 0;
  private static final int PRIO_PROCESS = 0; // on Linux: of one thread

  private Niceness() {}

  /// Calls `work` from a thread of its own that is `niceness` nice, as are those that it starts.
  ///
  /// @param niceness 0 to 19
  static <T> T call(int niceness, Supplier<T> work) {
    var task =
        new FutureTask<T>(
            () -> {
              set(niceness);
              return work.get();
            });
    Thread.ofPlatform().daemon().name("nice").start(task);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          switch (e.getCause()) {
            case RuntimeException unchecked -> throw unchecked;
            case Error error -> throw error;
            case null, default -> throw new IllegalStateException(e);
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void set(int niceness) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    try (Arena arena = Arena.ofConfined()) {
      var symbol = linker.defaultLookup().find("setpriority");
      if (symbol.isEmpty()) {
        return;
      }
      var call =
          linker.downcallHandle(
              symbol.get(),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT,
                  ValueLayout.JAVA_INT,
                  ValueLayout.JAVA_INT,
                  ValueLayout.JAVA_INT));
      int _ = (int) call.invokeExact(PRIO_PROCESS, THIS_THREAD, niceness); // lowering never fails
    } catch (Throwable e) {
      // It computes all the same, only less politely.
      System.err.println("threads stay as they are, setpriority cannot be called: " + e);
    }
  }
}
