package org.aigrid.twin.engine;

import java.util.Arrays;
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
/// the queue and computes its prompt and its tokens again, as in vLLM.
///
/// Times are milliseconds, requests are numbers of the caller's. Pure: no clock, no randomness. One
/// thread; about 100 ns an event, a heap over the running sequences; allocates only to grow.
public final class SharedEngine {
  /// Who is told what happens, in order of time.
  public interface Listener {
    /// The prompt is computed and the first token is there.
    void firstToken(int request, double atMs);

    /// The last token is there; comes after `firstToken`, at the same time for one token.
    void end(int request, double atMs);
  }

  private static final double EPSILON_MS = 1e-9;
  private static final double EPSILON_TOKENS = 1e-5;

  private final EngineProfile profile;
  private final StepModel step;
  private final int replicas;
  private final int slots;
  private final double kvTokensMax;

  private double nowMs;
  private double service; // tokens that a sequence running since the beginning would have
  private double contextTokens; // of the running sequences

  // Running sequences: a heap by the service at which they end.
  private int running;
  private double[] endsAt = new double[4];
  private double[] beganAt = new double[4]; // service when it began to run
  private int[] runningRequest = new int[4];
  private int[] runningPrompt = new int[4];

  // Waiting prompts, a ring; the first `computing()` of them are being computed.
  private int head;
  private int waiting;
  private int[] waitingRequest = new int[4];
  private int[] waitingPrompt = new int[4]; // tokens whose cache it will hold
  private int[] waitingOutput = new int[4];
  private boolean[] waitingAgain = new boolean[4]; // had its first token before
  private double[] tokensToCompute = new double[4]; // when it came
  private double[] tokensLeft = new double[4]; // of these, not computed
  private double[] delayLeftMs = new double[4]; // of the pass in progress when it came
  private double queuedTokens;

  // The speeds until the next event.
  private int computing;
  private double decodeTokensPerMs;
  private double prefillTokensPerMs; // of each prompt that is being computed

  private long preemptions;

  /// @param profile of one replica
  /// @param replicas 1 or more, alike, evenly loaded
  public SharedEngine(EngineProfile profile, int replicas) {
    if (replicas < 1) {
      throw new IllegalArgumentException("replicas: " + replicas + " (expected: 1 or more)");
    }
    this.profile = profile;
    this.replicas = replicas;
    step = profile.step();
    slots = profile.sequencesMax() * replicas;
    kvTokensMax = (double) profile.kvTokensMax() * replicas;
  }

  /// Sequences that decode.
  public int running() {
    return running;
  }

  /// Requests whose prompt is not computed.
  public int waiting() {
    return waiting;
  }

  /// Prompt tokens that are not computed.
  public double queuedTokens() {
    return queuedTokens;
  }

  /// Tokens that running sequences hold, as of the last `advance`.
  public double contextTokens() {
    return contextTokens;
  }

  /// Sequences that lost their place.
  public long preemptions() {
    return preemptions;
  }

  /// A request arrives, at the time of the last `advance`.
  ///
  /// @param request the caller's number for it
  /// @param cachedTokens of the prompt's tokens, those that need no computing
  public void add(int request, int promptTokens, int cachedTokens, int outputTokens) {
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
    int at = slot(waiting);
    double left = Math.max(1, promptTokens - cachedTokens);
    put(at, request, promptTokens, outputTokens, left, false);
    // It misses the pass in progress, of which half is left on average. Behind other prompts it
    // waits
    // for these anyway.
    delayLeftMs[at] = running > 0 && waiting == 0 ? 1 / decodeTokensPerMs / 2 : 0;
    waiting++;
    queuedTokens += left;
    setSpeeds();
  }

  private void put(int at, int request, int prompt, int output, double left, boolean again) {
    waitingRequest[at] = request;
    waitingPrompt[at] = prompt;
    waitingOutput[at] = output;
    waitingAgain[at] = again;
    tokensToCompute[at] = left;
    tokensLeft[at] = left;
    delayLeftMs[at] = 0;
  }

  private int slot(int position) {
    return (head + position) & (waitingRequest.length - 1);
  }

  /// When something happens next if nothing arrives; infinite when idle.
  public double nextMs() {
    return nowMs + inMs();
  }

  private double inMs() {
    double inMs = Double.POSITIVE_INFINITY;
    for (int i = 0; i < computing; i++) {
      int at = slot(i);
      inMs = Math.min(inMs, delayLeftMs[at] + tokensLeft[at] / prefillTokensPerMs);
    }
    if (running > 0) {
      inMs = Math.min(inMs, (endsAt[0] - service) / decodeTokensPerMs);
      if (running > 1) {
        inMs = Math.min(inMs, (kvTokensMax - contextTokens) / (running * decodeTokensPerMs));
      }
    }
    return Math.max(0, inMs);
  }

  /// Lets time pass until `toMs`, telling what happens on the way and at it.
  public void advance(double toMs, Listener listener) {
    while (true) {
      double inMs = inMs();
      if (nowMs + inMs > toMs + EPSILON_MS) {
        flow(toMs - nowMs);
        nowMs = Math.max(nowMs, toMs);
        return;
      }
      flow(inMs); // by the span, which may be too small to move a time of many days
      nowMs += inMs;
      happen(listener);
      setSpeeds();
    }
  }

  private void flow(double ms) {
    if (ms <= 0) {
      return;
    }
    for (int i = 0; i < computing; i++) {
      int at = slot(i);
      double waitedMs = Math.min(delayLeftMs[at], ms);
      delayLeftMs[at] -= waitedMs;
      double done = Math.min(tokensLeft[at], (ms - waitedMs) * prefillTokensPerMs);
      tokensLeft[at] -= done;
      queuedTokens -= done;
    }
    if (running > 0) {
      double tokens = ms * decodeTokensPerMs;
      service += tokens;
      contextTokens += running * tokens;
    }
  }

  private void happen(Listener listener) {
    while (running > 0 && endsAt[0] - service <= EPSILON_TOKENS) {
      int request = runningRequest[0];
      contextTokens -= runningPrompt[0] + (service - beganAt[0]);
      removeRunning(0);
      listener.end(request, nowMs);
    }
    if (running == 0) {
      contextTokens = 0;
    }
    if (running > 1 && contextTokens >= kvTokensMax - EPSILON_TOKENS) {
      preemptNewest();
    }
    int looked = computing;
    for (int i = 0; i < looked; i++) {
      int at = slot(i);
      if (tokensLeft[at] <= EPSILON_TOKENS) {
        promptDone(i, listener);
        i--;
        looked--;
      }
    }
  }

  private void promptDone(int position, Listener listener) {
    int at = slot(position);
    int request = waitingRequest[at];
    int prompt = waitingPrompt[at];
    int output = waitingOutput[at];
    queuedTokens = Math.max(0, queuedTokens - tokensLeft[at]);
    boolean again = waitingAgain[at];
    removeWaiting(position);
    if (!again) {
      listener.firstToken(request, nowMs);
    }
    if (output <= 1) {
      listener.end(request, nowMs);
    } else {
      addRunning(request, prompt + 1, output - 1);
    }
  }

  private void preemptNewest() {
    int newest = 0;
    for (int i = 1; i < running; i++) {
      if (beganAt[i] > beganAt[newest]
          || beganAt[i] == beganAt[newest] && runningRequest[i] > runningRequest[newest]) {
        newest = i;
      }
    }
    int generated = (int) Math.floor(service - beganAt[newest] + EPSILON_TOKENS);
    int left = Math.max(1, (int) Math.round(endsAt[newest] - service));
    int held = runningPrompt[newest] + generated;
    growWaiting();
    head = (head - 1) & (waitingRequest.length - 1);
    put(head, runningRequest[newest], held, left, held, true);
    waiting++;
    queuedTokens += held;
    contextTokens -= runningPrompt[newest] + (service - beganAt[newest]);
    removeRunning(newest);
    preemptions++;
  }

  /// How many prompts are computed at once, and how fast everything goes until the next event.
  private void setSpeeds() {
    int most = Math.min(Math.min(replicas, waiting), Math.max(0, slots - running));
    double held = contextTokens + running; // and the next token of each
    computing = 0;
    while (computing < most) {
      double more = held + waitingPrompt[slot(computing)];
      if (more > kvTokensMax && running + computing > 0) {
        break;
      }
      held = more;
      computing++;
    }
    double baseMs =
        step.baseMs()
            + step.decodeMsPerSequence() * running / replicas
            + step.contextMsPerThousandTokens() * contextTokens / replicas / 1000;
    if (computing == 0) {
      decodeTokensPerMs = 1 / Math.max(baseMs, EPSILON_MS);
      prefillTokensPerMs = 0;
      return;
    }
    double perPass = 0; // prompt tokens of one replica's pass
    for (int i = 0; i < computing; i++) {
      perPass += Math.min(profile.chunkTokens(), tokensToCompute[slot(i)]);
    }
    // A pass packs the prompts behind, too, as far as places, memory and its budget go.
    double budget = (double) profile.chunkTokens() * computing;
    for (int i = computing; i < waiting && perPass < budget && running + i < slots; i++) {
      held += waitingPrompt[slot(i)];
      if (held > kvTokensMax) {
        break;
      }
      perPass += tokensLeft[slot(i)];
    }
    perPass = Math.clamp(perPass / computing, 1, profile.chunkTokens());
    double passMs = baseMs + step.prefillMsPerToken() * perPass;
    prefillTokensPerMs = perPass / passMs;
    double meanPassMs = baseMs + step.prefillMsPerToken() * perPass * computing / replicas;
    decodeTokensPerMs = 1 / meanPassMs;
  }

  private void growWaiting() {
    int length = waitingRequest.length;
    if (waiting < length) {
      return;
    }
    waitingRequest = unrolled(waitingRequest);
    waitingPrompt = unrolled(waitingPrompt);
    waitingOutput = unrolled(waitingOutput);
    tokensToCompute = unrolled(tokensToCompute);
    tokensLeft = unrolled(tokensLeft);
    delayLeftMs = unrolled(delayLeftMs);
    boolean[] again = new boolean[2 * length];
    for (int i = 0; i < length; i++) {
      again[i] = waitingAgain[slotOf(i, length)];
    }
    waitingAgain = again;
    head = 0;
  }

  private int slotOf(int position, int length) {
    return (head + position) & (length - 1);
  }

  private int[] unrolled(int[] ring) {
    int[] wide = new int[2 * ring.length];
    for (int i = 0; i < ring.length; i++) {
      wide[i] = ring[slotOf(i, ring.length)];
    }
    return wide;
  }

  private double[] unrolled(double[] ring) {
    double[] wide = new double[2 * ring.length];
    for (int i = 0; i < ring.length; i++) {
      wide[i] = ring[slotOf(i, ring.length)];
    }
    return wide;
  }

  private void removeWaiting(int position) {
    for (int i = position; i > 0; i--) { // those before it move up; there are few
      int to = slot(i);
      int from = slot(i - 1);
      put(
          to,
          waitingRequest[from],
          waitingPrompt[from],
          waitingOutput[from],
          tokensToCompute[from],
          waitingAgain[from]);
      tokensLeft[to] = tokensLeft[from];
      delayLeftMs[to] = delayLeftMs[from];
    }
    head = slot(1);
    waiting--;
  }

  private void addRunning(int request, int prompt, int tokens) {
    if (running == endsAt.length) {
      endsAt = Arrays.copyOf(endsAt, 2 * running);
      beganAt = Arrays.copyOf(beganAt, 2 * running);
      runningRequest = Arrays.copyOf(runningRequest, 2 * running);
      runningPrompt = Arrays.copyOf(runningPrompt, 2 * running);
    }
    int at = running++;
    set(at, service + tokens, service, request, prompt);
    contextTokens += prompt;
    while (at > 0 && before(at, (at - 1) / 2)) {
      swap(at, (at - 1) / 2);
      at = (at - 1) / 2;
    }
  }

  private void removeRunning(int at) {
    int last = --running;
    if (at == last) {
      return;
    }
    set(at, endsAt[last], beganAt[last], runningRequest[last], runningPrompt[last]);
    int i = at;
    while (i > 0 && before(i, (i - 1) / 2)) {
      swap(i, (i - 1) / 2);
      i = (i - 1) / 2;
    }
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

  private boolean before(int a, int b) {
    return endsAt[a] < endsAt[b] || endsAt[a] == endsAt[b] && runningRequest[a] < runningRequest[b];
  }

  private void set(int at, double ends, double began, int request, int prompt) {
    endsAt[at] = ends;
    beganAt[at] = began;
    runningRequest[at] = request;
    runningPrompt[at] = prompt;
  }

  private void swap(int a, int b) {
    double ends = endsAt[a];
    double began = beganAt[a];
    int request = runningRequest[a];
    int prompt = runningPrompt[a];
    set(a, endsAt[b], beganAt[b], runningRequest[b], runningPrompt[b]);
    set(b, ends, began, request, prompt);
  }
}
