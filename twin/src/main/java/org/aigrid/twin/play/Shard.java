package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.reclaim.Victims;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.OpenGridView;
import org.aigrid.core.view.Roster;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.engine.Arrival;
import org.aigrid.twin.engine.Hardware;
import org.aigrid.twin.engine.SharedEngine;
import org.aigrid.twin.engine.Timing;
import org.aigrid.twin.radio.RadioLoad;
import org.aigrid.twin.time.RadixHeap;
import org.jspecify.annotations.Nullable;

/// The sites of one region with their gateway, or one hub: what happens there, in order of time.
/// What crosses its border waits in `sent`, `released` and `lost` until the window's end. One
/// thread at a time; deterministic by itself.
///
/// Three events a request: it reaches its site, its prompt is computed, its answer ends. An engine
/// has one event in the queue that counts; older ones are known by their tick and skipped.
final class Shard implements SharedEngine.Listener {
  /// Of a site's replicas, so many are drawn for a request; the less loaded of them gets it.
  private static final int REPLICAS_LOOKED_AT = 2;

  private static final long NEVER = -1;
  static final long FOREVER_MS = Long.MAX_VALUE;

  final int number;
  final Tally tally;
  final Rows slots = new Rows();
  final Rows sent = new Rows();
  private final Rows[] sentToHubs = {new Rows(), new Rows()}; // of this window, of the last
  private int parity;
  final Rows lost = new Rows();
  private long[] released = new long[64]; // region and kind, lease
  private int releasedCount;
  private final Released[][] releasedByHub; // of this window, of the last; by region

  private final Layout layout;
  private final PlaySettings settings;
  private final Roster roster;
  private OpenGridView reportsTo;
  private @Nullable Gateway gateway;
  private final RadixHeap events = new RadixHeap();
  private final SplittableRandom draws;
  private int[] free = new int[16];
  private int freeCount;
  private int used;

  // By endpoint of the shard.
  private final int[] endpoints;
  private final int[] firstEngine; // and one more
  private final byte[] tier;
  private final boolean[] down;
  private final boolean[] dirty; // has something to report
  private final int[][] toReport; // by phase
  private final int[] toReportCount;
  private final int[] answered;
  private final long[] silentFromTick; // since when an endpoint's lease has been over
  private final long[] heardMs = new long[PlaySettings.PHASES]; // last reports of each phase
  private final boolean[] leasesOver = new boolean[PlaySettings.PHASES]; // since then

  // By engine.
  private final SharedEngine[] engines;
  private final int[] endpointOfEngine;
  private final long[] dueTick;

  private final ServiceTier[] tierOfService;
  private final int arrivalSubject;
  private final int firstSlotSubject;
  private final double[] usedBeforeMs = new double[Tally.TIERS];
  private double radioBeforeMs;
  private long nowTick;
  private long sequence;

  private final CellRadios radios;
  private final boolean[] claimed; // by endpoint: its radio's claim is open
  private int[] claims = new int[4]; // which these are
  private int claimCount;

  // Cells that are played pass by pass, too.
  private final @Nullable Sample[] samples;

  /// What a hub tells a region's gateway: pairs of kind and lease.
  private static final class Released {
    long[] pairs = new long[16];
    int count;

    void add(long kind, long lease) {
      if (count == pairs.length) {
        pairs = Arrays.copyOf(pairs, 2 * count);
      }
      pairs[count++] = kind;
      pairs[count++] = lease;
    }
  }

  /// What reached a sampled cell and what became of it here.
  static final class Sample {
    final Hardware hardware;
    final int endpoint;
    final List<Arrival> arrivals = new ArrayList<>();
    final List<Timing> timings = new ArrayList<>();
    final List<double[]> shares = new ArrayList<>(); // from when, share left by the radio
    final Map<Integer, Integer> arrivalOfSlot = new HashMap<>();
    final Map<Integer, Double> firstMsOfSlot = new HashMap<>();

    Sample(Hardware hardware, int endpoint) {
      this.hardware = hardware;
      this.endpoint = endpoint;
    }
  }

  Shard(
      Layout layout,
      int number,
      PlaySettings settings,
      OpenGridView openView,
      RadioLoad radio,
      List<Incident> incidents,
      Tally tally,
      long seed) {
    this.layout = layout;
    this.number = number;
    this.settings = settings;
    reportsTo = openView;
    this.tally = tally;
    roster = layout.roster;
    releasedByHub = new Released[2][number < layout.regions ? 0 : layout.regions];
    for (Released[] window : releasedByHub) {
      for (int region = 0; region < window.length; region++) {
        window[region] = new Released();
      }
    }
    draws = new SplittableRandom(seed);
    endpoints = layout.endpointsOfShard.get(number);
    int count = endpoints.length;
    firstEngine = new int[count + 1];
    tier = new byte[count];
    down = new boolean[count];
    dirty = new boolean[count];
    answered = new int[count];
    silentFromTick = new long[count];
    Arrays.fill(silentFromTick, Long.MAX_VALUE);
    claimed = new boolean[count];
    samples = new @Nullable Sample[count];
    toReport = new int[PlaySettings.PHASES][16];
    toReportCount = new int[PlaySettings.PHASES];
    radios = new CellRadios(layout, endpoints, settings, radio, incidents, tally);
    var list = new ArrayList<SharedEngine>();
    var hardware = new HashMap<Hardware, Hardware>();
    for (int p = 0; p < count; p++) {
      int e = endpoints[p];
      tier[p] = (byte) roster.tierOfEndpoint(e).ordinal();
      firstEngine[p] = list.size();
      double passMsMax = radios.governed(p) ? CellRadios.PASS_MS_MAX : Double.POSITIVE_INFINITY;
      var own = new Hardware(roster.profile(e), 1, passMsMax);
      for (int r = 0; r < roster.replicas(e); r++) {
        list.add(new SharedEngine(hardware.computeIfAbsent(own, h -> h)));
      }
    }
    firstEngine[count] = list.size();
    engines = list.toArray(SharedEngine[]::new);
    endpointOfEngine = new int[engines.length];
    for (int p = 0; p < count; p++) {
      Arrays.fill(endpointOfEngine, firstEngine[p], firstEngine[p + 1], p);
    }
    dueTick = new long[engines.length];
    Arrays.fill(dueTick, NEVER);
    tierOfService =
        layout.demand.services().stream().map(Service::tier).toArray(ServiceTier[]::new);
    arrivalSubject = engines.length;
    firstSlotSubject = engines.length + 1;
    for (int p = 0; p < count; p++) {
      applyRadio(p);
      report(p);
    }
  }

  /// Gives the shard its gateway.
  void open(Gateway own) {
    gateway = own;
  }

  @Nullable Gateway gateway() {
    return gateway;
  }

  /// Plays up to `untilTick`, exclusively, first taking what hubs and regions have for each other
  /// from the window before.
  ///
  /// @param window number of the window, the same for all shards
  void play(long untilTick, int window, List<Shard> shards) {
    parity = window & 1;
    int before = 1 - parity;
    if (number < layout.regions) {
      sentToHubs[parity].clear();
      for (int hub = layout.regions; hub < layout.shards; hub++) {
        hear(shards.get(hub).releasedByHub[before][number]);
      }
      Gateway own = gateway;
      if (own != null) {
        own.drawUntil(untilTick);
        expectArrival();
      }
    } else {
      for (Released list : releasedByHub[parity]) {
        list.count = 0;
      }
      for (int region = 0; region < layout.regions; region++) {
        take(shards.get(region).sentToHubs[before]);
      }
    }
    play(untilTick);
  }

  private void hear(Released list) {
    Gateway own = gateway;
    if (own != null) {
      for (int i = 0; i < list.count; i += 2) {
        tell(own, (int) list.pairs[i], list.pairs[i + 1]);
      }
    }
  }

  private void take(Rows box) {
    for (int i = 0; i < box.count(); i++) {
      if (layout.shardOfEndpoint[Rows.high(box.get(i, Rows.PLACE))] == number) {
        receive(box, i);
      }
    }
  }

  /// Where requests for another shard go.
  Rows box(int shard) {
    return shard < layout.regions ? sent : sentToHubs[parity];
  }

  private void play(long untilTick) {
    long until = RadixHeap.key(untilTick, 0);
    long taken = 0;
    while (events.peek() < until) {
      long key = events.take();
      long tick = RadixHeap.tick(key);
      int subject = RadixHeap.subject(key);
      nowTick = tick;
      if (subject < engines.length) {
        if (dueTick[subject] == tick) { // else its engine has changed since
          dueTick[subject] = NEVER;
          touch(subject, tick);
          taken++;
        }
      } else if (subject == arrivalSubject) {
        arrive(tick);
        taken++;
      } else {
        deliver(subject - firstSlotSubject, tick);
        taken++;
      }
    }
    tally.events += taken;
    nowTick = untilTick;
  }

  private void arrive(long tick) {
    Gateway own = gateway;
    if (own != null) {
      own.arrive(tick, this);
      expectArrival();
    }
  }

  private void expectArrival() {
    long tick = gateway == null ? Long.MAX_VALUE : gateway.nextTick();
    if (tick != Long.MAX_VALUE) {
      events.add(RadixHeap.key(tick, arrivalSubject));
    }
  }

  /// A slot for one more request.
  int takeSlot() {
    used++;
    return freeCount > 0 ? free[--freeCount] : slots.add();
  }

  /// The slot's request is elsewhere, or over.
  void freeSlot(int slot) {
    used--;
    slots.setJourney(slot, null);
    if (freeCount == free.length) {
      free = Arrays.copyOf(free, 2 * freeCount);
    }
    free[freeCount++] = slot;
  }

  /// Requests in its slots and boxes.
  int held() {
    return used + sent.count() + sentToHubs[parity].count() + lost.count();
  }

  /// The request in `slot` reaches its site then.
  void expect(int slot, long deliverTick) {
    if (firstSlotSubject + slot > RadixHeap.SUBJECT_MAX) {
      throw new IllegalStateException(
          "more than "
              + (RadixHeap.SUBJECT_MAX - firstSlotSubject)
              + " requests are under way in shard "
              + number
              + " (expected: fewer; the country is hopelessly overloaded, ask for less)");
    }
    events.add(RadixHeap.key(deliverTick, firstSlotSubject + slot));
  }

  /// A request from another shard.
  void receive(Rows from, int row) {
    int slot = takeSlot();
    slots.set(slot, from, row);
    long tick = Math.max(nowTick, from.get(row, Rows.DELIVER));
    slots.put(slot, Rows.DELIVER, tick);
    expect(slot, tick);
  }

  private void deliver(int slot, long tick) {
    long what = slots.get(slot, Rows.WHAT);
    Gateway own = gateway;
    if (Rows.engine(what) <= Rows.TO_ROUTE && own != null) {
      own.due(this, slot, tick);
      return;
    }
    int endpoint = Rows.high(slots.get(slot, Rows.PLACE));
    int p = layout.shardOfEndpoint[endpoint] == number ? layout.localOfEndpoint[endpoint] : -1;
    if (p >= 0 && tick - Rows.low(slots.get(slot, Rows.CACHED_TRIP)) > silentFromTick[p]) {
      tally.violated(Violation.LEASE_OUTLIVED);
    }
    if (p < 0 || down[p]) {
      lose(slot, 0, Loss.LOST);
      return;
    }
    int service = Rows.service(what);
    if ((roster.jurisdictionBitOfEndpoint(endpoint) & layout.jurisdictionsOfService[service])
        == 0) {
      tally.violated(Violation.NOT_PERMITTED);
    }
    if (radios.governed(p) && !radios.admits(p, tierOfService[service], inside(p))) {
      tally.turnedAway++;
      lose(slot, 0, Loss.REFUSED);
      return;
    }
    int engine = firstEngine[p];
    if (firstEngine[p + 1] - engine > 1) {
      engine = leastLoaded(p);
    }
    slots.put(slot, Rows.WHAT, what & 0xFFFF_FFFFL | (long) engine << 32);
    SharedEngine at = engines[engine];
    double nowMs = tick / (double) Play.TICKS_PER_MS;
    at.advance(nowMs, this);
    at.setShare(1 - radios.share(p));
    long tokens = slots.get(slot, Rows.TOKENS);
    int cached = Rows.high(slots.get(slot, Rows.CACHED_TRIP));
    at.add(slot, Rows.high(tokens), cached, Rows.low(tokens));
    Sample sample = samples[p];
    if (sample != null) {
      sample.arrivalOfSlot.put(slot, sample.arrivals.size());
      sample.arrivals.add(new Arrival(nowMs, Rows.high(tokens), cached, Rows.low(tokens)));
      sample.timings.add(new Timing(nowMs, -1, -1, Rows.low(tokens)));
    }
    schedule(engine, tick);
    markDirty(p);
  }

  /// Requests at an endpoint.
  private int inside(int p) {
    int inside = 0;
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      inside += engines[e].running() + engines[e].waiting();
    }
    return inside;
  }

  private int leastLoaded(int p) {
    int count = firstEngine[p + 1] - firstEngine[p];
    int best = firstEngine[p];
    double least = Double.MAX_VALUE;
    int looked = Math.min(count, REPLICAS_LOOKED_AT);
    for (int i = 0; i < looked; i++) {
      int engine = firstEngine[p] + (count <= REPLICAS_LOOKED_AT ? i : draws.nextInt(count));
      SharedEngine at = engines[engine];
      // Prompts before it count first: decoding is shared, computing a prompt is not.
      double load = at.queuedTokens() + at.running();
      if (load < least) {
        least = load;
        best = engine;
      }
    }
    return best;
  }

  private void touch(int engine, long tick) {
    engines[engine].advance(tick / (double) Play.TICKS_PER_MS, this);
    schedule(engine, tick);
    markDirty(endpointOfEngine[engine]);
  }

  private void schedule(int engine, long tick) {
    double nextMs = engines[engine].nextMs();
    if (Double.isInfinite(nextMs)) {
      dueTick[engine] = NEVER;
      return;
    }
    long next = Math.max(tick + 1, Play.ticks(nextMs));
    if (next != dueTick[engine]) {
      dueTick[engine] = next;
      events.add(RadixHeap.key(next, engine));
    }
  }

  private void markDirty(int p) {
    if (!dirty[p]) {
      dirty[p] = true;
      int phase = p % PlaySettings.PHASES;
      if (toReportCount[phase] == toReport[phase].length) {
        toReport[phase] = Arrays.copyOf(toReport[phase], 2 * toReportCount[phase]);
      }
      toReport[phase][toReportCount[phase]++] = p;
    }
  }

  @Override
  public void firstToken(int slot, double atMs) {
    Journey journey = slots.journey(slot);
    if (journey != null && journey.had() > 0) {
      slots.setJourney(slot, journey.heardAgain());
      tally.gapUs.add(Play.ticks(atMs) - journey.brokenTick());
    } else {
      slots.put(slot, Rows.FIRST, Math.max(1, Play.ticks(atMs)));
    }
    tell(slot, 0);
    Sample sample = samples[endpointOfEngine[Rows.engine(slots.get(slot, Rows.WHAT))]];
    if (sample != null) {
      sample.firstMsOfSlot.put(slot, atMs);
    }
  }

  @Override
  public void end(int slot, int heldTokens, double atMs) {
    tell(slot, 1);
    long what = slots.get(slot, Rows.WHAT);
    int p = endpointOfEngine[Rows.engine(what)];
    long tick = Play.ticks(atMs);
    long arrived = slots.get(slot, Rows.ARRIVED);
    long cachedTrip = slots.get(slot, Rows.CACHED_TRIP);
    int half = Rows.low(cachedTrip);
    Journey journey = slots.journey(slot);
    int had = journey == null ? 0 : journey.had();
    int output = Rows.low(slots.get(slot, Rows.TOKENS)) + had;
    int delivered = had + heldTokens - Rows.high(slots.get(slot, Rows.TOKENS));
    if (delivered != (journey == null ? output : journey.outputTokens())) {
      tally.violated(Violation.TOKENS_DIFFER);
    }
    tally.movedStreams += had > 0 ? 1 : 0;
    answered[p]++;
    tally.closed++;
    tally.sojournUs += tick - arrived;
    tally.outputTokensClosed += output;
    int bin = bin(arrived);
    if (bin >= 0) {
      tally.answered(
          bin,
          Rows.service(what),
          Rows.region(what),
          tier[p],
          slots.get(slot, Rows.FIRST) + half - arrived,
          tick + half - arrived,
          Rows.high(slots.get(slot, Rows.TOKENS)) - had,
          Rows.high(cachedTrip),
          output);
    }
    Sample sample = samples[p];
    if (sample != null) {
      finishSample(sample, slot, atMs);
    }
    freeSlot(slot);
    if (claimed[p]) {
      settleClaim(p, tick);
    }
  }

  private static void finishSample(Sample sample, int slot, double atMs) {
    Integer arrival = sample.arrivalOfSlot.remove(slot);
    Double first = sample.firstMsOfSlot.remove(slot);
    if (arrival != null && first != null) {
      Timing begun = sample.timings.get(arrival);
      sample.timings.set(arrival, new Timing(begun.arrivedMs(), first, atMs, begun.outputTokens()));
    }
  }

  /// Tells the request's gateway of its first token (0) or its end (1).
  private void tell(int slot, int kind) {
    int region = Rows.region(slots.get(slot, Rows.WHAT));
    long lease = slots.get(slot, Rows.LEASE);
    Gateway own = gateway;
    if (region == number && own != null) {
      tell(own, kind, lease);
      return;
    }
    if (number >= layout.regions) {
      releasedByHub[parity][region].add(kind, lease);
      return;
    }
    if (releasedCount == released.length) {
      released = Arrays.copyOf(released, 2 * releasedCount);
    }
    released[releasedCount++] = (long) region << 1 | kind;
    released[releasedCount++] = lease;
  }

  private static void tell(Gateway to, int kind, long lease) {
    if (kind == 0) {
      to.inFlight().firstToken(lease);
    } else {
      to.inFlight().end(lease);
    }
  }

  /// Hands out what waits to cross the border. Between windows only.
  void exchange(List<Shard> shards) {
    for (int i = 0; i < releasedCount; i += 2) {
      Gateway to = shards.get((int) (released[i] >>> 1)).gateway;
      if (to != null) {
        tell(to, (int) released[i] & 1, released[i + 1]);
      }
    }
    releasedCount = 0;
    for (int i = 0; i < sent.count(); i++) {
      int endpoint = Rows.high(sent.get(i, Rows.PLACE));
      shards.get(layout.shardOfEndpoint[endpoint]).receive(sent, i);
    }
    sent.clear();
  }

  /// Hands back what was lost here to the gateways it came from. Between windows only, after
  /// `exchange` of all.
  void handBack(List<Shard> shards, long tick) {
    for (int i = 0; i < lost.count(); i++) {
      Shard home = shards.get(Rows.region(lost.get(i, Rows.WHAT)));
      Gateway to = home.gateway;
      if (to != null) {
        to.lost(home, lost, i, tick);
      }
    }
    lost.clear();
  }

  /// @param generated tokens that its caller has had from here
  private void lose(int slot, int generated, Loss how) {
    int row = lost.add();
    lost.set(row, slots, slot);
    lost.put(row, Rows.DELIVER, Rows.pair(generated, how.ordinal()));
    freeSlot(slot);
  }

  /// Loses one from an engine, which held so many tokens of it.
  private void loseHeld(int slot, int heldTokens, Loss how) {
    long tokens = slots.get(slot, Rows.TOKENS);
    int generated = Math.clamp(heldTokens - Rows.high(tokens), 0, Rows.low(tokens) - 1);
    lose(slot, generated, how);
  }

  /// The endpoint dies with all that is inside, or comes back empty.
  void setDown(int endpoint, boolean dead) {
    int p = layout.localOfEndpoint[endpoint];
    if (down[p] == dead) {
      return;
    }
    down[p] = dead;
    silentFromTick[p] = Long.MAX_VALUE;
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      engines[e].advance(nowTick / (double) Play.TICKS_PER_MS, this);
      engines[e].clear((slot, held) -> loseHeld(slot, held, Loss.LOST));
      dueTick[e] = NEVER;
      Sample sample = samples[p];
      if (sample != null) {
        sample.arrivalOfSlot.clear();
        sample.firstMsOfSlot.clear();
      }
    }
    if (claimed[p]) {
      settleClaim(p, nowTick);
    }
    if (!dead) {
      markDirty(p);
    }
  }

  /// Loses what is under way for gateways of these regions.
  void loseRequestsOf(boolean[] regions) {
    for (int e = 0; e < engines.length; e++) {
      SharedEngine engine = engines[e];
      if (engine.running() + engine.waiting() == 0) {
        continue;
      }
      engine.advance(nowTick / (double) Play.TICKS_PER_MS, this);
      boolean any =
          engine.remove(
              slot -> regions[Rows.region(slots.get(slot, Rows.WHAT))],
              (slot, held) -> loseHeld(slot, held, Loss.SILENT));
      if (any) {
        schedule(e, nowTick);
        markDirty(endpointOfEngine[e]);
        if (claimed[endpointOfEngine[e]]) {
          settleClaim(endpointOfEngine[e], nowTick);
        }
      }
    }
  }

  /// A claim is open: what has left may have satisfied it, and what was spared may have to go.
  private void settleClaim(int p, long tick) {
    long nowMs = tick / Play.TICKS_PER_MS;
    revoke(p, radios.tick(p, inside(p), nowMs), nowMs);
    claimed[p] = radios.claimOpen(p);
  }

  /// Takes out whoever has to go for the radio, as core chooses.
  private void revoke(int p, double share, long nowMs) {
    if (share <= 0) {
      return;
    }
    var running = new ArrayList<Victims.Running>();
    double passMs = 0;
    double shareBefore = 1;
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      SharedEngine engine = engines[e];
      shareBefore = engine.share();
      passMs = Math.max(passMs, engine.passMs());
      engine.forEach((slot, held) -> running.add(running(p, slot, held, nowMs)));
    }
    // Who stays is slower from now on.
    double left = 1 - radios.share(p);
    double tokenMs = left <= 0 ? Double.POSITIVE_INFINITY : passMs * shareBefore / left;
    List<Victims.Running> victims =
        Victims.choose(running, share, tokenMs, prefillTokensPerSecond(p), radios.withinMs());
    var going = new HashSet<Integer>();
    victims.forEach(victim -> going.add(victim.number()));
    for (int e = firstEngine[p]; e < firstEngine[p + 1] && !going.isEmpty(); e++) {
      boolean any =
          engines[e].remove(going::contains, (slot, held) -> loseHeld(slot, held, Loss.RADIO));
      if (any) {
        schedule(e, nowTick);
        markDirty(p);
      }
    }
    radios.revoked(p, going.size(), inside(p), passMs, nowMs);
  }

  private Victims.Running running(int p, int slot, int held, long nowMs) {
    long tokens = slots.get(slot, Rows.TOKENS);
    return new Victims.Running(
        slot,
        tierOfService[Rows.service(slots.get(slot, Rows.WHAT))],
        radios.shareOfOne(p),
        Rows.high(tokens),
        Math.max(0, held - Rows.high(tokens)),
        Rows.low(tokens),
        nowMs - slots.get(slot, Rows.ARRIVED) / (double) Play.TICKS_PER_MS);
  }

  /// Sites of a phase report, and the cells whose turn it is get their new radio load.
  ///
  /// @param step number of the phase since the play began
  /// @param silent the sites' reports do not come this time
  void report(long step, long tick, boolean silent) {
    nowTick = tick;
    sequence = step;
    int radioSteps = settings.radioStepMs() / settings.phaseMs();
    int turn = (int) (step % radioSteps);
    int from = (int) ((long) endpoints.length * turn / radioSteps);
    int to = (int) ((long) endpoints.length * (turn + 1) / radioSteps);
    for (int p = from; p < to; p++) {
      turnRadio(p, tick, silent);
    }
    settleClaims(tick);
    int phase = (int) (step % PlaySettings.PHASES);
    if (silent) {
      letLeasesEnd(phase, tick / Play.TICKS_PER_MS);
      return;
    }
    heardMs[phase] = tick / Play.TICKS_PER_MS;
    if (leasesOver[phase]) {
      leasesOver[phase] = false;
      for (int p = phase; p < endpoints.length; p += PlaySettings.PHASES) {
        markDirty(p);
        silentFromTick[p] = down[p] ? silentFromTick[p] : Long.MAX_VALUE;
      }
    }
    int[] list = toReport[phase];
    int count = toReportCount[phase];
    for (int i = 0; i < count; i++) {
      dirty[list[i]] = false;
      report(list[i]);
    }
    toReportCount[phase] = 0;
  }

  /// Nothing has come of the endpoints of a phase: after a while their leases are over.
  private void letLeasesEnd(int phase, long nowMs) {
    long endMs = heardMs[phase] + settings.leaseMs();
    if (leasesOver[phase] || endMs > nowMs) {
      return;
    }
    leasesOver[phase] = true;
    for (int p = phase; p < endpoints.length; p += PlaySettings.PHASES) {
      if (!down[p]) {
        reportsTo.lease(endpoints[p], endMs);
        silentFromTick[p] = wellAfter(nowMs);
      }
    }
  }

  private void settleClaims(long tick) {
    int open = 0;
    for (int i = 0; i < claimCount; i++) {
      int p = claims[i];
      advance(p, tick);
      if (claimed[p]) {
        settleClaim(p, tick);
      }
      if (claimed[p]) {
        claims[open++] = p;
      }
    }
    claimCount = open;
  }

  private void turnRadio(int p, long tick, boolean silent) {
    boolean changed = radios.turn(p, tick / (double) Play.TICKS_PER_MS);
    if (radios.governed(p)) {
      double before = radios.aiShare(p);
      long nowMs = tick / Play.TICKS_PER_MS;
      advance(p, tick);
      revoke(p, radios.hear(p, inside(p), nowMs), nowMs);
      expectSettling(p);
      changed |= before != radios.aiShare(p);
    }
    if (changed) {
      applyRadio(p);
      if (silent) {
        markDirty(p);
      } else if (!down[p]) {
        reportsTo.prefill(endpoints[p], prefillTokensPerSecond(p));
        reportsTo.radio(endpoints[p], radios.aiShare(p), radios.reclaimsPerHour(p));
      }
    }
  }

  /// Engines at `tick`, whatever happens on the way.
  private void advance(int p, long tick) {
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      if (engines[e].running() + engines[e].waiting() > 0) {
        engines[e].advance(tick / (double) Play.TICKS_PER_MS, this);
        schedule(e, tick);
      }
    }
  }

  private void expectSettling(int p) {
    if (radios.claimOpen(p) && !claimed[p]) {
      claimed[p] = true;
      if (claimCount == claims.length) {
        claims = Arrays.copyOf(claims, 2 * claimCount);
      }
      claims[claimCount++] = p;
    }
  }

  /// From now on passes take what the radio leaves them.
  private void applyRadio(int p) {
    advance(p, nowTick);
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      SharedEngine engine = engines[e];
      if (engine.running() + engine.waiting() > 0) {
        engine.setShare(1 - radios.share(p));
        schedule(e, nowTick);
      }
    }
    Sample sample = samples[p];
    if (sample != null) {
      double nowMs = nowTick / (double) Play.TICKS_PER_MS;
      sample.shares.add(
          new double[] {nowMs, Math.max(SharedEngine.SHARE_LEAST, 1 - radios.share(p))});
    }
  }

  private double prefillTokensPerSecond(int p) {
    Hardware hardware = engines[firstEngine[p]].hardware();
    double left = Math.max(SharedEngine.SHARE_LEAST, 1 - radios.share(p));
    int chunk = hardware.chunkTokens(left, 0, 0);
    double passMs = hardware.profile().step().stepMs(chunk, 0, 0) / left;
    return 1_000.0 * chunk / passMs * roster.replicas(endpoints[p]);
  }

  /// Where its sites report to from now on.
  void reportTo(OpenGridView other) {
    reportsTo = other;
    for (int p = 0; p < endpoints.length; p++) {
      if (!down[p]) {
        report(p);
      }
    }
  }

  /// Of one that reports, the lease has no end: it ends with its reports.
  private long leaseEndMs(int p) {
    int phase = p % PlaySettings.PHASES;
    return leasesOver[phase] ? heardMs[phase] + settings.leaseMs() : FOREVER_MS;
  }

  private void report(int p) {
    if (down[p]) {
      return; // the dead do not speak
    }
    double nowMs = nowTick / (double) Play.TICKS_PER_MS;
    double queued = 0;
    double context = 0;
    int waiting = 0;
    int running = 0;
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      SharedEngine engine = engines[e];
      queued += engine.queuedTokensAt(nowMs);
      context += engine.contextTokensAt(nowMs);
      waiting += engine.waiting();
      running += engine.running();
    }
    reportsTo.report(
        endpoints[p],
        leaseEndMs(p),
        sequence + 1,
        AdmissionState.NEW_AND_EXISTING,
        (int) queued,
        waiting,
        running,
        (int) context,
        prefillTokensPerSecond(p),
        radios.aiShare(p),
        radios.reclaimsPerHour(p));
  }

  /// The bin of the report that a request belongs to, or -1 before the warm-up is over.
  int bin(long arrivedTick) {
    double atMs = arrivedTick / (double) Play.TICKS_PER_MS;
    return atMs < settings.warmupMs() ? -1 : (int) (atMs / settings.binMs());
  }

  /// Adds what GPUs did since the last time to a bin.
  void closeBin(int bin) {
    double[] usedMs = new double[Tally.TIERS];
    double nowMs = nowTick / (double) Play.TICKS_PER_MS;
    for (int e = 0; e < engines.length; e++) {
      SharedEngine engine = engines[e];
      usedMs[tier[endpointOfEngine[e]]] += engine.usedGpuMsAt(nowMs);
    }
    for (int t = 0; t < Tally.TIERS; t++) {
      tally.usedGpuMs[bin * Tally.TIERS + t] += Math.round(usedMs[t] - usedBeforeMs[t]);
      usedBeforeMs[t] = usedMs[t];
    }
    tally.radioGpuMs[bin] += Math.round(radios.gpuMs() - radioBeforeMs);
    radioBeforeMs = radios.gpuMs();
  }

  /// The lease of an endpoint that has fallen silent ends then.
  void letLeaseEnd(int endpoint, long endMs) {
    reportsTo.lease(endpoint, endMs);
    silentFromTick[layout.localOfEndpoint[endpoint]] = wellAfter(endMs);
  }

  /// What is sent within a window and crosses a border seems to have been sent up to two later.
  private long wellAfter(long ms) {
    return (ms + 1 + 2L * settings.windowMs()) * Play.TICKS_PER_MS;
  }

  /// What is still on its way to the gateways, at the end of the play.
  void tellAll(List<Shard> shards) {
    Gateway own = gateway;
    if (own != null) {
      for (int hub = layout.regions; hub < layout.shards; hub++) {
        hear(shards.get(hub).releasedByHub[0][number]);
        hear(shards.get(hub).releasedByHub[1][number]);
      }
    }
  }

  int[] endpoints() {
    return endpoints;
  }

  /// Requests that each of its endpoints answered.
  int[] answered() {
    return answered;
  }

  double radioShare(int p) {
    return radios.share(p);
  }

  /// GPU time that requests used at an endpoint.
  double usedGpuMs(int p) {
    double ms = 0;
    for (int e = firstEngine[p]; e < firstEngine[p + 1]; e++) {
      ms += engines[e].usedGpuMs();
    }
    return ms;
  }

  /// Plays this endpoint pass by pass, too.
  void sample(int p) {
    var sample = new Sample(engines[firstEngine[p]].hardware(), endpoints[p]);
    sample.shares.add(new double[] {0, Math.max(SharedEngine.SHARE_LEAST, 1 - radios.share(p))});
    samples[p] = sample;
  }

  List<Sample> samples() {
    var list = new ArrayList<Sample>();
    for (Sample sample : samples) {
      if (sample != null) {
        list.add(sample);
      }
    }
    return list;
  }
}
