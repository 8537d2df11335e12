package org.aigrid.live.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.live.gguf.GgufException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/// llama.cpp in a process of its own (`LlamaEngine` behind a pipe).
///
/// A process for each engine, for two reasons. llama.cpp as the library ships it (4.2.0) shares a
/// counter of its matrix multiplication among all models of a process: two that compute batches at
/// once spoil each other's numbers, silently. And native code that crashes takes its process along,
/// which should not be the gateway's.
///
/// Work that has to leave for the radio and does not in time ends with the process. One that dies
/// fails what was under way with `Broken`, so that it goes on elsewhere, and is started again,
/// after a second at first and at most every half minute; until then the engine is not `ready`.
/// Costs some 60 MB beside the model, half a second at the start, and some 50 us a token. Safe for
/// many threads.
public final class LlamaProcess implements Engine {
  private static final Logger log = LoggerFactory.getLogger(LlamaProcess.class);
  private static final int CLOSE_MS_MAX = 1_000;
  private static final int AGAIN_MS_LEAST = 1_000;
  private static final int AGAIN_MS_MOST = 30_000;

  /// What is evicted has at least this long to leave by itself: a step, and a piece of a prompt.
  private static final int EVICT_MS_LEAST = 30;

  /// From the time at which a process is to be ended to its end, where processors are short.
  private static final int END_MS = 25;

  private static final ScheduledThreadPoolExecutor EVICTIONS =
      new ScheduledThreadPoolExecutor(
          1, task -> Thread.ofPlatform().daemon().name("llama-evictions").unstarted(task));

  static {
    EVICTIONS.setRemoveOnCancelPolicy(true);
  }

  /// Lines of something else, one after the other, before the worker counts as mad.
  private static final int FOREIGN_LINES_MAX = 10_000;

  /// Options for whoever starts a JVM here, which are not meant for the worker's: a log on standard
  /// output, a heap of many gigabytes, a debugger's port.
  private static final List<String> FOREIGN_OPTIONS =
      List.of("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS");

  private final String name;
  private final Path gguf;
  private final List<String> command;
  private final Map<String, String> environment;
  private final AtomicLong numbers = new AtomicLong();
  private final Map<Long, Open> open = new ConcurrentHashMap<>();
  private final Object lock = new Object();
  private @Nullable Process process; // guarded by lock, as all that follows
  private boolean closed;
  private volatile @Nullable WorkerInput toWorker; // while it can be spoken to; set with the lock
  private volatile EndpointLoad load;
  private volatile Runnable readiness = () -> {};

  /// Starts the process and loads the model, which takes seconds for large ones.
  ///
  /// @param name the id that clients send
  /// @param gguf the weights
  /// @param slots sequences together
  /// @param contextTokens prompt and answer of one sequence
  /// @param waitingMax requests without a slot
  /// @param threads that compute
  /// @throws GgufException when llama.cpp does not load the file, or no process can be started
  public LlamaProcess(
      String name, Path gguf, int slots, int contextTokens, int waitingMax, int threads) {
    this(
        name,
        gguf,
        command(name, gguf, slots, contextTokens, waitingMax, threads),
        System.getenv());
  }

  /// As above, with a worker of one's own.
  ///
  /// @param command that starts it
  /// @param environment that it inherits from
  LlamaProcess(String name, Path gguf, List<String> command, Map<String, String> environment) {
    this.name = name;
    this.gguf = gguf;
    this.command = List.copyOf(command);
    this.environment = Map.copyOf(environment);
    load = EndpointLoad.idle(name);
    BufferedReader first = begin();
    Thread.ofPlatform().daemon().name("llama-" + name).start(() -> own(first));
  }

  /// What starts a worker.
  static List<String> command(
      String name, Path gguf, int slots, int contextTokens, int waitingMax, int threads) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "-XX:-CreateCoredumpOnCrash", // a dump would hold prompts
        "-XX:ErrorFile=/dev/null",
        "-XX:+DisplayVMOutputToStderr", // standard output is the worker's
        "-Xlog:disable",
        "-Xlog:all=warning:stderr",
        "-Xmx128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        LlamaWorker.class.getName(),
        name,
        gguf.toAbsolutePath().toString(),
        Integer.toString(slots),
        Integer.toString(contextTokens),
        Integer.toString(waitingMax),
        Integer.toString(threads));
  }

  /// Starts a process and waits until it is ready.
  private BufferedReader begin() {
    Process begun;
    try {
      var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().clear();
      builder.environment().putAll(environment);
      builder.environment().keySet().removeAll(FOREIGN_OPTIONS);
      begun = builder.start();
    } catch (IOException e) {
      throw new GgufException("no process for llama.cpp can be started: " + e.getMessage(), e);
    }
    var lines =
        new BufferedReader(new InputStreamReader(begun.getInputStream(), StandardCharsets.UTF_8));
    synchronized (lock) {
      if (closed) {
        begun.destroyForcibly();
      }
      process = begun;
    }
    WorkerMessage message = next(lines);
    if (message instanceof WorkerMessage.Ready) {
      synchronized (lock) {
        if (!closed) {
          toWorker = WorkerInput.of(begun, name);
        }
      }
      readiness.run();
      return lines;
    }
    begun.destroyForcibly();
    throw new GgufException(
        message instanceof WorkerMessage.NotLoaded(String why)
            ? why
            : "llama.cpp ended while it loaded the model of " + name + " from " + gguf);
  }

  /// The worker's next word; null when it has ended or lost its mind. What its JVM or a native
  /// library writes between its words is skipped.
  private static @Nullable WorkerMessage next(BufferedReader lines) {
    try {
      for (int foreign = 0; foreign <= FOREIGN_LINES_MAX; foreign++) {
        String line = lines.readLine();
        if (line == null) {
          return null;
        }
        if (line.startsWith("{")) {
          return WorkerMessage.parse(line);
        }
      }
      return null;
    } catch (IOException | JacksonException e) {
      return null;
    }
  }

  /// Hears one process after the other, until closed.
  private void own(BufferedReader first) {
    BufferedReader lines = first;
    int againMs = AGAIN_MS_LEAST;
    while (true) {
      for (WorkerMessage heard = next(lines); heard != null; heard = next(lines)) {
        hear(heard);
        againMs = AGAIN_MS_LEAST;
      }
      if (lost()) {
        return;
      }
      log.warn("the process of {} has died; it is started again in {} ms", name, againMs);
      while (true) {
        try {
          Thread.sleep(againMs);
        } catch (InterruptedException e) {
          return;
        }
        againMs = Math.min(2 * againMs, AGAIN_MS_MOST);
        try {
          lines = begin();
          break;
        } catch (GgufException e) {
          log.warn("{} cannot be started again: {}", name, e.getMessage());
        }
        synchronized (lock) {
          if (closed) {
            return;
          }
        }
      }
    }
  }

  private void hear(WorkerMessage message) {
    switch (message) {
      case WorkerMessage.Started(long number, int prompt, int cached) -> {
        Open of = open.get(number);
        if (of != null && !of.cancelled) {
          of.sink.onStart(prompt, cached);
        }
      }
      case WorkerMessage.Text(long number, String piece, int tokens, int[] ids) -> {
        Open of = open.get(number);
        if (of != null && !of.cancelled) {
          of.sink.onText(piece, tokens, ids);
        }
      }
      case WorkerMessage.Ended(long number, FinishReason reason, Usage usage) -> {
        Open of = open.remove(number);
        if (of != null && of.leave()) {
          of.sink.onEnd(reason, usage);
        }
      }
      case WorkerMessage.Failed(long number, EngineFailure failure) -> {
        Open of = open.remove(number);
        if (of != null && of.leave()) {
          of.sink.onError(failure);
        }
      }
      case WorkerMessage.Gone(long number) -> {
        Open of = open.remove(number);
        if (of != null) {
          of.leave();
        }
      }
      case WorkerMessage.Load(EndpointLoad now) -> load = now;
      case WorkerMessage other -> log.warn("{} says {}", name, other.getClass().getSimpleName());
    }
  }

  /// The process is gone or mad, and with it what was under way. Whether this was meant.
  private boolean lost() {
    boolean meant;
    Process old;
    synchronized (lock) {
      endInput();
      old = process;
      process = null;
      meant = closed;
    }
    readiness.run();
    if (old != null) {
      end(old); // one that is mad would hold its memory beside the next
    }
    load = EndpointLoad.idle(name);
    for (Long number : open.keySet()) {
      Open of = open.remove(number);
      if (of != null && of.leave()) {
        of.sink.onError(
            meant
                ? closedFailure()
                : new EngineFailure.Broken(name + " failed while it generated."));
      }
    }
    return meant;
  }

  @Override
  public Generation submit(GenerationRequest request, TokenSink sink) {
    var asked = new Open(numbers.incrementAndGet(), sink);
    open.put(asked.number, asked);
    WorkerInput worker = toWorker;
    WorkerInput.Said said =
        worker == null ? WorkerInput.Said.OVER : worker.submit(asked.number, request);
    if (said != WorkerInput.Said.TAKEN && open.remove(asked.number) != null && asked.leave()) {
      sink.onError(
          said == WorkerInput.Said.FULL
              ? new EngineFailure.Saturated(
                  name + " has as many requests waiting here as it may.", 1)
              : closedFailure());
    }
    return asked;
  }

  /// With the lock.
  private void endInput() {
    WorkerInput worker = toWorker;
    toWorker = null;
    if (worker != null) {
      worker.end();
    }
  }

  /// Number of the process that runs now, or -1.
  public long processId() {
    synchronized (lock) {
      return process == null ? -1 : process.pid();
    }
  }

  @Override
  public EndpointLoad load() {
    return load;
  }

  @Override
  public boolean ready() {
    return toWorker != null;
  }

  @Override
  public void onReadiness(Runnable changed) {
    readiness = changed;
  }

  @Override
  public void close() {
    Process ending;
    synchronized (lock) {
      closed = true;
      endInput();
      ending = process;
    }
    if (ending != null) {
      end(ending);
    }
  }

  private static void end(Process ending) {
    ending.toHandle().destroyForcibly(); // that of Process also waits for who writes to it
    try {
      ending.waitFor(CLOSE_MS_MAX, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private EngineFailure closedFailure() {
    boolean over;
    synchronized (lock) {
      over = closed;
    }
    return new EngineFailure.Closed(
        name + (over ? " is shutting down here." : " is being started again here."));
  }

  /// The owner's side of a generation.
  private final class Open implements Generation {
    private final long number;
    private final TokenSink sink;
    private final List<Runnable> leaving = new ArrayList<>(); // guarded by itself
    private boolean left; // guarded by leaving
    private volatile boolean cancelled;

    Open(long number, TokenSink sink) {
      this.number = number;
      this.sink = sink;
    }

    @Override
    public void cancel(Runnable gone) {
      boolean already;
      boolean again;
      synchronized (leaving) {
        again = cancelled;
        cancelled = true;
        already = left;
        if (!already) {
          leaving.add(gone);
        }
      }
      if (already) {
        gone.run();
      } else if (!again) {
        WorkerInput worker = toWorker;
        if (worker == null || !worker.cancel(number)) {
          open.remove(number);
          leave();
        }
      }
    }

    @Override
    public void evict(double withinMs, Runnable gone) {
      cancel(gone);
      if (Double.isInfinite(withinMs)) {
        return;
      }
      long afterMs = Math.max(EVICT_MS_LEAST, Math.round(withinMs) - END_MS);
      ScheduledFuture<?> ending =
          EVICTIONS.schedule(this::endProcess, afterMs, TimeUnit.MILLISECONDS);
      cancel(() -> ending.cancel(false));
    }

    /// The last resort, while the work is still there.
    private void endProcess() {
      Process holding;
      synchronized (lock) {
        holding = process;
        synchronized (leaving) {
          if (left) {
            return;
          }
        }
        endInput(); // nothing more is sent to it
      }
      if (holding != null) {
        log.warn("{} does not let go of its work in time; its process is ended", name);
        holding.toHandle().destroyForcibly();
        readiness.run();
        // None of its threads comes back to its own code after this; its memory is free later.
        open.remove(number);
        leave();
      }
    }

    /// It has left the device; whether its sink is to hear of it.
    private boolean leave() {
      List<Runnable> waiting;
      synchronized (leaving) {
        left = true;
        waiting = List.copyOf(leaving);
        leaving.clear();
      }
      waiting.forEach(Runnable::run);
      return !cancelled;
    }
  }
}
