package org.aigrid.live.engine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.engine.BatchScheduler;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.reclaim.AiBudget;
import org.aigrid.core.view.EndpointLoad;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An engine with the timing of a real one and invented text that says so: the same for the same
/// prompt wherever it is asked, as a model at temperature 0 would give it. Each replica steps a
/// `BatchScheduler` on the profile of its accelerator and model, on one daemon thread that all
/// emulated engines of the process share; replicas come into being when first needed. Prompts whose
/// beginning a replica has computed before, for the same tenant, skip that part.
///
/// Tokens of a prompt are estimated as a quarter of its UTF-8 bytes. One piece of text is one
/// token, so that bounds on tokens hold exactly; without one the length follows from the prompt (50
/// to 200).
///
/// Beside a radio its steps take longer by what the radio has (`setShare`), and take prompts in
/// pieces that are over within a deadline all the same, by the same rule as the twin's
/// (`AiBudget`).
///
/// Bound: `sequencesMax x replicas` run, `waitingMax` more wait; beyond that `Saturated`.
public final class EmulatedEngine implements Engine {
  private static final Logger log = LoggerFactory.getLogger(EmulatedEngine.class);

  /// A radio leaves at least this share: a step that takes forever cannot be planned.
  private static final double SHARE_LEAST = 0.01;

  private static final int OUTPUT_TOKENS_MIN = 50;
  private static final int OUTPUT_TOKENS_MAX = 200;
  private static final int BYTES_PER_TOKEN = 4;

  /// Most blocks a replica remembers, whatever its KV cache would hold.
  private static final int CACHE_BLOCKS_MAX = 65_536;

  /// What a sequence in the batch weighs, in prompt tokens, when a replica is chosen.
  private static final int SEQUENCE_WEIGHT_TOKENS = 32;

  /// A step loop that is later than this starts its time line anew.
  private static final long LATE_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(250);

  private final String label;
  private final EndpointSpec endpoint;
  private final EngineProfile profile;
  private final double stepMsMax;
  private final double shareLeast;
  private final int openMax;
  private final StepLoop loop = StepLoop.shared();
  private final CopyOnWriteArrayList<Replica> replicas = new CopyOnWriteArrayList<>();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger arriving = new AtomicInteger(); // accepted, not yet with a replica
  private final AtomicLong arrivingTokens = new AtomicLong();
  private volatile double share = 1;
  private volatile boolean closed;

  /// @param endpoint what it emulates
  /// @param waitingMax requests without a sequence, over all replicas
  public EmulatedEngine(EndpointSpec endpoint, int waitingMax) {
    this(endpoint, waitingMax, Double.POSITIVE_INFINITY);
  }

  /// As above, beside a radio.
  ///
  /// @param stepMsMax no step takes prompt tokens beyond this, however small the share of the GPU
  ///   that is left; infinite for no such bound
  public EmulatedEngine(EndpointSpec endpoint, int waitingMax, double stepMsMax) {
    if (!(stepMsMax > 0)) {
      throw new IllegalArgumentException("stepMsMax: " + stepMsMax + " (expected: above 0)");
    }
    if (waitingMax < 0) {
      throw new IllegalArgumentException("waitingMax: " + waitingMax + " (expected: 0 or more)");
    }
    this.endpoint = endpoint;
    profile = EngineProfiles.of(endpoint);
    this.stepMsMax = stepMsMax;
    shareLeast =
        Double.isInfinite(stepMsMax)
            ? SHARE_LEAST
            : Math.max(SHARE_LEAST, AiBudget.leastShare(profile, stepMsMax));
    label = "[emulated: " + endpoint.model().name() + "]";
    openMax = endpoint.sequencesMax() * endpoint.replicas() + waitingMax;
  }

  @Override
  public Generation submit(GenerationRequest request, TokenSink sink) {
    var work = new Work(request, sink);
    if (closed) {
      work.over = true;
      sink.onError(new EngineFailure.Closed(endpoint.model().name() + " is shutting down here."));
      return work;
    }
    int context = endpoint.model().contextTokensMax();
    if (work.nothingLeft()) {
      work.over = true;
      sink.onStart(work.promptTokens, 0);
      sink.onEnd(work.reason(), new Usage(work.promptTokens, 0, work.begunTokens));
      return work;
    }
    if (work.promptTokens + Math.max(1, request.maxTokens()) > context
        || work.promptTokens + work.outputTokens > profile.kvTokensMax()) {
      work.over = true;
      sink.onError(
          new EngineFailure.TooLong(
              "This model's maximum context length is "
                  + Math.min(context, profile.kvTokensMax())
                  + " tokens; the request asks for "
                  + work.promptTokens
                  + " of prompt and "
                  + Math.max(work.outputTokens, request.maxTokens())
                  + " of answer. Shorten the prompt or lower max_tokens."));
      return work;
    }
    if (open.incrementAndGet() > openMax) {
      open.decrementAndGet();
      work.over = true;
      sink.onError(
          new EngineFailure.Saturated(
              endpoint.model().name() + " has " + openMax + " requests here, as many as it may.",
              1));
      return work;
    }
    arriving.incrementAndGet();
    arrivingTokens.addAndGet(work.promptTokens);
    loop.execute(work::arrive);
    return work;
  }

  @Override
  public EndpointLoad load() {
    long queued = arrivingTokens.get();
    int waiting = arriving.get();
    int running = 0;
    long context = 0;
    for (Replica replica : replicas) {
      queued += replica.queuedTokens;
      waiting += replica.waiting;
      running += replica.running;
      context += replica.kvTokens;
    }
    return new EndpointLoad(
        endpoint.model().name(),
        (int) Math.clamp(queued, 0, Integer.MAX_VALUE),
        Math.max(0, waiting),
        running,
        (int) Math.min(Integer.MAX_VALUE, context),
        0);
  }

  /// Counts from the next step on. With less than steps within their bound need, AI has nothing, so
  /// that what still runs is on its way out: it is not held up by a step of seconds.
  @Override
  public void setShare(double left) {
    share = Math.clamp(left, shareLeast, 1);
  }

  @Override
  public void close() {
    closed = true;
    loop.execute(() -> replicas.forEach(Replica::close));
  }

  /// On the loop: the replica that would begin the prompt soonest.
  private Replica choose(Work work) {
    Replica best = null;
    long bestCost = Long.MAX_VALUE;
    for (Replica replica : replicas) {
      long cost = replica.cost(work);
      if (cost < bestCost) {
        best = replica;
        bestCost = cost;
      }
    }
    if (best == null || (bestCost > work.promptTokens && replicas.size() < endpoint.replicas())) {
      best = new Replica();
      replicas.add(best);
    }
    return best;
  }

  /// One emulated engine process.
  private final class Replica extends StepLoop.Due {
    private final BatchScheduler<Work> scheduler = new BatchScheduler<>(profile);
    private final PrefixCache cache =
        new PrefixCache(
            Math.clamp(profile.kvTokensMax() / PromptBlocks.BLOCK_TOKENS, 1, CACHE_BLOCKS_MAX));
    private BatchScheduler.Step<Work> step = scheduler.next();
    private final ArrayList<Runnable> afterStep = new ArrayList<>();
    private boolean stepping;
    private volatile long queuedTokens;
    private volatile int waiting;
    private volatile int running;
    private volatile long kvTokens;

    long cost(Work work) {
      int cached = cache.matched(work.blocks) * PromptBlocks.BLOCK_TOKENS;
      long sequences = scheduler.running() + (long) scheduler.waiting();
      return scheduler.queuedTokens()
          + Math.max(1, work.promptTokens - cached)
          + sequences * SEQUENCE_WEIGHT_TOKENS;
    }

    void add(Work work) {
      int cached = cache.matched(work.blocks) * PromptBlocks.BLOCK_TOKENS;
      work.cachedTokens = Math.min(cached, work.promptTokens - 1);
      work.sequence =
          scheduler.add(
              work,
              work.promptTokens + work.begunTokens,
              work.cachedTokens,
              work.outputTokens - work.begunTokens);
      if (!stepping) {
        dueNanos = System.nanoTime();
        begin();
      }
      publish();
    }

    private void begin() {
      double left = share;
      int decoding = scheduler.running();
      int prompts = AiBudget.chunkTokens(profile, stepMsMax, left, decoding, scheduler.kvTokens());
      step = scheduler.next(prompts + decoding);
      stepping = !scheduler.idle() || !step.emitted().isEmpty();
      if (stepping) {
        dueNanos += (long) (step.durationMs() / left * 1e6);
        loop.schedule(this);
      }
    }

    /// A step ends.
    @Override
    void run() {
      afterStep.forEach(Runnable::run);
      afterStep.clear();
      List<BatchScheduler.Sequence<Work>> emitted = step.emitted();
      for (int i = 0; i < emitted.size(); i++) {
        BatchScheduler.Sequence<Work> sequence = emitted.get(i);
        sequence.owner().token(sequence.generated(), sequence.over());
      }
      long now = System.nanoTime();
      if (now - dueNanos > LATE_NANOS_MAX) {
        dueNanos = now;
      }
      begin();
      publish();
    }

    void cancel(BatchScheduler.Sequence<Work> sequence) {
      scheduler.cancel(sequence);
      publish();
    }

    /// Runs it when the step under way has ended.
    void afterStep(Runnable task) {
      if (stepping) {
        afterStep.add(task);
      } else {
        task.run();
      }
    }

    private void publish() {
      queuedTokens = scheduler.queuedTokens();
      waiting = scheduler.waiting();
      running = scheduler.running();
      kvTokens = scheduler.kvTokens();
    }

    void close() {
      for (Work work : scheduler.owners()) {
        work.fail(new EngineFailure.Closed(endpoint.model().name() + " has shut down here."));
      }
    }
  }

  /// One request, on the loop after `arrive`.
  private final class Work implements Generation {
    private final TokenSink sink;
    private final int promptTokens;
    private final int outputTokens;
    private final int begunTokens; // generated elsewhere, of outputTokens
    private final boolean cut; // ends by the bound, not by itself
    private final long[] blocks;
    private final InventedText text;
    private final StopText stop;
    private int cachedTokens;
    private volatile boolean over;
    private Replica replica;
    private BatchScheduler.Sequence<Work> sequence;

    @SuppressWarnings("NullAway.Init") // replica and sequence are there from arrive() on
    Work(GenerationRequest request, TokenSink sink) {
      this.sink = sink;
      var hashing = new PromptBlocks();
      hashing.reset(PromptBlocks.salt(PromptBlocks.salt(0, request.tenant()), label));
      long mixed = 0;
      long bytes = 0;
      for (String part : parts(request.prompt())) {
        byte[] utf8 = part.getBytes(StandardCharsets.UTF_8);
        hashing.update(utf8, 0, utf8.length);
        hashing.update((byte) 0);
        mixed = InventedText.mix(mixed * 31 + part.hashCode());
        bytes += utf8.length + 1;
      }
      blocks = new long[hashing.count()];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = hashing.hash(i);
      }
      promptTokens = (int) Math.clamp(bytes / BYTES_PER_TOKEN, 1, 1 << 29);
      text = new InventedText(label, mixed, request.invented());
      int natural =
          request.invented() != null
              ? text.givenTokens()
              : OUTPUT_TOKENS_MIN
                  + (int) Long.remainderUnsigned(mixed, OUTPUT_TOKENS_MAX - OUTPUT_TOKENS_MIN + 1);
      int bound = request.maxTokens();
      boolean pinned = bound > 0 && (request.ignoreEos() || bound < natural);
      outputTokens = pinned ? bound : natural;
      cut = pinned;
      stop = new StopText(request.ignoreEos() ? List.of() : request.stop());
      begunTokens = request.begun() == null ? 0 : Math.min(request.begun().tokens(), outputTokens);
      for (int i = 0; i < begunTokens; i++) {
        stop.accept(text.piece(i)); // the client has had what comes of it
      }
    }

    /// Whether all of it was generated elsewhere.
    boolean nothingLeft() {
      return begunTokens > 0 && (begunTokens == outputTokens || stop.stopped());
    }

    FinishReason reason() {
      return stop.stopped() || !cut ? FinishReason.STOP : FinishReason.LENGTH;
    }

    private static List<String> parts(GenerationRequest.Prompt prompt) {
      return switch (prompt) {
        case GenerationRequest.Prompt.Text plain -> List.of(plain.text());
        case GenerationRequest.Prompt.Chat chat ->
            chat.messages().stream().map(m -> m.role() + "\n" + m.content()).toList();
      };
    }

    void arrive() {
      arriving.decrementAndGet();
      arrivingTokens.addAndGet(-promptTokens);
      if (over) {
        return;
      }
      if (closed) {
        fail(new EngineFailure.Closed(endpoint.model().name() + " has shut down here."));
        return;
      }
      replica = choose(this);
      replica.add(this);
    }

    /// Token `count` of it has come.
    void token(int generated, boolean last) {
      if (over) {
        return;
      }
      int count = begunTokens + generated;
      try {
        if (generated == 1) {
          replica.cache.add(blocks);
          sink.onStart(promptTokens, cachedTokens);
        }
        String free = stop.accept(text.piece(count - 1));
        boolean stopped = stop.stopped();
        if (last && !stopped) {
          free += stop.rest();
        }
        sink.onText(free, 1, new int[] {count - 1});
        if (last || stopped) {
          finish();
          sink.onEnd(reason(), new Usage(promptTokens, cachedTokens, count));
        }
      } catch (RuntimeException e) {
        log.warn("a receiver of emulated text failed; its generation ends", e);
        finish();
      }
    }

    void fail(EngineFailure failure) {
      if (!over) {
        finish();
        sink.onError(failure);
      }
    }

    private void finish() {
      if (!over) {
        over = true;
        open.decrementAndGet();
      }
      if (sequence != null) {
        replica.cancel(sequence);
      }
    }

    @Override
    public void cancel(Runnable gone) {
      if (over) {
        gone.run();
        return;
      }
      loop.execute(
          () -> {
            finish();
            if (sequence == null) {
              gone.run();
            } else {
              replica.afterStep(gone);
            }
          });
    }
  }
}
