package org.aigrid.live.engine;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/// What one worker is told, written by a thread of its own: a worker that does not read blocks that
/// thread and nobody else. Safe for many threads; no call waits.
///
/// Bounds: generations that the pipe has not taken, by number and size; one of any size fits when
/// there is no other. A cancel is always taken, at most one for each generation.
final class WorkerInput {
  private static final int WAITING_MAX = 1_024;
  private static final int WAITING_BYTES_MAX = 16 << 20;

  /// What becomes of something that is to be said.
  enum Said {
    /// It will be said, unless the worker ends first.
    TAKEN,
    /// Too much waits already.
    FULL,
    /// The worker has ended.
    OVER
  }

  private record Line(long number, byte[] utf8) {}

  private final Process worker;
  private final ArrayDeque<Line> waiting = new ArrayDeque<>(); // guarded by this, as what follows
  private long waitingBytes;
  private boolean over;

  private WorkerInput(Process worker) {
    this.worker = worker;
  }

  /// @param name of the engine
  static WorkerInput of(Process worker, String name) {
    var input = new WorkerInput(worker);
    Thread.ofPlatform().daemon().name("llama-" + name + "-input").start(input::write);
    return input;
  }

  Said submit(long number, GenerationRequest request) {
    byte[] utf8 = utf8(new WorkerMessage.Submit(number, request));
    synchronized (this) {
      if (over) {
        return Said.OVER;
      }
      if (!waiting.isEmpty()
          && (waiting.size() >= WAITING_MAX || waitingBytes + utf8.length > WAITING_BYTES_MAX)) {
        return Said.FULL;
      }
      add(new Line(number, utf8));
      return Said.TAKEN;
    }
  }

  /// Whether the worker will say when the generation is gone; else it is, for it never began.
  boolean cancel(long number) {
    byte[] utf8 = utf8(new WorkerMessage.Cancel(number));
    synchronized (this) {
      if (over) {
        return false;
      }
      for (Iterator<Line> lines = waiting.iterator(); lines.hasNext(); ) {
        Line line = lines.next();
        if (line.number == number) {
          waitingBytes -= line.utf8.length;
          lines.remove();
          return false;
        }
      }
      add(new Line(number, utf8));
      return true;
    }
  }

  /// Nothing is taken any more, and what waits is not said.
  synchronized void end() {
    over = true;
    waiting.clear();
    waitingBytes = 0;
    notifyAll();
  }

  private static byte[] utf8(WorkerMessage message) {
    return message.line().getBytes(StandardCharsets.UTF_8);
  }

  private synchronized void add(Line line) {
    waiting.add(line);
    waitingBytes += line.utf8.length;
    notifyAll();
  }

  /// Null when it is over.
  private synchronized @Nullable Line next() {
    while (!over && waiting.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        return null;
      }
    }
    Line line = waiting.poll();
    if (line != null) {
      waitingBytes -= line.utf8.length;
    }
    return line;
  }

  private void write() {
    try (OutputStream out = worker.getOutputStream()) {
      for (Line line = next(); line != null; line = next()) {
        out.write(line.utf8);
        out.flush();
      }
    } catch (IOException e) {
      worker.toHandle().destroyForcibly(); // one that cannot be told anything is of no use
    }
  }
}
