package org.aigrid.twin.play;

import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.admit.Admission;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.node.AttemptEffect;
import org.aigrid.core.node.AttemptEvent;
import org.aigrid.core.node.AttemptSettings;
import org.aigrid.core.node.Attempts;
import org.aigrid.core.node.Continuity;
import org.aigrid.core.node.Permit;
import org.aigrid.core.node.RetryBudget;
import org.aigrid.core.node.Step;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.twin.demand.Script;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Tally.End;
import org.jspecify.annotations.Nullable;

/// A region's gateway: takes the region's requests, has core decide, sends them on their way, tries
/// again what was lost before its first token, and has streams go on elsewhere. It knows what the
/// sites reported and what it sent itself, nothing else. One thread.
final class Gateway {
  private static final int LEASES_MAX = 1 << 20;
  private static final int LEASES_FIRST = 1 << 12;
  private static final long LEASE_FOREVER_MS = Long.MAX_VALUE;
  private static final int CONNECT_TIMEOUT_MS = 1_000;
  private static final double RETRY_RESERVE = 100;

  private final Layout layout;
  private final int region;
  private final PlaySettings settings;
  private final List<Service> services;
  private final Roster roster;
  private final Arrivals arrivals;
  private final int leasesMax;
  private final InFlight inFlight;
  private final Chooser chooser;
  private final RetryBudget retries = new RetryBudget(RetryBudget.SHARE, RETRY_RESERVE);
  private final @Nullable Conversations[] conversations;
  private final @Nullable RateLimiter[] limiters; // by service
  private final PromptBlocks blocks = new PromptBlocks();
  private final SplittableRandom jitter;
  private final double jitterTicks;
  private GridView view;
  private long fetched;
  private boolean[] unreachable = new boolean[0]; // by shard; empty: none

  Gateway(
      Layout layout,
      int region,
      PlaySettings settings,
      List<Incident> incidents,
      Script script,
      GridView view,
      long seed) {
    this.layout = layout;
    this.region = region;
    this.settings = settings;
    this.view = view;
    services = layout.demand.services();
    roster = layout.roster;
    var root = new SplittableRandom(seed);
    arrivals = new Arrivals(layout, region, settings, incidents, script, root.nextLong());
    leasesMax = Math.min(LEASES_MAX, leases());
    inFlight = new InFlight(leasesMax);
    inFlight.grow(roster.endpointCount());
    chooser =
        new Chooser(
            settings.policy(),
            settings.router(),
            inFlight,
            settings.prefixBlocks(),
            root.nextLong());
    jitter = root.split();
    jitterTicks = layout.country.jitterMs() * Play.TICKS_PER_MS;
    limiters = new @Nullable RateLimiter[services.size()];
    for (int i = 0; i < services.size(); i++) {
      double perMinute = services.get(i).requestsPerMinuteMax() * arrivals.peopleShare();
      if (!Double.isInfinite(perMinute)) {
        limiters[i] =
            new RateLimiter((long) Math.max(1, Math.ceil(perMinute)), RateLimiter.UNLIMITED, 0);
      }
    }
    conversations = new @Nullable Conversations[services.size()];
    for (int i = 0; i < services.size(); i++) {
      if (services.get(i).followUpShare() > 0 && settings.prefixBlocks() > 0) {
        conversations[i] = new Conversations(root.nextLong());
      }
    }
  }

  /// Room for a region's share of what may be under way, generously: half an hour of the region's
  /// mean rate at least.
  private int leases() {
    double perSecond = layout.demand.requestsPerDay() / 86_400 / layout.regions;
    return (int) Math.clamp(perSecond * 1_800, LEASES_FIRST, LEASES_MAX);
  }

  /// What it sees from now on, and which shards it cannot reach.
  void connect(GridView seen, boolean[] cutOff) {
    view = seen;
    unreachable = cutOff;
  }

  GridView view() {
    return view;
  }

  InFlight inFlight() {
    return inFlight;
  }

  /// Draws the requests of the window that ends then, and has memory fetch the rows that deciding
  /// them will need first: all at once, they are waited for together.
  void drawUntil(long untilTick) {
    arrivals.drawUntil(untilTick / (double) Play.TICKS_PER_MS);
    int count = arrivals.waiting();
    long touched = 0;
    for (int i = 0; i < count; i++) {
      touched += roster.firstEndpoint(arrivals.waitingSite(i));
    }
    for (int i = 0; i < count; i++) {
      int site = arrivals.waitingSite(i);
      int endpoint = roster.firstEndpoint(site);
      if (endpoint < roster.endpointsEnd(site)) {
        touched += roster.siteOf(endpoint);
        touched += view.waiting(endpoint) + inFlight.ownRequests(endpoint);
      }
    }
    fetched += touched + arrivals.touched();
  }

  /// Keeps the compiler from leaving out the fetching; the value means nothing.
  long fetched() {
    return fetched;
  }

  /// Tick of the next request drawn; `Long.MAX_VALUE` after the last.
  long nextTick() {
    double nextMs = arrivals.nextMs();
    // Downwards, so that what was drawn for a window arrives within it.
    return Double.isInfinite(nextMs) ? Long.MAX_VALUE : (long) (nextMs * Play.TICKS_PER_MS);
  }

  /// The next request arrives.
  void arrive(long tick, Shard home) {
    arrivals.take();
    int service = arrivals.service();
    Service kind = services.get(service);
    SplittableRandom draws = arrivals.draws();
    int site = arrivals.site();
    int prompt = arrivals.promptTokens();
    int output = arrivals.outputTokens();
    if (prompt == 0) {
      prompt = kind.input().draw(draws);
      output = kind.output().draw(draws);
    }
    retries.earn();
    home.tally.arrived++;
    RateLimiter limiter = limiters[service];
    if (limiter != null
        && !(limiter.admit((long) prompt + output, tick / Play.TICKS_PER_MS)
            instanceof Admission.Admitted)) {
      close(home, tick, service, tick, End.REFUSED, 0);
      return;
    }
    Conversations talks = conversations[service];
    int talk = -1;
    PromptBlocks known = null;
    if (talks != null) {
      if (draws.nextDouble() < kind.followUpShare()) {
        talk = talks.drawn(draws);
      }
      if (talk < 0) {
        talk = talks.begun(site);
      } else {
        site = talks.site(talk);
        if (draws.nextDouble() < kind.movedShare()) {
          int neighbour = roster.neighbour(site, draws.nextInt(Roster.NEIGHBOURS_MAX));
          site = neighbour < 0 ? site : neighbour;
        }
      }
      known = Chooser.blocks(blocks, talks.id(talk), prompt);
    }
    int last = talks == null ? -1 : talks.endpoint(talk);
    int endpoint =
        choose(kind, service, prompt, known, site, last, NONE_TRIED, kind.deadlineMs(), tick);
    if (endpoint == Chooser.NOWHERE || inFlight.leases() == leasesMax) {
      close(home, tick, service, tick, End.REFUSED, 0);
      return;
    }
    home.tally.outputTokensAccepted += output;
    int cached = 0;
    if (talks != null) {
      if (last == endpoint) {
        cached = Math.min(talks.tokens(talk), prompt - 1) / PromptBlocks.BLOCK_TOKENS;
        cached *= PromptBlocks.BLOCK_TOKENS;
      }
      talks.went(talk, site, endpoint, prompt);
    }
    send(home, new Way(tick, service, site, prompt, output, 0), null, cached, endpoint, tick);
  }

  private static final int[] NONE_TRIED = RouteRequest.NONE_TRIED;

  private int choose(
      Service kind,
      int service,
      int prompt,
      @Nullable PromptBlocks known,
      int site,
      int last,
      int[] tried,
      int deadlineMs,
      long tick) {
    var request =
        new RouteRequest(
            layout.modelOfService[service],
            prompt,
            0,
            known,
            site,
            layout.jurisdictionsOfService[service],
            deadlineMs,
            kind.tier(),
            tried);
    return chooser.choose(view, request, last, tick / Play.TICKS_PER_MS);
  }

  /// What stays the same of a request wherever it is sent.
  ///
  /// @param prompt tokens that its caller sent
  /// @param output tokens of the whole answer
  /// @param firstTick when its caller had the first token; 0 before
  private record Way(
      long arrivedTick, int service, int site, int prompt, int output, long firstTick) {}

  /// Sends a request, or what is missing of its answer.
  ///
  /// @param journey of one that was sent before, or null
  private void send(
      Shard home, Way way, @Nullable Journey journey, int cached, int endpoint, long nowTick) {
    int had = journey == null ? 0 : journey.had();
    int prompt = way.prompt + had;
    long lease = inFlight.charge(endpoint, prompt - chooser.cachedTokens(), LEASE_FOREVER_MS);
    if (lease == InFlight.NONE) {
      throw new IllegalStateException("sent although " + leasesMax + " requests are under way");
    }
    double halfMs = settings.travel().ms(roster, way.site, endpoint) / 2;
    long half = Play.ticks(halfMs);
    if (jitterTicks > 0) {
      half += (long) (jitter.nextExponential() * jitterTicks);
    }
    long deliver = nowTick + Math.max(1, half);
    int shard = layout.shardOfEndpoint[endpoint];
    boolean cut = unreachable.length > 0 && unreachable[shard];
    boolean here = shard == home.number || cut;
    Rows to = here ? home.slots : home.box(shard);
    int row = here ? home.takeSlot() : to.add();
    fill(to, row, way, journey);
    to.put(row, Rows.LEASE, lease);
    to.put(row, Rows.PLACE, Rows.pair(endpoint, way.site));
    to.put(row, Rows.CACHED_TRIP, Rows.pair(cached, half));
    if (cut) {
      deliver = nowTick + CONNECT_TIMEOUT_MS * Play.TICKS_PER_MS;
    }
    to.put(row, Rows.DELIVER, deliver);
    if (here) {
      home.expect(row, deliver);
    }
    if (had > 0) {
      home.tally.replayedTokens += prompt;
    }
  }

  private void fill(Rows to, int row, Way way, @Nullable Journey journey) {
    int had = journey == null ? 0 : journey.had();
    to.setJourney(row, journey);
    to.put(row, Rows.ARRIVED, way.arrivedTick);
    to.put(row, Rows.TOKENS, Rows.pair(way.prompt + had, way.output - had));
    to.put(row, Rows.FIRST, way.firstTick);
    to.put(row, Rows.WHAT, Rows.what(-1, region, way.service));
  }

  /// A request of this gateway has left a site without its answer: core decides whether it, or what
  /// is missing of its stream, is sent elsewhere.
  void lost(Shard home, Rows from, int row, long nowTick) {
    long loss = from.get(row, Rows.DELIVER);
    Loss how = Loss.values()[Rows.low(loss)];
    if (how == Loss.SILENT) {
      int slot = home.takeSlot();
      home.slots.set(slot, from, row);
      home.slots.put(slot, Rows.CACHED_TRIP, nowTick);
      park(home, slot, Rows.TO_MISS, nowTick + silenceMs(from, row) * Play.TICKS_PER_MS);
      return;
    }
    left(home, from, row, how, nowTick, nowTick);
  }

  /// How long a site is silent before its gateway takes it for lost.
  private long silenceMs(Rows from, int row) {
    int endpoint = Rows.high(from.get(row, Rows.PLACE));
    return streaming(from, row)
        ? ATTEMPTS.gapMs(roster.profile(endpoint).decodeMsPerToken(1, 0))
        : ATTEMPTS.firstByteMsLeast();
  }

  /// Whether its caller has had tokens from where it is.
  private static boolean streaming(Rows from, int row) {
    Journey journey = from.journey(row);
    return journey != null && journey.had() > 0 ? journey.heard() : from.get(row, Rows.FIRST) != 0;
  }

  /// A slot's time to wait is over.
  void due(Shard home, int slot, long nowTick) {
    Rows rows = home.slots;
    boolean missed = Rows.engine(rows.get(slot, Rows.WHAT)) == Rows.TO_MISS;
    if (missed) {
      left(home, rows, slot, Loss.LOST, rows.get(slot, Rows.CACHED_TRIP), nowTick);
    } else {
      Journey journey = rows.journey(slot);
      if (journey == null) {
        throw new IllegalStateException("a request waits to be routed that was never sent");
      }
      carry(home, way(rows, slot), journey, new AttemptEvent.RouteDue(), nowTick);
    }
    home.freeSlot(slot);
  }

  private static Way way(Rows from, int row) {
    Journey journey = from.journey(row);
    int had = journey == null ? 0 : journey.had();
    long place = from.get(row, Rows.PLACE);
    long tokens = from.get(row, Rows.TOKENS);
    return new Way(
        from.get(row, Rows.ARRIVED),
        Rows.service(from.get(row, Rows.WHAT)),
        Rows.low(place),
        Rows.high(tokens) - had,
        Rows.low(tokens) + had,
        from.get(row, Rows.FIRST));
  }

  /// Holds a request in a slot until then.
  private static void park(Shard home, int slot, int what, long untilTick) {
    long had = home.slots.get(slot, Rows.WHAT);
    home.slots.put(slot, Rows.WHAT, had & 0xFFFF_FFFFL | (long) what << 32);
    home.expect(slot, untilTick);
  }

  /// @param brokenTick when its caller had the last of it
  private void left(Shard home, Rows from, int row, Loss how, long brokenTick, long nowTick) {
    inFlight.end(from.get(row, Rows.LEASE));
    int generated = Rows.high(from.get(row, Rows.DELIVER));
    int endpoint = Rows.high(from.get(row, Rows.PLACE));
    Way way = way(from, row);
    Journey before = from.journey(row);
    if (how == Loss.LOST) {
      inFlight.suspect(endpoint);
    }
    long nowMs = nowTick / Play.TICKS_PER_MS;
    long arrivedMs = way.arrivedTick / Play.TICKS_PER_MS;
    if (before == null) {
      int deadlineMs = services.get(way.service).deadlineMs();
      Attempts begun = Attempts.begin(arrivedMs + deadlineMs).state();
      Attempts sent =
          begun.on(new AttemptEvent.Routed(endpoint, 0, false), ATTEMPTS, arrivedMs).state();
      before = new Journey(sent, 0, false, way.output, brokenTick);
    }
    Attempts state = before.state();
    if (streaming(from, row)) {
      Attempts relaying =
          state.on(new AttemptEvent.FirstByte(state.attempt()), ATTEMPTS, nowMs).state();
      int had = before.had() + generated;
      boolean resumable = Continuity.judge(facts(had)).resumable();
      boolean allowed = resumable && relaying.movable(ATTEMPTS);
      var broken = new AttemptEvent.Broken(relaying.attempt(), resumable, allowed);
      if (allowed) {
        home.tally.moves++;
        home.tally.movesForRadio += how == Loss.RADIO ? 1 : 0;
      }
      var journey = new Journey(relaying, had, false, way.output, brokenTick);
      carry(home, way, journey, broken, nowTick);
      return;
    }
    AttemptEvent.Failure failure =
        how == Loss.LOST
            ? AttemptEvent.Failure.UNREACHABLE
            : AttemptEvent.Failure.REFUSED_ELSEWHERE;
    boolean allowed = allowed(state.retry(state.attempt(), failure, ATTEMPTS, nowMs));
    home.tally.retries += allowed ? 1 : 0;
    var failed = new AttemptEvent.Failed(state.attempt(), failure, 0, allowed);
    carry(home, way, before, failed, nowTick);
  }

  private boolean allowed(Permit permit) {
    return permit == Permit.FREE || permit == Permit.FROM_BUDGET && retries.spend();
  }

  /// A stream of the twin: one choice, no grammar, and its engines say their tokens.
  private static Continuity.Facts facts(int had) {
    return new Continuity.Facts(
        true, false, true, 1, false, false, true, true, CHARACTERS_PER_TOKEN * had);
  }

  /// As the live gateway says when it has no room.
  private static final int FULL_RETRY_AFTER_MS = 1_000;

  private static final int CHARACTERS_PER_TOKEN = 4;
  private static final AttemptSettings ATTEMPTS = AttemptSettings.DEFAULT;

  /// Carries out what core's state machine says to an event, until it waits for the next.
  private void carry(Shard home, Way way, Journey journey, AttemptEvent first, long nowTick) {
    long nowMs = nowTick / Play.TICKS_PER_MS;
    Attempts state = journey.state();
    boolean turnedAway = false;
    @Nullable AttemptEvent event = first;
    while (event != null) {
      Step<Attempts, AttemptEffect> step = state.on(event, ATTEMPTS, nowMs);
      state = step.state();
      event = null;
      for (AttemptEffect effect : step.effects()) {
        var next = new Journey(state, journey.had(), false, way.output, journey.brokenTick());
        switch (effect) {
          case AttemptEffect.Route(int[] tried) -> event = route(way, next, tried, nowTick);
          case AttemptEffect.RouteLater(int afterMs) -> {
            int slot = home.takeSlot();
            fill(home.slots, slot, way, next);
            home.slots.put(slot, Rows.LEASE, InFlight.NONE);
            home.slots.put(slot, Rows.PLACE, Rows.pair(-1, way.site));
            park(home, slot, Rows.TO_ROUTE, nowTick + afterMs * Play.TICKS_PER_MS);
          }
          case AttemptEffect.Dispatch(int endpoint, _, _, _) -> {
            check(home, state);
            send(home, way, next, 0, endpoint, nowTick);
          }
          case AttemptEffect.Finish(AttemptEffect.Outcome outcome) -> {
            End end =
                switch (outcome) {
                  case BROKEN -> End.BROKEN;
                  case REFUSED -> End.REFUSED;
                  case FAILED -> turnedAway ? End.REFUSED : End.FAILED;
                  case CLIENT_GONE, COMPLETE -> End.FAILED;
                };
            close(home, way.arrivedTick, way.service, nowTick, end, way.output);
          }
          case AttemptEffect.AnswerFailed(AttemptEvent.Failure failure, _, _) ->
              turnedAway = failure == AttemptEvent.Failure.REFUSED_ELSEWHERE;
          case AttemptEffect.Abandon _,
              AttemptEffect.Relay _,
              AttemptEffect.Rejoin _,
              AttemptEffect.AnswerRefused _,
              AttemptEffect.BreakStream _,
              AttemptEffect.Hold _,
              AttemptEffect.Resume _ -> {}
        }
      }
    }
  }

  private AttemptEvent route(Way way, Journey journey, int[] tried, long nowTick) {
    int prompt = way.prompt + journey.had();
    Attempts state = journey.state();
    long nowMs = nowTick / Play.TICKS_PER_MS;
    int deadlineMs =
        state.moving()
            ? ATTEMPTS.moveMsMax()
            : (int) Math.clamp(state.deadlineMs() - nowMs, 1, RouteRequest.DEADLINE_MS_MAX);
    if (inFlight.leases() == leasesMax) {
      return new AttemptEvent.NotRouted(Refusal.SATURATED, FULL_RETRY_AFTER_MS);
    }
    Service kind = services.get(way.service);
    int endpoint =
        choose(kind, way.service, prompt, null, way.site, -1, tried, deadlineMs, nowTick);
    return endpoint == Chooser.NOWHERE
        ? new AttemptEvent.NotRouted(chooser.refusal(), chooser.retryAfterMs())
        : new AttemptEvent.Routed(endpoint, chooser.firstTokenMs(), false);
  }

  private static void check(Shard home, Attempts state) {
    int tries = ATTEMPTS.attemptsMax() + ATTEMPTS.movesMax() * ATTEMPTS.moveTriesMax();
    if (state.moves() > ATTEMPTS.movesMax()
        || state.moves() == 0 && state.last() >= ATTEMPTS.attemptsMax()
        || state.moveTries() > ATTEMPTS.moveTriesMax()
        || state.last() >= tries) {
      home.tally.violated(Violation.BOUND_EXCEEDED);
    }
  }

  private void close(
      Shard home, long arrivedTick, int service, long nowTick, End end, int outputTokens) {
    Tally tally = home.tally;
    tally.closed++;
    tally.sojournUs += nowTick - arrivedTick;
    tally.outputTokensClosed += outputTokens;
    int bin = home.bin(arrivedTick);
    if (bin >= 0) {
      tally.ended(bin, service, region, end);
    }
  }
}
