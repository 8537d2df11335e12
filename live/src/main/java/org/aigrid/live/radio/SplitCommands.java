package org.aigrid.live.radio;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Splits the GPU by commands of its vendor: CUDA MPS by percentage of threads, MIG by profiles.
/// Runs them one after the other on a thread of its own; while one runs, only the last share that
/// came meanwhile is remembered. A failure is logged and leaves the engine's own limits to do the
/// work.
///
/// Neither is quick (an MPS percentage holds for clients that start after it, MIG wants the GPU
/// idle and takes seconds), so a share is given in steps and not more often than every `pauseMs`:
/// this is for the slow part of the radio's day, not for a burst.
public final class SplitCommands implements GpuSplit {
  private static final Logger log = LoggerFactory.getLogger(SplitCommands.class);
  private static final int COMMAND_S_MAX = 30;

  /// What is run for a share.
  public sealed interface Kind {
    /// The commands, each a list of words.
    List<List<String>> commands(double aiShare);

    /// CUDA MPS: the percentage of threads that clients of one server may have.
    ///
    /// @param serverPid process of the MPS server
    record Mps(int serverPid) implements Kind {
      @Override
      public List<List<String>> commands(double aiShare) {
        long percent = Math.max(1, Math.round(100 * aiShare));
        return List.of(
            List.of(
                "sh",
                "-c",
                "echo set_active_thread_percentage "
                    + serverPid
                    + " "
                    + percent
                    + " | nvidia-cuda-mps-control"));
      }
    }

    /// MIG: one instance for AI, of the largest profile that fits its share.
    ///
    /// @param gpu index of the GPU
    /// @param profiles names by the share of the GPU that they take
    record Mig(int gpu, TreeMap<Double, String> profiles) implements Kind {
      public Mig {
        profiles = new TreeMap<>(profiles);
        if (profiles.isEmpty()) {
          throw new IllegalArgumentException("MIG: no profile (expected: one or more, by share)");
        }
      }

      @Override
      public List<List<String>> commands(double aiShare) {
        List<String> mig = List.of("nvidia-smi", "mig", "-i", Integer.toString(gpu));
        var list = new ArrayList<List<String>>();
        list.add(with(mig, "-dci"));
        list.add(with(mig, "-dgi"));
        var fits = profiles.floorEntry(aiShare + 1e-9);
        if (fits != null) {
          list.add(with(mig, "-cgi", fits.getValue(), "-C"));
        }
        return list;
      }

      private static List<String> with(List<String> words, String... more) {
        var all = new ArrayList<>(words);
        all.addAll(List.of(more));
        return all;
      }
    }

    /// A command of one's own, in which `{percent}` stands for AI's share.
    record Own(List<String> words) implements Kind {
      public Own {
        words = List.copyOf(words);
      }

      @Override
      public List<List<String>> commands(double aiShare) {
        String percent = Long.toString(Math.round(100 * aiShare));
        return List.of(words.stream().map(word -> word.replace("{percent}", percent)).toList());
      }
    }
  }

  private final Kind kind;
  private final double step;
  private final int pauseMs;
  private final Consumer<List<String>> runner;
  private final Thread thread;
  private final Object changed = new Object();
  private double wanted = -1; // guarded by changed
  private double given = -1; // of the thread
  private volatile boolean closed;

  /// @param step shares are rounded down to multiples of this
  /// @param pauseMs between two changes at least
  /// @param dryRun whether commands are logged instead of run
  public SplitCommands(Kind kind, double step, int pauseMs, boolean dryRun) {
    this(
        kind,
        step,
        pauseMs,
        dryRun ? words -> log.info("would run: {}", words) : SplitCommands::run);
  }

  SplitCommands(Kind kind, double step, int pauseMs, Consumer<List<String>> runner) {
    if (!(step > 0 && step <= 1) || pauseMs < 0) {
      throw new IllegalArgumentException(
          "GPU split: step " + step + ", pauseMs " + pauseMs + " (expected: 0 to 1, 0 or more)");
    }
    this.kind = kind;
    this.step = step;
    this.pauseMs = pauseMs;
    this.runner = runner;
    thread = Thread.ofVirtual().name("gpu-split").start(this::work);
  }

  @Override
  public void give(double aiShare) {
    synchronized (changed) {
      wanted = Math.floor(aiShare / step + 1e-9) * step;
      changed.notifyAll();
    }
  }

  private void work() {
    try {
      while (!closed) {
        double next;
        synchronized (changed) {
          while (wanted == given && !closed) {
            changed.wait();
          }
          next = wanted;
        }
        if (closed) {
          return;
        }
        kind.commands(next).forEach(runner);
        given = next;
        Thread.sleep(pauseMs);
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private static void run(List<String> words) {
    try {
      Process process = new ProcessBuilder(words).redirectErrorStream(true).inheritIO().start();
      if (!process.waitFor(COMMAND_S_MAX, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        log.warn("{} took longer than {} s and was ended", words, COMMAND_S_MAX);
      } else if (process.exitValue() != 0) {
        log.warn("{} ended with {}", words, process.exitValue());
      }
    } catch (IOException e) {
      log.warn("{} could not be run: {}", words, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
