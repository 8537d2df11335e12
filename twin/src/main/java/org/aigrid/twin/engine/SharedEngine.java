package org.aigrid.twin.engine;

import java.util.Arrays;
import java.util.function.IntPredicate;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.StepModel;

/// An endpoint as a shared processor: what continuous batching looks like between its events.
///
/// All running sequences get tokens at one rate, one over the duration of a pass; the prompts at
/// the head of the queue are computed beside them, one on each replica, and make the passes longer.
/// So a request costs an event when its prompt is computed and one when it ends, however many
/// tokens it has: the end of a sequence is a fixed amount of *service* (tokens that a sequence
/// running since the beginning would have), and the service's speed alone changes. Context grows by
/// a token for each sequence and pass. When the KV cache is full the newest sequence goes back to
/// the queue and computes its prompt and its tokens again, as in vLLM. While the radio holds a
/// share of the GPU, all passes take longer by `1 / share left`.
///
/// Times are milliseconds, requests are numbers of the caller's. Pure: no clock, no randomness. One
/// thread; about 100 ns an event, a heap over the running sequences. A country has 200,000 of these
/// and what an event costs is counted in cache lines: some 300 bytes each while little is under
/// way, in three pieces; allocates only to grow.
public final class SharedEngine {
  /// Who is told what happens, in order of time.
  public interface Listener {
    /// The prompt is computed and the first token is there.
    void firstToken(int request, double atMs);

    /// The last token is there; comes after `firstToken`, at the same time for one token.
    ///
    /// @param heldTokens of prompt and answer, as the engine counted them
    void end(int request, int heldTokens, double atMs);
  }

  /// Who is shown the requests inside.
  public interface Visitor {
    /// @param heldTokens of its prompt and its answer so far; where the prompt is not computed yet,
    ///   those that it will hold
    void at(int request, int heldTokens);
  }

  /// The radio leaves at least this share: a pass that takes forever cannot be planned.
  public static final double SHARE_LEAST = 0.01;

  private static final double EPSILON_MS = 1e-9;
  private static final double EPSILON_TOKENS = 1e-5;

  // A running sequence: a row in a heap by the service at which it ends.
  private static final int RUNNING_DOUBLES = 4;
  private static final int ENDS_AT = 0;
  private static final int BEGAN_AT = 1; // service when it began to run
  private static final int RUNNING_REQUEST = 2;
  private static final int RUNNING_PROMPT = 3;

  // A waiting prompt: a row in a ring; the first `computing` of them are being computed.
  private static final int WAITING_DOUBLES = 8;
  private static final int REQUEST = 0;
  private static final int PROMPT = 1; // tokens whose cache it will hold
  private static final int OUTPUT = 2;
  private static final int AGAIN = 3; // 1: had its first token before
  private static final int TO_COMPUTE = 4; // tokens, when it came
  private static final int LEFT = 5; // of these, not computed
  private static final int DELAY_MS = 6; // left of the pass in progress when it came

  private final Hardware hardware;

  private double nowMs;
  private double service; // tokens that a sequence running since the beginning would have
  private double contextTokens; // of the running sequences
  private double queuedTokens;
  private double usedGpuMs;
  private int running;
  private int head;
  private int waiting;
  private int preemptions;
  private double[] runs = new double[2 * RUNNING_DOUBLES];
  private double[] waits = new double[2 * WAITING_DOUBLES];

  // The speeds until the next event.
  private double share = 1;
  private int computing;
  private double nextInMs = Double.POSITIVE_INFINITY; // when something happens, from nowMs
  private double decodeTokensPerMs;
  private double prefillTokensPerMs; // of each prompt that is being computed

  public SharedEngine(EngineProfile profile, int replicas) {
    this(new Hardware(profile, replicas));
  }

  public SharedEngine(Hardware hardware) {
    this.hardware = hardware;
  }

  public Hardware hardware() {
    return hardware;
  }

  /// Sequences that decode.
  public int running() {
    return running;
  }

  /// Requests whose prompt is not computed.
  public int waiting() {
    return waiting;
  }

  /// Prompt tokens that are not computed, as of the last `advance`.
  public double queuedTokens() {
    return queuedTokens;
  }

  /// Prompt tokens that will not be computed at `atMs`, if nothing happens until then.
  public double queuedTokensAt(double atMs) {
    double left = queuedTokens;
    for (int i = 0; i < computing; i++) {
      int at = row(i);
      double computingMs = Math.max(0, atMs - nowMs - waits[at + DELAY_MS]);
      left -= Math.min(waits[at + LEFT], computingMs * prefillTokensPerMs);
    }
    return Math.max(0, left);
  }

  /// Tokens that running sequences hold, as of the last `advance`.
  public double contextTokens() {
    return contextTokens;
  }

  /// Tokens that running sequences will hold at `atMs`, if nothing happens until then.
  public double contextTokensAt(double atMs) {
    return contextTokens + Math.max(0, atMs - nowMs) * running * decodeTokensPerMs;
  }

  /// Sequences that lost their place.
  public int preemptions() {
    return preemptions;
  }

  /// GPU time that requests used: replicas at work, times the share that the radio left them.
  public double usedGpuMs() {
    return usedGpuMs;
  }

  /// `usedGpuMs` at `atMs`, if nothing happens until then.
  public double usedGpuMsAt(double atMs) {
    return usedGpuMs
        + Math.max(0, atMs - nowMs) * share * Math.min(hardware.replicas(), running + computing);
  }

  /// The radio leaves this share of each GPU from the time of the last `advance` on.
  public void setShare(double left) {
    double next = Math.clamp(left, SHARE_LEAST, 1);
    if (next != share) {
      share = next;
      setSpeeds();
    }
  }

  /// A request arrives, at the time of the last `advance`.
  ///
  /// @param request the caller's number for it
  /// @param cachedTokens of the prompt's tokens, those that need no computing
  public void add(int request, int promptTokens, int cachedTokens, int outputTokens) {
    EngineProfile profile = hardware.profile();
    if (promptTokens + (double) outputTokens > profile.kvTokensMax()) {
      throw new IllegalArgumentException(
          "request of "
              + promptTokens
              + " + "
              + outputTokens
              + " tokens (expected: at most the KV cache of one replica, "
              + profile.kvTokensMax()
              + ")");
    }
    growWaiting();
    int at = row(waiting);
    double left = Math.max(1, promptTokens - cachedTokens);
    put(at, request, promptTokens, outputTokens, left, false);
    // It misses the pass in progress, of which half is left on average. Behind other prompts it
    // waits for these anyway.
    waits[at + DELAY_MS] = running > 0 && waiting == 0 ? 1 / decodeTokensPerMs / 2 : 0;
    waiting++;
    queuedTokens += left;
    setSpeeds();
  }

  /// Shows every request inside, as of the last `advance`.
  public void forEach(Visitor visitor) {
    for (int i = 0; i < running; i++) {
      visitor.at((int) runs[i * RUNNING_DOUBLES + RUNNING_REQUEST], heldByRunning(i));
    }
    for (int i = 0; i < waiting; i++) {
      visitor.at((int) waits[row(i) + REQUEST], (int) waits[row(i) + PROMPT]);
    }
  }

  private int heldByRunning(int i) {
    int row = i * RUNNING_DOUBLES;
    double held = runs[row + RUNNING_PROMPT] + (service - runs[row + BEGAN_AT]);
    return (int) (held + EPSILON_TOKENS);
  }

  /// Takes out everything, as when the engine dies; shows what was inside.
  public void clear(Visitor lost) {
    forEach(lost);
    running = 0;
    waiting = 0;
    queuedTokens = 0;
    contextTokens = 0;
    setSpeeds();
  }

  /// Takes out those that `which` is true of, and shows them. Whether there was any.
  public boolean remove(IntPredicate which, Visitor lost) {
    boolean any = false;
    for (int i = running - 1; i >= 0; i--) {
      int row = i * RUNNING_DOUBLES;
      int request = (int) runs[row + RUNNING_REQUEST];
      if (which.test(request)) {
        int held = heldByRunning(i);
        contextTokens -= runs[row + RUNNING_PROMPT] + (service - runs[row + BEGAN_AT]);
        removeRunning(i);
        lost.at(request, held);
        any = true;
        i = running; // the heap has changed its order
      }
    }
    for (int i = waiting - 1; i >= 0; i--) {
      int request = (int) waits[row(i) + REQUEST];
      if (which.test(request)) {
        int held = (int) waits[row(i) + PROMPT];
        queuedTokens = Math.max(0, queuedTokens - waits[row(i) + LEFT]);
        removeWaiting(i);
        lost.at(request, held);
        any = true;
      }
    }
    if (any) {
      contextTokens = running == 0 ? 0 : contextTokens;
      setSpeeds();
    }
    return any;
  }

  /// Of each GPU, what the radio leaves.
  public double share() {
    return share;
  }

  /// How long the pass under way takes in all; 0 when idle.
  public double passMs() {
    return running + computing == 0 ? 0 : 1 / decodeTokensPerMs;
  }

  private void put(
      int at, double request, double prompt, double output, double left, boolean again) {
    waits[at + REQUEST] = request;
    waits[at + PROMPT] = prompt;
    waits[at + OUTPUT] = output;
    waits[at + AGAIN] = again ? 1 : 0;
    waits[at + TO_COMPUTE] = left;
    waits[at + LEFT] = left;
    waits[at + DELAY_MS] = 0;
  }

  private int row(int position) {
    return ((head + position) * WAITING_DOUBLES) & (waits.length - 1);
  }

  /// When something happens next if nothing arrives; infinite when idle.
  public double nextMs() {
    return nowMs + nextInMs;
  }

  private double inMs() {
    double inMs = Double.POSITIVE_INFINITY;
    for (int i = 0; i < computing; i++) {
      int at = row(i);
      inMs = Math.min(inMs, waits[at + DELAY_MS] + waits[at + LEFT] / prefillTokensPerMs);
    }
    if (running > 0) {
      inMs = Math.min(inMs, (runs[ENDS_AT] - service) / decodeTokensPerMs);
      if (running > 1) {
        double free = hardware.kvTokensMax() - contextTokens;
        inMs = Math.min(inMs, free / (running * decodeTokensPerMs));
      }
    }
    return Math.max(0, inMs);
  }

  /// Lets time pass until `toMs`, telling what happens on the way and at it.
  public void advance(double toMs, Listener listener) {
    while (nowMs + nextInMs <= toMs + EPSILON_MS) {
      double ms = nextInMs; // the span counts: it may be too small to move a time of many days
      flow(ms);
      nowMs += ms;
      happen(listener);
      setSpeeds();
    }
    double restMs = toMs - nowMs;
    if (restMs > 0) {
      flow(restMs);
      nowMs = toMs;
      nextInMs = Math.max(0, nextInMs - restMs);
    }
  }

  private void flow(double ms) {
    if (ms <= 0) {
      return;
    }
    for (int i = 0; i < computing; i++) {
      int at = row(i);
      double waitedMs = Math.min(waits[at + DELAY_MS], ms);
      waits[at + DELAY_MS] -= waitedMs;
      double done = Math.min(waits[at + LEFT], (ms - waitedMs) * prefillTokensPerMs);
      waits[at + LEFT] -= done;
      queuedTokens -= done;
    }
    if (running > 0) {
      double tokens = ms * decodeTokensPerMs;
      service += tokens;
      contextTokens += running * tokens;
    }
    usedGpuMs += ms * share * Math.min(hardware.replicas(), running + computing);
  }

  private void happen(Listener listener) {
    while (running > 0 && runs[ENDS_AT] - service <= EPSILON_TOKENS) {
      int request = (int) runs[RUNNING_REQUEST];
      int held = (int) Math.round(runs[RUNNING_PROMPT] + runs[ENDS_AT] - runs[BEGAN_AT]);
      contextTokens -= runs[RUNNING_PROMPT] + (service - runs[BEGAN_AT]);
      removeRunning(0);
      listener.end(request, held, nowMs);
    }
    if (running == 0) {
      contextTokens = 0;
    }
    if (running > 1 && contextTokens >= hardware.kvTokensMax() - EPSILON_TOKENS) {
      preemptNewest();
    }
    int looked = computing;
    for (int i = 0; i < looked; i++) {
      if (waits[row(i) + LEFT] <= EPSILON_TOKENS) {
        promptDone(i, listener);
        i--;
        looked--;
      }
    }
  }

  private void promptDone(int position, Listener listener) {
    int at = row(position);
    int request = (int) waits[at + REQUEST];
    double prompt = waits[at + PROMPT];
    double output = waits[at + OUTPUT];
    boolean again = waits[at + AGAIN] > 0;
    queuedTokens = Math.max(0, queuedTokens - waits[at + LEFT]);
    removeWaiting(position);
    if (!again) {
      listener.firstToken(request, nowMs);
    }
    if (output <= 1) {
      listener.end(request, (int) Math.round(prompt + output), nowMs);
    } else {
      addRunning(request, prompt + 1, output - 1);
    }
  }

  private void preemptNewest() {
    int newest = 0;
    for (int i = RUNNING_DOUBLES; i < running * RUNNING_DOUBLES; i += RUNNING_DOUBLES) {
      if (runs[i + BEGAN_AT] > runs[newest + BEGAN_AT]
          || runs[i + BEGAN_AT] == runs[newest + BEGAN_AT]
              && runs[i + RUNNING_REQUEST] > runs[newest + RUNNING_REQUEST]) {
        newest = i;
      }
    }
    // In parts of tokens, since tokens flow here: whole ones would cost it half a pass on average.
    double left = runs[newest + ENDS_AT] - service;
    double held = runs[newest + RUNNING_PROMPT] + (service - runs[newest + BEGAN_AT]);
    growWaiting();
    head = head - 1 & rows(waits) - 1;
    put(row(0), runs[newest + RUNNING_REQUEST], held, left, held, true);
    waiting++;
    queuedTokens += held;
    contextTokens -= runs[newest + RUNNING_PROMPT] + (service - runs[newest + BEGAN_AT]);
    removeRunning(newest / RUNNING_DOUBLES);
    preemptions++;
  }

  /// How fast everything goes until the next event, and when that is.
  private void setSpeeds() {
    findSpeeds();
    nextInMs = inMs();
  }

  private void findSpeeds() {
    StepModel step = hardware.profile().step();
    int replicas = hardware.replicas();
    double baseMs =
        step.baseMs()
            + step.decodeMsPerSequence() * running / replicas
            + step.contextMsPerThousandTokens() * contextTokens / replicas / 1000;
    computing = 0;
    if (waiting == 0) {
      decodeTokensPerMs = share / Math.max(baseMs, EPSILON_MS);
      prefillTokensPerMs = 0;
      return;
    }
    int slots = hardware.slots();
    double kvTokensMax = hardware.kvTokensMax();
    int most = Math.min(Math.min(replicas, waiting), Math.max(0, slots - running));
    double held = contextTokens + running; // and the next token of each
    while (computing < most) {
      double more = held + waits[row(computing) + PROMPT];
      if (more > kvTokensMax && running + computing > 0) {
        break;
      }
      held = more;
      computing++;
    }
    if (computing == 0) {
      decodeTokensPerMs = share / Math.max(baseMs, EPSILON_MS);
      prefillTokensPerMs = 0;
      return;
    }
    int chunk = hardware.chunkTokens(share, running / replicas, contextTokens / replicas);
    double perPass = 0; // prompt tokens of one replica's pass
    for (int i = 0; i < computing; i++) {
      perPass += Math.min(chunk, waits[row(i) + TO_COMPUTE]);
    }
    // A pass packs the prompts behind, too, as far as places, memory and its budget go.
    double budget = (double) chunk * computing;
    for (int i = computing; i < waiting && perPass < budget && running + i < slots; i++) {
      held += waits[row(i) + PROMPT];
      if (held > kvTokensMax) {
        break;
      }
      perPass += waits[row(i) + LEFT];
    }
    perPass = Math.clamp(perPass / computing, 1, chunk);
    double passMs = baseMs + step.prefillMsPerToken() * perPass;
    prefillTokensPerMs = share * perPass / passMs;
    double meanPassMs = baseMs + step.prefillMsPerToken() * perPass * computing / replicas;
    decodeTokensPerMs = share / meanPassMs;
  }

  private static int rows(double[] ring) {
    return ring.length / WAITING_DOUBLES;
  }

  private void growWaiting() {
    if (waiting < rows(waits)) {
      return;
    }
    double[] wide = new double[2 * waits.length];
    int first = head * WAITING_DOUBLES;
    System.arraycopy(waits, first, wide, 0, waits.length - first);
    System.arraycopy(waits, 0, wide, waits.length - first, first);
    waits = wide;
    head = 0;
  }

  private void removeWaiting(int position) {
    for (int i = position; i > 0; i--) { // those before it move up; there are few
      System.arraycopy(waits, row(i - 1), waits, row(i), WAITING_DOUBLES);
    }
    head = head + 1 & rows(waits) - 1;
    waiting--;
  }

  private void addRunning(double request, double prompt, double tokens) {
    if (running * RUNNING_DOUBLES == runs.length) {
      runs = Arrays.copyOf(runs, 2 * runs.length);
    }
    int at = running++;
    int row = at * RUNNING_DOUBLES;
    runs[row + ENDS_AT] = service + tokens;
    runs[row + BEGAN_AT] = service;
    runs[row + RUNNING_REQUEST] = request;
    runs[row + RUNNING_PROMPT] = prompt;
    contextTokens += prompt;
    rise(at);
  }

  private void removeRunning(int at) {
    int last = --running;
    if (at == last) {
      return;
    }
    System.arraycopy(runs, last * RUNNING_DOUBLES, runs, at * RUNNING_DOUBLES, RUNNING_DOUBLES);
    int i = rise(at);
    while (2 * i + 1 < running) {
      int child = 2 * i + 1;
      if (child + 1 < running && before(child + 1, child)) {
        child++;
      }
      if (!before(child, i)) {
        break;
      }
      swap(i, child);
      i = child;
    }
  }

  private int rise(int from) {
    int i = from;
    while (i > 0 && before(i, (i - 1) / 2)) {
      swap(i, (i - 1) / 2);
      i = (i - 1) / 2;
    }
    return i;
  }

  private boolean before(int a, int b) {
    int rowA = a * RUNNING_DOUBLES;
    int rowB = b * RUNNING_DOUBLES;
    return runs[rowA + ENDS_AT] < runs[rowB + ENDS_AT]
        || runs[rowA + ENDS_AT] == runs[rowB + ENDS_AT]
            && runs[rowA + RUNNING_REQUEST] < runs[rowB + RUNNING_REQUEST];
  }

  private void swap(int a, int b) {
    int rowA = a * RUNNING_DOUBLES;
    int rowB = b * RUNNING_DOUBLES;
    for (int i = 0; i < RUNNING_DOUBLES; i++) {
      double kept = runs[rowA + i];
      runs[rowA + i] = runs[rowB + i];
      runs[rowB + i] = kept;
    }
  }
}
