package org.aigrid.core.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// The step loop of one engine replica with continuous batching, after vLLM v1: each step has a
/// budget of prompt tokens; running sequences come first in their order (one token when decoding,
/// else the next piece of the prompt), then waiting ones, first come first served, while there is a
/// free place, budget left and KV cache for the whole prompt. When the cache is full the newest
/// running sequence is preempted: it goes back to the head of the queue and computes prompt and
/// generated tokens again. A sequence that completes its prompt gets its first token at the end of
/// that step. Cached prompt tokens cost no prefill but are read and held.
///
/// Pure: no clock, no randomness. [#next] decides a step and applies it; the caller lets
/// `durationMs` pass and then tells the receivers. Not thread-safe. A step costs a few nanoseconds
/// for each running sequence and allocates nothing.
///
/// Bounds: at most `sequencesMax` run, the KV cache never holds more than `kvTokensMax`; the
/// waiting queue is bounded by the caller, who sees [#waiting].
///
/// @param <T> what the caller attaches to its sequences
public final class BatchScheduler<T> {
  private final EngineProfile profile;
  private final ArrayDeque<Sequence<T>> waiting = new ArrayDeque<>();
  private final ArrayList<Sequence<T>> running = new ArrayList<>();
  private final Step<T> step = new Step<>();
  private long kvTokens;
  private long queuedTokens;

  public BatchScheduler(EngineProfile profile) {
    this.profile = profile;
  }

  /// One request inside the engine.
  public static final class Sequence<T> {
    private final T owner;
    private final int promptTokens;
    private final int outputTokens;
    private int generated;
    private int computed; // tokens whose KV entries exist
    private int reserved; // tokens that the cache keeps room for
    private boolean decoding; // its prompt is computed
    private boolean over; // finished or cancelled

    private Sequence(T owner, int promptTokens, int cachedTokens, int outputTokens) {
      this.owner = owner;
      this.promptTokens = promptTokens;
      this.outputTokens = outputTokens;
      this.computed = cachedTokens;
    }

    public T owner() {
      return owner;
    }

    /// Tokens generated so far.
    public int generated() {
      return generated;
    }

    /// Whether it has finished or was cancelled.
    public boolean over() {
      return over;
    }

    private int goal() {
      return promptTokens + generated;
    }
  }

  /// What one step did. Reused: valid until the next call of [#next].
  public static final class Step<T> {
    private final ArrayList<Sequence<T>> emitted = new ArrayList<>();
    private double durationMs;
    private int prefillTokens;
    private int decoding;
    private int preempted;

    /// How long the step takes.
    public double durationMs() {
      return durationMs;
    }

    /// Prompt tokens computed in it.
    public int prefillTokens() {
      return prefillTokens;
    }

    /// Sequences that it decoded.
    public int decoding() {
      return decoding;
    }

    /// Sequences that lost their place in it.
    public int preempted() {
      return preempted;
    }

    /// The sequences that got one token each at its end; those that are over got their last.
    public List<Sequence<T>> emitted() {
      return Collections.unmodifiableList(emitted);
    }
  }

  /// Whether a request of that size can ever run here.
  public boolean fits(int promptTokens, int outputTokens) {
    return (long) promptTokens + outputTokens <= profile.kvTokensMax();
  }

  /// Puts a request at the end of the queue.
  ///
  /// @param cachedTokens prompt tokens whose KV entries exist already; at least one is computed
  public Sequence<T> add(T owner, int promptTokens, int cachedTokens, int outputTokens) {
    if (promptTokens < 1 || outputTokens < 1 || cachedTokens < 0) {
      throw new IllegalArgumentException(
          "sequence: promptTokens "
              + promptTokens
              + ", cachedTokens "
              + cachedTokens
              + ", outputTokens "
              + outputTokens
              + " (expected: 1 or more, 0 or more, 1 or more)");
    }
    if (!fits(promptTokens, outputTokens)) {
      throw new IllegalArgumentException(
          "sequence of "
              + promptTokens
              + " + "
              + outputTokens
              + " tokens (expected: at most the KV cache of "
              + profile.kvTokensMax()
              + "; ask fits() first)");
    }
    var sequence =
        new Sequence<>(owner, promptTokens, Math.min(cachedTokens, promptTokens - 1), outputTokens);
    waiting.addLast(sequence);
    queuedTokens += sequence.goal() - sequence.computed;
    return sequence;
  }

  /// Takes a sequence out; its place and its cache are free for the next step. Does nothing when it
  /// is over.
  public void cancel(Sequence<T> sequence) {
    if (sequence.over) {
      return;
    }
    sequence.over = true;
    if (!sequence.decoding) {
      queuedTokens -= sequence.goal() - sequence.computed;
    }
    if (running.remove(sequence)) {
      kvTokens -= sequence.reserved;
    } else {
      waiting.remove(sequence);
    }
  }

  /// Whether nothing runs or waits.
  public boolean idle() {
    return running.isEmpty() && waiting.isEmpty();
  }

  public int running() {
    return running.size();
  }

  public int waiting() {
    return waiting.size();
  }

  /// Who runs or waits, in a new list.
  public List<T> owners() {
    var owners = new ArrayList<T>(running.size() + waiting.size());
    running.forEach(sequence -> owners.add(sequence.owner));
    waiting.forEach(sequence -> owners.add(sequence.owner));
    return owners;
  }

  /// Tokens that the KV cache keeps for running sequences.
  public long kvTokens() {
    return kvTokens;
  }

  /// Prompt tokens accepted and not yet computed, with those that preemption threw away.
  public long queuedTokens() {
    return queuedTokens;
  }

  /// The next step. When the engine is idle it is empty and takes no time.
  public Step<T> next() {
    return next(profile.chunkTokens());
  }

  /// The next step with a smaller budget than the profile's: in pieces, where something beside the
  /// engine waits for the end of its steps.
  ///
  /// @param tokensMax 1 or more, prompt tokens and one for each decoding sequence
  public Step<T> next(int tokensMax) {
    step.emitted.clear();
    step.prefillTokens = 0;
    step.decoding = 0;
    step.preempted = 0;
    step.durationMs = 0;
    if (idle()) {
      return step;
    }
    int budget = Math.clamp(tokensMax, 1, profile.chunkTokens());
    long contextTokens = 0;
    for (int i = 0; i < running.size() && budget > 0; i++) {
      Sequence<T> sequence = running.get(i);
      if (!makeRoom(sequence)) {
        break; // it was the newest itself
      }
      contextTokens += sequence.computed;
      budget -= advance(sequence, budget);
    }
    while (step.preempted == 0 && budget > 0 && running.size() < profile.sequencesMax()) {
      Sequence<T> sequence = waiting.peekFirst();
      if (sequence == null || kvTokens + sequence.goal() > profile.kvTokensMax()) {
        break;
      }
      waiting.removeFirst();
      running.add(sequence);
      sequence.reserved = sequence.goal();
      kvTokens += sequence.reserved;
      contextTokens += sequence.computed;
      budget -= advance(sequence, budget);
    }
    running.removeIf(sequence -> sequence.over);
    for (int i = 0; i < step.emitted.size(); i++) {
      Sequence<T> sequence = step.emitted.get(i);
      kvTokens -= sequence.over ? sequence.reserved : 0;
    }
    step.durationMs = profile.step().stepMs(step.prefillTokens, step.decoding, contextTokens);
    return step;
  }

  /// Room for all tokens the sequence has so far, at the cost of newer ones. False when it had to
  /// go itself.
  private boolean makeRoom(Sequence<T> sequence) {
    int missing = sequence.goal() - sequence.reserved;
    while (kvTokens + missing > profile.kvTokensMax()) {
      Sequence<T> newest = running.removeLast();
      preempt(newest);
      if (newest == sequence) {
        return false;
      }
    }
    kvTokens += missing;
    sequence.reserved += missing;
    return true;
  }

  private void preempt(Sequence<T> sequence) {
    int counted = sequence.decoding ? 0 : sequence.goal() - sequence.computed;
    queuedTokens += sequence.goal() - counted;
    kvTokens -= sequence.reserved;
    sequence.reserved = 0;
    sequence.computed = 0;
    sequence.decoding = false;
    waiting.addFirst(sequence);
    step.preempted++;
  }

  /// Computes the sequence's next tokens within `budget`; returns how many.
  private int advance(Sequence<T> sequence, int budget) {
    int left = sequence.goal() - sequence.computed;
    int taken = Math.min(left, budget);
    if (sequence.decoding) {
      step.decoding++;
    } else {
      step.prefillTokens += taken;
      queuedTokens -= taken;
    }
    sequence.computed += taken;
    if (taken == left) {
      sequence.generated++;
      sequence.decoding = true;
      sequence.over = sequence.generated == sequence.outputTokens;
      step.emitted.add(sequence);
    }
    return taken;
  }
}
