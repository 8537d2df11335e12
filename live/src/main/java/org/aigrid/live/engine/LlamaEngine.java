package org.aigrid.live.engine;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaIterator;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.LlamaOutput;
import de.kherud.llama.ModelParameters;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.live.gguf.GgufException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/// llama.cpp inside this process, which must have no other (`LlamaProcess`): one model, `slots`
/// sequences batched continuously. One thread waits for each slot's tokens.
///
/// Prompts are not cached between requests: llama.cpp shares a slot's cache with whoever comes
/// next, and answer times would tell tenants of each other's prompts.
///
/// Bounds: `slots` run, `waitingMax` wait, beyond that `Saturated`; prompt and answer fit
/// `contextTokens`. A cancelled generation frees its slot at its next token; one whose prompt is
/// being computed, at its first.
final class LlamaEngine implements Engine {
  private static final Logger log = LoggerFactory.getLogger(LlamaEngine.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int CLOSE_MS_MAX = 5_000;
  private static final int BYTES_PER_TOKEN = 4;
  private static final int[] NO_TOKENS = new int[0];

  /// Of prompts, in one pass: tokens of other sequences, and requests that have to go, wait for its
  /// end.
  private static final int BATCH_TOKENS = 64;

  /// Shorter prompts say little about the prefill rate.
  private static final int MEASURED_TOKENS_MIN = 64;

  private static final double MEASURED_WEIGHT = 0.2;

  static {
    unpackInAFolderOfOurOwn();
  }

  private final String name;
  private final int contextTokens;
  private final LlamaModel model;
  private final ThreadPoolExecutor slots;
  private final int insideMax; // requests that run or wait
  private final AtomicInteger inside = new AtomicInteger();
  private final AtomicLong queuedTokens = new AtomicLong();
  private final AtomicLong heldTokens = new AtomicLong();
  private final AtomicInteger running = new AtomicInteger();
  private volatile double prefillTokensPerSecond;
  private volatile boolean closed;

  /// The library unpacks its native part into the temporary folder, and first deletes whatever lies
  /// there whose name begins with `llama`, be it anybody's.
  private static void unpackInAFolderOfOurOwn() {
    String property = "de.kherud.llama.tmpdir";
    if (System.getProperty(property) == null) {
      try {
        Path folder = Files.createTempDirectory("grid-native-");
        folder.toFile().deleteOnExit();
        System.setProperty(property, folder.toString());
      } catch (IOException e) {
        throw new UncheckedIOException(
            "no folder for the native part of llama.cpp in "
                + System.getProperty("java.io.tmpdir")
                + " (expected: a folder that can be written)",
            e);
      }
    }
  }

  /// Loads the model, which takes seconds for large ones.
  ///
  /// @param name the id that clients send
  /// @param gguf the weights
  /// @param slots sequences together
  /// @param contextTokens prompt and answer of one sequence
  /// @param waitingMax requests without a slot
  /// @param threads that compute: they spin while they wait for each other, so engines that share a
  ///   machine share its processors, too
  /// @throws GgufException when llama.cpp does not load the file
  LlamaEngine(String name, Path gguf, int slots, int contextTokens, int waitingMax, int threads) {
    if (slots < 1 || contextTokens < 16 || waitingMax < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "llama engine of "
              + name
              + ": slots "
              + slots
              + ", contextTokens "
              + contextTokens
              + ", waitingMax "
              + waitingMax
              + ", threads "
              + threads
              + " (expected: 1, 16, 1 and 1 or more)");
    }
    this.name = name;
    this.contextTokens = contextTokens;
    insideMax = slots + waitingMax;
    try {
      model =
          new LlamaModel(
              new ModelParameters()
                  .setModel(gguf.toString())
                  .setParallel(slots)
                  .setThreads(threads)
                  .setThreadsBatch(threads)
                  .setBatchSize(BATCH_TOKENS)
                  .setUbatchSize(BATCH_TOKENS)
                  .setCtxSize(Math.multiplyExact(slots, contextTokens))
                  .disableContextShift()
                  .enableJinja()
                  .disableLog());
    } catch (RuntimeException e) { // LlamaException is not public
      throw new GgufException(
          "model file "
              + gguf
              + " was refused by llama.cpp: "
              + e.getMessage()
              + " (expected: an architecture it knows, and memory for weights and "
              + slots
              + " x "
              + contextTokens
              + " tokens of context)",
          e);
    }
    this.slots =
        new ThreadPoolExecutor(
            slots,
            slots,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // `insideMax` bounds it
            task -> {
              var thread = new Thread(task, "llama-" + name);
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public Generation submit(GenerationRequest request, TokenSink sink) {
    var work = new Work(request, sink);
    if (closed) {
      work.leave();
      sink.onError(closedFailure());
      return work;
    }
    // Counted here and not by the queue: an idle thread takes from it only a moment later.
    if (inside.incrementAndGet() > insideMax) {
      inside.decrementAndGet();
      work.leave();
      sink.onError(
          new EngineFailure.Saturated(name + " has as many requests waiting here as it may.", 1));
      return work;
    }
    queuedTokens.addAndGet(work.estimate);
    try {
      slots.execute(work);
    } catch (RejectedExecutionException shutDown) {
      queuedTokens.addAndGet(-work.estimate);
      inside.decrementAndGet();
      work.leave();
      sink.onError(closedFailure());
    }
    return work;
  }

  @Override
  public EndpointLoad load() {
    return new EndpointLoad(
        name,
        (int) Math.clamp(queuedTokens.get(), 0, Integer.MAX_VALUE),
        slots.getQueue().size(),
        running.get(),
        (int) Math.clamp(heldTokens.get(), 0, Integer.MAX_VALUE),
        prefillTokensPerSecond);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    slots.shutdown(); // what waits runs, and finds that it is closed
    boolean ended = false;
    try {
      ended = slots.awaitTermination(CLOSE_MS_MAX, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (ended) {
      model.close();
    } else {
      log.warn("{} still computes a prompt; its memory is freed when the process ends", name);
    }
  }

  private EngineFailure closedFailure() {
    return new EngineFailure.Closed(name + " is shutting down here.");
  }

  /// One request; runs on a slot's thread.
  private final class Work implements Generation, Runnable {
    private final GenerationRequest request;
    private final TokenSink sink;
    private final int estimate;
    private final List<Runnable> leaving = new ArrayList<>(); // guarded by itself
    private boolean left; // guarded by leaving
    private volatile boolean cancelled;

    Work(GenerationRequest request, TokenSink sink) {
      this.request = request;
      this.sink = sink;
      long chars =
          switch (request.prompt()) {
            case GenerationRequest.Prompt.Text plain -> plain.text().length();
            case GenerationRequest.Prompt.Chat chat ->
                chat.messages().stream().mapToLong(m -> m.content().length()).sum();
          };
      estimate = (int) Math.clamp(chars / BYTES_PER_TOKEN, 1, 1 << 29);
    }

    @Override
    public void cancel(Runnable gone) {
      cancelled = true;
      if (slots.remove(this)) {
        queuedTokens.addAndGet(-estimate);
        inside.decrementAndGet();
        gone.run();
        return;
      }
      synchronized (leaving) {
        if (!left) {
          leaving.add(gone);
          return;
        }
      }
      gone.run();
    }

    private void leave() {
      synchronized (leaving) {
        left = true;
      }
      leaving.forEach(Runnable::run);
    }

    @Override
    public void run() {
      if (cancelled || closed) {
        queuedTokens.addAndGet(-estimate);
        inside.decrementAndGet();
        leave();
        if (!cancelled) {
          sink.onError(closedFailure());
        }
        return;
      }
      running.incrementAndGet();
      var held = new long[1];
      var queued = new long[] {estimate};
      try {
        generate(held, queued);
      } catch (RuntimeException e) {
        log.warn("a generation of {} failed", name, e);
        sink.onError(new EngineFailure.Broken(name + " failed while it generated."));
      } finally {
        inside.decrementAndGet();
        leave();
        running.decrementAndGet();
        heldTokens.addAndGet(-held[0]);
        queuedTokens.addAndGet(-queued[0]);
      }
    }

    private void generate(long[] held, long[] queued) {
      String prompt =
          switch (request.prompt()) {
            case GenerationRequest.Prompt.Text plain -> plain.text();
            case GenerationRequest.Prompt.Chat chat -> templated(chat);
          };
      int promptTokens = Math.max(1, model.encode(prompt).length);
      GenerationRequest.Begun begun = request.begun();
      int begunTokens = begun == null ? 0 : begun.tokens();
      int room = contextTokens - promptTokens;
      if (room < 1 || request.maxTokens() > room) {
        sink.onError(
            new EngineFailure.TooLong(
                "This model's maximum context length is "
                    + contextTokens
                    + " tokens here; the request asks for "
                    + promptTokens
                    + " of prompt and "
                    + request.maxTokens()
                    + " of answer. Shorten the prompt or lower max_tokens."));
        return;
      }
      int bound = request.maxTokens() > 0 ? request.maxTokens() : room;
      if (begunTokens >= bound) {
        sink.onStart(promptTokens, 0);
        sink.onEnd(FinishReason.LENGTH, new Usage(promptTokens, 0, begunTokens));
        return;
      }
      long beganNanos = System.nanoTime();
      LlamaIterator tokens =
          model.generate(parameters(prompt, begun, bound - begunTokens)).iterator();
      var usage = new int[] {begunTokens};
      boolean started = false;
      while (tokens.hasNext()) {
        LlamaOutput output = tokens.next();
        if (!started) {
          started = true;
          measure(promptTokens + begunTokens, beganNanos);
          queuedTokens.addAndGet(-queued[0]);
          queued[0] = 0;
          held[0] = promptTokens + begunTokens;
          heldTokens.addAndGet(held[0]);
          if (!cancelled && !closed) {
            sink.onStart(promptTokens, 0);
          }
        }
        if (cancelled || closed) {
          if (tokens.hasNext()) {
            tokens.cancel();
          }
          if (!cancelled) {
            sink.onError(closedFailure());
          }
          return;
        }
        int[] ids = output.text.isEmpty() ? NO_TOKENS : model.encode(output.text);
        boolean exact = output.text.equals(model.decode(ids)) && ids.length <= bound - usage[0];
        int count = output.text.isEmpty() ? 0 : Math.clamp(ids.length, 1, bound - usage[0]);
        usage[0] += count;
        held[0] += count;
        heldTokens.addAndGet(count);
        if (!output.text.isEmpty()) {
          sink.onText(output.text, count, exact ? ids : null);
        }
      }
      sink.onEnd(
          usage[0] >= bound ? FinishReason.LENGTH : FinishReason.STOP,
          new Usage(promptTokens, 0, usage[0]));
    }

    private String templated(GenerationRequest.Prompt.Chat chat) {
      List<Map<String, String>> messages = new ArrayList<>();
      for (GenerationRequest.Message message : chat.messages()) {
        String role = message.role().equals("developer") ? "system" : message.role();
        messages.add(Map.of("role", role, "content", message.content()));
      }
      return model.applyTemplate(JSON.writeValueAsString(Map.of("messages", messages)));
    }

    private InferenceParameters parameters(
        String prompt, GenerationRequest.@Nullable Begun begun, int bound) {
      GenerationRequest.Sampling sampling = request.sampling();
      var parameters =
          LlamaPrompt.of(prompt, begun)
              .setNPredict(bound)
              .setCachePrompt(false)
              .setIgnoreEos(request.ignoreEos());
      if (sampling.temperature() != null) {
        parameters.setTemperature(sampling.temperature().floatValue());
      }
      if (sampling.topP() != null) {
        parameters.setTopP(sampling.topP().floatValue());
      }
      if (sampling.seed() != null) {
        parameters.setSeed(sampling.seed().intValue());
      }
      if (sampling.frequencyPenalty() != null) {
        parameters.setFrequencyPenalty(sampling.frequencyPenalty().floatValue());
      }
      if (sampling.presencePenalty() != null) {
        parameters.setPresencePenalty(sampling.presencePenalty().floatValue());
      }
      if (!request.stop().isEmpty()) {
        parameters.setStopStrings(request.stop().toArray(String[]::new));
      }
      return parameters;
    }

    private void measure(int promptTokens, long begun) {
      if (promptTokens < MEASURED_TOKENS_MIN) {
        return;
      }
      double rate = promptTokens * 1e9 / Math.max(1, System.nanoTime() - begun);
      double last = prefillTokensPerSecond;
      prefillTokensPerSecond = last == 0 ? rate : last + MEASURED_WEIGHT * (rate - last);
    }
  }
}
