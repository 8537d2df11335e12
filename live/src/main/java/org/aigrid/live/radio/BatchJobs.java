package org.aigrid.live.radio;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.aigrid.core.node.JobNotice;
import org.aigrid.core.node.Step;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// Carries out what core's `JobNotice` decides for a batch job that runs on the site's GPU beside
/// the grid: a checkpoint signal to the process that a pid file names, then `STOP` and later `CONT`
/// to it or to its whole process group, all by the shell's `kill`.
///
/// - The checkpoint signal goes to that process only, and only if it catches it (as far as `/proc`
///   says): untreated it would end the process, and helpers of a job seldom treat it.
/// - Until a share is given the job may have nothing, since nobody has said what the radio leaves:
///   one that runs when this begins is told so and stopped, and so is one that a grid which ended
///   without closing this has left stopped. It goes on like any other.
/// - While a job is stopped the file is looked at every `LOOK_MS`, so that a job that begins
///   meanwhile is stopped, too (without the checkpoint signal: it has nothing to save).
/// - No file, or one whose process is gone or younger than the file, is nothing to do; said once.
///
/// Commands run one after the other on a thread of its own, `COMMAND_MS_MAX` each at most; `give`
/// only leaves a word. The bound of `JobNotice` counts from that word; a command takes some
/// milliseconds more. What a stopped process has already launched on the GPU ends there by itself,
/// and it keeps its GPU memory. POSIX only. Safe for many threads.
public final class BatchJobs implements GpuSplit {
  /// Between two looks at the pid file while a job is stopped.
  static final int LOOK_MS = 50;

  private static final Logger log = LoggerFactory.getLogger(BatchJobs.class);
  private static final int COMMAND_MS_MAX = 1_000;
  private static final int AFTER_FAILURE_MS = 1_000; // before the same process is stopped again
  private static final int PID_BYTES_MAX = 64;
  private static final int STOPPED_MAX = 16; // jobs that follow one another while the radio claims
  private static final Duration YOUNGER = Duration.ofSeconds(2); // start times are coarse

  /// What tells a job to save its work.
  public enum Signal {
    HUP(1),
    INT(2),
    USR1(10),
    USR2(12),
    TERM(15);

    private final int number; // of Linux

    Signal(int number) {
      this.number = number;
    }
  }

  /// Which job, and how it is treated. Immutable.
  ///
  /// @param pidFile whose first word is the process that saves the job's work
  /// @param group whether its whole process group is stopped, which it then has to lead
  /// @param dryRun whether commands are logged and not run
  public record Settings(
      Path pidFile, boolean group, Signal signal, JobNotice.Settings notice, boolean dryRun) {}

  /// A process that is the same only as long as its start is. `group` where its group is meant.
  private record Job(long pid, Instant started, boolean group) {
    boolean lives() {
      return ProcessHandle.of(pid).filter(p -> started.equals(startOf(p))).isPresent();
    }

    String target() {
      return group ? "-" + pid : Long.toString(pid);
    }
  }

  private final Settings settings;
  private final Predicate<List<String>> runner;
  private final Thread thread;
  private final Object changed = new Object();
  private double share; // guarded by changed
  private long givenMs = nowMs(); // guarded by changed
  private boolean given = true; // guarded by changed
  private boolean closed; // guarded by changed

  // Of the thread.
  private JobNotice notice = JobNotice.begin();
  private final List<Job> stopped = new ArrayList<>();
  private long looksAtMs;
  private final Map<String, List<Object>> said = new HashMap<>(); // last values by message

  public BatchJobs(Settings settings) {
    this(
        settings,
        settings.dryRun()
            ? words -> {
              log.info("would run: {}", words);
              return true;
            }
            : BatchJobs::run);
  }

  /// @param runner runs a command and says whether it succeeded
  BatchJobs(Settings settings, Predicate<List<String>> runner) {
    this.settings = settings;
    this.runner = runner;
    thread = Thread.ofPlatform().name("batch-jobs").daemon().start(this::work);
  }

  private static long nowMs() {
    return System.nanoTime() / 1_000_000;
  }

  @Override
  public void give(double aiShare) {
    synchronized (changed) {
      share = aiShare;
      givenMs = nowMs();
      given = true;
      changed.notifyAll();
    }
  }

  private void work() {
    try {
      while (awaitWork()) {
        turnSafely();
      }
    } catch (InterruptedException e) {
      // Nobody interrupts it but the end of the process.
    }
    resume(); // on this thread, so that no command comes after it
  }

  /// Waits until there is something to do; false when this is closed.
  private boolean awaitWork() throws InterruptedException {
    synchronized (changed) {
      long dueMs = dueMs();
      while (!closed && !given && (dueMs == JobNotice.NEVER || nowMs() < dueMs)) {
        changed.wait(dueMs == JobNotice.NEVER ? 0 : Math.max(1, dueMs - nowMs()));
      }
      return !closed;
    }
  }

  private long dueMs() {
    long nextMs = notice.nextMs(settings.notice());
    if (notice.phase() != JobNotice.Phase.SUSPENDED) {
      return nextMs;
    }
    return nextMs == JobNotice.NEVER ? looksAtMs : Math.min(looksAtMs, nextMs);
  }

  private void turnSafely() {
    try {
      turn();
    } catch (RuntimeException e) {
      log.error("the batch job of {} could not be told", settings.pidFile(), e);
      looksAtMs = nowMs() + AFTER_FAILURE_MS;
    }
  }

  private void turn() {
    double now;
    long wordMs;
    boolean word;
    synchronized (changed) {
      now = share;
      wordMs = givenMs;
      word = given;
      given = false;
    }
    if (word) {
      step(now, wordMs); // the bound counts from the word, however late it is heard
    }
    step(now, nowMs());
    if (notice.phase() == JobNotice.Phase.SUSPENDED && nowMs() >= looksAtMs) {
      suspend();
    }
  }

  private void step(double now, long atMs) {
    Step<JobNotice, JobNotice.Effect> step = notice.on(now, settings.notice(), atMs);
    notice = step.state();
    for (JobNotice.Effect effect : step.effects()) {
      switch (effect) {
        case JobNotice.Effect.Notice _ -> signal();
        case JobNotice.Effect.Suspend() -> suspend();
        case JobNotice.Effect.Resume() -> resume();
      }
    }
  }

  private void signal() {
    Job job = find();
    if (job == null) {
      return;
    }
    if (!catches(job.pid())) {
      say(
          Level.WARN,
          "process {} of {} does not catch {}, which would end it: it will be stopped untold",
          job.pid(),
          settings.pidFile(),
          settings.signal());
    } else if (kill(settings.signal().name(), Long.toString(job.pid()))) {
      log.info("batch job {}: the radio wants the GPU, {} sent", job.pid(), settings.signal());
    }
  }

  /// Stops the job that the file names, unless it has been.
  private void suspend() {
    looksAtMs = nowMs() + LOOK_MS;
    Job job = find();
    if (job == null || stopped.contains(job)) {
      return;
    }
    if (!kill("STOP", job.target())) {
      looksAtMs = nowMs() + AFTER_FAILURE_MS;
      return;
    }
    if (stopped.size() == STOPPED_MAX) {
      stopped.removeIf(one -> !one.lives());
    }
    if (stopped.size() == STOPPED_MAX) {
      log.warn(
          "batch job {} stays stopped: {} others were stopped after it (to let it go on: kill -CONT"
              + " {})",
          stopped.getFirst().pid(),
          STOPPED_MAX,
          stopped.getFirst().target());
      stopped.removeFirst();
    }
    stopped.add(job);
    said.clear();
    log.info("batch job {}: stopped", job.pid());
  }

  private void resume() {
    for (Iterator<Job> jobs = stopped.iterator(); jobs.hasNext(); ) {
      Job job = jobs.next();
      // Of a group whose leader has ended others may be left, and to go on harms nobody.
      if ((job.group() || job.lives()) && kill("CONT", job.target())) {
        log.info("batch job {}: goes on", job.pid());
      }
      jobs.remove();
    }
  }

  private boolean kill(String name, String target) {
    return runner.test(List.of("sh", "-c", "kill -s " + name + " -- " + target));
  }

  /// The job that the file names, or null when there is none; then the log says why, once.
  private @Nullable Job find() {
    Path file = settings.pidFile();
    long pid;
    Instant written;
    try (InputStream in = Files.newInputStream(file)) {
      String text = new String(in.readNBytes(PID_BYTES_MAX), StandardCharsets.US_ASCII).strip();
      String word = text.split("\\s+", 2)[0];
      if (!word.matches("[0-9]{1,10}")) {
        say(Level.WARN, "{} begins with '{}' (expected: the number of a process)", file, word);
        return null;
      }
      pid = Long.parseLong(word);
      written = Files.getLastModifiedTime(file).toInstant();
    } catch (NoSuchFileException e) {
      say(Level.INFO, "{} does not exist: no batch job to be told", file);
      return null;
    } catch (IOException e) {
      say(Level.WARN, "{} cannot be read: {}", file, e.toString());
      return null;
    }
    Optional<ProcessHandle> process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
    if (pid <= 1 || pid == ProcessHandle.current().pid()) {
      say(
          Level.WARN,
          "{} names process {}, which is init or the grid (expected: a batch job)",
          file,
          pid);
      return null;
    }
    Instant started = process.map(BatchJobs::startOf).orElse(null);
    if (started == null || started.isAfter(written.plus(YOUNGER))) {
      say(Level.INFO, "{} names process {}, which has ended: no batch job to be told", file, pid);
      return null;
    }
    return new Job(pid, started, settings.group() && leads(pid));
  }

  private static @Nullable Instant startOf(ProcessHandle process) {
    return process.info().startInstant().orElse(null);
  }

  /// Whether a process leads a group that this process does not belong to, as far as `/proc` says.
  private boolean leads(long pid) {
    long own = groupOf("self");
    long its = groupOf(Long.toString(pid));
    if (its == pid && own != pid) {
      return true;
    }
    say(
        Level.WARN,
        "process {} of {} {}: it is stopped alone (start it by setsid)",
        pid,
        settings.pidFile(),
        own == pid ? "leads the grid's own process group" : "does not lead its process group");
    return false;
  }

  private static final long UNKNOWN = -1;

  private static long groupOf(String process) {
    try {
      String stat =
          Files.readString(Path.of("/proc", process, "stat"), StandardCharsets.ISO_8859_1);
      // PID (NAME) STATE PARENT GROUP ..., and a name may hold anything.
      String[] words = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", 4);
      return Long.parseLong(words[2]);
    } catch (IOException | RuntimeException e) {
      return UNKNOWN;
    }
  }

  /// Whether a process treats the signal itself. Where there is no `/proc` it is believed to.
  private boolean catches(long pid) {
    try {
      for (String line :
          Files.readAllLines(
              Path.of("/proc", Long.toString(pid), "status"), StandardCharsets.ISO_8859_1)) {
        if (line.startsWith("SigCgt:")) {
          long mask = Long.parseUnsignedLong(line.substring("SigCgt:".length()).strip(), 16);
          return ((mask >>> (settings.signal().number - 1)) & 1) == 1;
        }
      }
      return true;
    } catch (IOException | RuntimeException e) {
      return true;
    }
  }

  /// Logs, unless it has said the same since a job was last stopped.
  private void say(Level level, String format, Object... values) {
    List<Object> now = List.of(values);
    if (!now.equals(said.put(format, now))) {
      log.atLevel(level).log(format, values);
    }
  }

  private static boolean run(List<String> words) {
    try {
      Process process =
          new ProcessBuilder(words)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(COMMAND_MS_MAX, TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        log.warn("{} took longer than {} ms and was ended", words, COMMAND_MS_MAX);
        return false;
      }
      if (process.exitValue() != 0) {
        log.warn(
            "{} ended with {} (expected: 0; the grid may stop processes of its own user only)",
            words,
            process.exitValue());
      }
      return process.exitValue() == 0;
    } catch (IOException e) {
      log.warn("{} could not be run: {}", words, e.getMessage());
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /// Returns when a stopped job has been let go on.
  @Override
  public void close() {
    synchronized (changed) {
      closed = true;
      changed.notifyAll();
    }
    try {
      thread.join(Duration.ofMillis(3L * COMMAND_MS_MAX));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
