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
import org.aigrid.core.node.Permit;
import org.aigrid.core.node.RetryBudget;
import org.aigrid.core.node.Step;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.twin.demand.Script;
import org.aigrid.twin.demand.Service;
import org.aigrid.twin.play.Tally.End;
import org.jspecify.annotations.Nullable;

/// A region's gateway: takes the region's requests, has core decide, sends them on their way and
/// tries again what was lost before its first token. It knows what the sites reported and what it
/// sent itself, nothing else. One thread.
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
    inFlight = new InFlight(Math.min(LEASES_MAX, leases()));
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
    int endpoint = choose(kind, service, prompt, known, site, last, NONE_TRIED, tick);
    if (endpoint == Chooser.NOWHERE) {
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
    send(home, null, tick, tick, service, site, prompt, output, cached, endpoint);
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
      long tick) {
    var request =
        new RouteRequest(
            layout.modelOfService[service],
            prompt,
            0,
            known,
            site,
            -1,
            kind.deadlineMs(),
            kind.tier(),
            tried);
    return chooser.choose(view, request, last, tick / Play.TICKS_PER_MS);
  }

  private void send(
      Shard home,
      @Nullable Attempts attempts,
      long arrivedTick,
      long nowTick,
      int service,
      int site,
      int prompt,
      int output,
      int cached,
      int endpoint) {
    long lease = inFlight.charge(endpoint, prompt - chooser.cachedTokens(), LEASE_FOREVER_MS);
    if (lease == InFlight.NONE) {
      close(home, arrivedTick, service, nowTick, End.FAILED, output);
      return;
    }
    double halfMs = settings.travel().ms(roster, site, endpoint) / 2;
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
    to.setAttempts(row, attempts);
    to.put(row, Rows.ARRIVED, arrivedTick);
    to.put(row, Rows.LEASE, lease);
    to.put(row, Rows.PLACE, Rows.pair(endpoint, site));
    to.put(row, Rows.TOKENS, Rows.pair(prompt, output));
    to.put(row, Rows.CACHED_TRIP, Rows.pair(cached, half));
    to.put(row, Rows.FIRST, 0);
    to.put(row, Rows.WHAT, Rows.what(-1, region, service));
    if (cut) {
      deliver = nowTick + CONNECT_TIMEOUT_MS * Play.TICKS_PER_MS;
    }
    to.put(row, Rows.DELIVER, deliver);
    if (here) {
      home.expect(row, deliver);
    }
  }

  /// A request of this gateway was lost with its site, or could not be delivered. Before its first
  /// token core decides whether it is tried elsewhere; after it the stream is broken.
  void lost(Shard home, Rows from, int row, long nowTick) {
    inFlight.end(from.get(row, Rows.LEASE));
    int endpoint = Rows.high(from.get(row, Rows.PLACE));
    int site = Rows.low(from.get(row, Rows.PLACE));
    int service = Rows.service(from.get(row, Rows.WHAT));
    int prompt = Rows.high(from.get(row, Rows.TOKENS));
    int output = Rows.low(from.get(row, Rows.TOKENS));
    long arrived = from.get(row, Rows.ARRIVED);
    Service kind = services.get(service);
    inFlight.suspect(endpoint);
    long nowMs = nowTick / Play.TICKS_PER_MS;
    long arrivedMs = arrived / Play.TICKS_PER_MS;
    Attempts state = from.attempts(row);
    if (state == null) {
      Attempts begun = Attempts.begin(arrivedMs + kind.deadlineMs()).state();
      state = begun.on(new AttemptEvent.Routed(endpoint, 0, false), ATTEMPTS, arrivedMs).state();
    }
    if (from.get(row, Rows.FIRST) != 0) {
      Attempts relaying =
          state.on(new AttemptEvent.FirstByte(state.attempt()), ATTEMPTS, nowMs).state();
      follow(
          home,
          relaying,
          new AttemptEvent.Broken(state.attempt(), false, false),
          arrived,
          nowTick,
          service,
          output);
      return;
    }
    boolean allowed =
        state.retry(state.attempt(), AttemptEvent.Failure.UNREACHABLE, ATTEMPTS, nowMs) != Permit.NO
            && retries.spend();
    var failed =
        new AttemptEvent.Failed(state.attempt(), AttemptEvent.Failure.UNREACHABLE, 0, allowed);
    Attempts next = follow(home, state, failed, arrived, nowTick, service, output);
    if (next.phase() != Attempts.Phase.ROUTING) {
      return;
    }
    home.tally.retries++;
    int elsewhere = choose(kind, service, prompt, null, site, -1, next.triedEndpoints(), nowTick);
    if (elsewhere == Chooser.NOWHERE) {
      var nowhere = new AttemptEvent.NotRouted(chooser.refusal(), 0);
      follow(home, next, nowhere, arrived, nowTick, service, output);
      return;
    }
    var routed = new AttemptEvent.Routed(elsewhere, chooser.firstTokenMs(), false);
    Attempts waiting = next.on(routed, ATTEMPTS, nowMs).state();
    send(home, waiting, arrived, nowTick, service, site, prompt, output, 0, elsewhere);
  }

  private static final AttemptSettings ATTEMPTS = AttemptSettings.DEFAULT;

  /// Counts the end of a request that the state machine has ended.
  private Attempts follow(
      Shard home,
      Attempts state,
      AttemptEvent event,
      long arrived,
      long nowTick,
      int service,
      int output) {
    Step<Attempts, AttemptEffect> step = state.on(event, ATTEMPTS, nowTick / Play.TICKS_PER_MS);
    for (AttemptEffect effect : step.effects()) {
      if (effect instanceof AttemptEffect.Finish(AttemptEffect.Outcome outcome)) {
        End end =
            switch (outcome) {
              case BROKEN -> End.BROKEN;
              case REFUSED -> End.REFUSED;
              case FAILED, CLIENT_GONE, COMPLETE -> End.FAILED;
            };
        close(home, arrived, service, nowTick, end, output);
      }
    }
    return step.state();
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
