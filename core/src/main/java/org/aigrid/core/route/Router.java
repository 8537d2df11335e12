package org.aigrid.core.route;

import java.util.ArrayList;
import java.util.SplittableRandom;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.StepModel;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.route.Explanation.Standing;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.jspecify.annotations.Nullable;

/// Decides where a request runs.
///
/// 1. **Candidates**, never the whole country: endpoints that hold the prompt's prefix, the
///    caller's own base station, the regional site, the hubs. When the best of them answers about
///    as soon as any base station elsewhere could if it were idle, that is all; else the nearest
///    base stations and some endpoints drawn at random are looked at, too. When none of all these
///    is ready, up to `probesMax` endpoints of the model are looked at in turn, so a grid in which
///    the model has no more endpoints than that never overlooks one.
/// 2. **Permitted** first, failing closed: residency, a fresh lease, admission, the model served
///    now, not tried before. No score can buy back what this removed.
/// 3. **Cost** in milliseconds: round trip + prompt tokens and sequences ahead of what AI may use
///    of the endpoint + this prompt's uncached tokens + decoding slower than a reader's pace + the
///    expected cost of having to move for the radio.
/// 4. **Sticky until saturated**: an endpoint that holds most of the prompt wins while its first
///    token is at most `stickyPenaltyMsMax` later than the best elsewhere.
///
/// A function of its arguments: the scratch arrays only save allocation and hold the last decision
/// for `explain`. Hence one router per thread. Sixteen candidates take a microsecond when their
/// rows are in the processor's cache, and two or three when they lie anywhere among 200,000; the
/// first few, which suffice while the caller's surroundings have room, take a third of that.
/// Allocates the answer only.
public final class Router {
  private static final int CANDIDATES_MAX = 24;
  private static final int HUBS_MAX = 4;
  private static final int RETRY_AFTER_MS_LEAST = 1_000;
  private static final int RETRY_AFTER_MS_MOST = 60_000;

  /// In place of a count of endpoints that are ready: a policy permits none.
  private static final int NOWHERE = -1;

  private final RouterSettings settings;
  private final boolean thorough;

  private int count;
  private boolean anyTried;
  private final int[] endpoint = new int[CANDIDATES_MAX];
  private final int[] site = new int[CANDIDATES_MAX];
  private final int[] blocksHeld = new int[CANDIDATES_MAX];
  private final Standing[] standing = new Standing[CANDIDATES_MAX];
  private final int[] cachedTokens = new int[CANDIDATES_MAX];
  private final double[] roundTripMs = new double[CANDIDATES_MAX];
  private final double[] queueMs = new double[CANDIDATES_MAX];
  private final double[] prefillMs = new double[CANDIDATES_MAX];
  private final double[] decodeMs = new double[CANDIDATES_MAX];
  private final double[] tokenMs = new double[CANDIDATES_MAX];
  private final double[] evictionMs = new double[CANDIDATES_MAX];
  private final double[] costMs = new double[CANDIDATES_MAX];
  private final int[] holders = new int[2 * PrefixIndex.HOLDERS_MAX];
  private final int[] heldBlocks = new int[2 * PrefixIndex.HOLDERS_MAX];

  /// Longer than anybody waits, and a number that can be reckoned with and shown.
  private static final double NOBODY_WAITS_MS = 2.0 * RouteRequest.DEADLINE_MS_MAX;

  /// Three tenths of ten are three.
  private static final double SLOT_GRAIN = 1e-6;

  public Router(RouterSettings settings) {
    this(settings, false);
  }

  /// @param thorough looks at all candidates even where the first few suffice; to compare with
  Router(RouterSettings settings, boolean thorough) {
    this.settings = settings;
    this.thorough = thorough;
  }

  /// Where the request runs, or why nowhere.
  ///
  /// @param view the grid as known
  /// @param inFlight this router's own load; takes over newer reports of the candidates from the
  ///   view
  /// @param prefixes where prefixes were computed
  /// @param random draws candidates and the explorations
  /// @param nowMs on the clock of the view's leases
  public Route route(
      GridView view,
      InFlight inFlight,
      PrefixIndex prefixes,
      RouteRequest request,
      SplittableRandom random,
      long nowMs) {
    count = 0;
    Roster roster = view.roster();
    Refusal never = refusedForGood(view, request);
    if (never != null) {
      return new Route.Refused(never, 0);
    }

    boolean explore =
        settings.explorationShare() > 0 && random.nextDouble() < settings.explorationShare();
    anyTried = false;
    gatherFirst(view, prefixes, request, nowMs);
    int ready = judge(view, inFlight, request, nowMs, 0);
    if (ready > 0) {
      weighReady(view, inFlight, request, 0);
    }
    if (thorough || explore || ready == 0 || mayBeBeaten(roster, request)) {
      int first = count;
      gatherElsewhere(roster, request, random);
      ready += judge(view, inFlight, request, nowMs, first);
      weighReady(view, inFlight, request, first);
    }
    if (ready == 0) {
      ready = probe(view, inFlight, request, random, nowMs);
    }
    if (ready == 0 && request.permitted() != null) {
      ready = seek(view, inFlight, request, nowMs);
      if (ready == NOWHERE) {
        return new Route.Refused(Refusal.RESIDENCY_FORBIDS, 0);
      }
    }
    if (ready == 0) {
      ready = acceptSuspects();
      weighReady(view, inFlight, request, 0);
    }
    if (ready == 0) {
      return anyTried
          ? new Route.Refused(Refusal.ALL_TRIED, RETRY_AFTER_MS_LEAST)
          : new Route.Refused(Refusal.NO_ENDPOINT_READY, RETRY_AFTER_MS_LEAST);
    }
    return choose(request, explore, random);
  }

  /// What no wait would change, as far as it is seen without looking at endpoints; null otherwise.
  public @Nullable Refusal refusedForGood(GridView view, RouteRequest request) {
    Roster roster = view.roster();
    int model = request.model();
    if (model < 0 || roster.endpointCountOfModel(model) == 0) {
      return Refusal.MODEL_UNKNOWN;
    }
    if (request.promptTokens()
        > settings.contextSlack() * roster.modelSpec(model).contextTokensMax()) {
      return Refusal.CONTEXT_TOO_LONG;
    }
    SiteSet permitted = request.permitted();
    boolean nowhere = permitted != null && permitted.isEmpty();
    return nowhere || (roster.jurisdictionBitsOfModel(model) & request.jurisdictionBits()) == 0
        ? Refusal.RESIDENCY_FORBIDS
        : null;
  }

  /// Whether an endpoint would take one more request of the most urgent class, however small: where
  /// not, nobody who waits need be asked. Overwrites what `explain` would tell.
  public boolean hasRoom(GridView view, InFlight inFlight, int of, long nowMs) {
    var smallest =
        new RouteRequest(
            view.roster().modelOf(of),
            1,
            1,
            null,
            -1,
            -1,
            RouteRequest.DEADLINE_MS_MAX,
            ServiceTier.REALTIME,
            RouteRequest.NONE_TRIED);
    count = 0;
    add(view.roster(), of, 0);
    if (judge(view, inFlight, smallest, nowMs, 0) == 0) {
      return false;
    }
    weigh(view, inFlight, smallest, 0);
    return queueMs[0] <= waitMsMax(smallest);
  }

  /// The last decision in full. Allocates; for people who ask.
  public Explanation explain(GridView view, Route route) {
    var list = new ArrayList<Explanation.Candidate>(count);
    for (int i = 0; i < count; i++) {
      SiteSpec spec = site[i] < 0 ? null : view.roster().siteSpec(site[i]);
      list.add(
          new Explanation.Candidate(
              endpoint[i],
              spec == null ? "" : spec.id(),
              standing[i],
              cachedTokens[i],
              roundTripMs[i],
              queueMs[i],
              prefillMs[i],
              decodeMs[i],
              evictionMs[i],
              costMs[i]));
    }
    return new Explanation(view.revision(), route, list);
  }

  /// Those that a request is most likely to go to: who holds its prefix, and who is always near.
  private void gatherFirst(GridView view, PrefixIndex prefixes, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    int model = request.model();
    PromptBlocks blocks = request.blocks();
    if (blocks != null && blocks.count() > 0) {
      int found = prefixes.find(blocks, nowMs, holders, heldBlocks);
      for (int i = 0; i < found; i++) {
        if (holders[i] < roster.endpointCount() && roster.modelOf(holders[i]) == model) {
          add(roster, holders[i], heldBlocks[i]);
        }
      }
    }
    int origin = request.originSite();
    if (origin >= 0) {
      add(roster, roster.endpointOf(origin, model), 0);
      int regional = roster.regionalOf(origin);
      if (regional >= 0) {
        add(roster, roster.endpointOf(regional, model), 0);
      }
    }
    for (int i = 0; i < Math.min(HUBS_MAX, roster.hubCount()); i++) {
      add(roster, roster.endpointOf(roster.hub(i), model), 0);
    }
  }

  private void gatherElsewhere(Roster roster, RouteRequest request, SplittableRandom random) {
    int model = request.model();
    int origin = request.originSite();
    if (origin >= 0) {
      for (int i = 0; i < settings.neighbours(); i++) {
        add(roster, roster.endpointOfNeighbour(origin, i, model), 0);
      }
    }
    for (int i = 0; i < settings.randomCandidates(); i++) {
      int drawn = random.nextInt(roster.endpointCountOfModel(model));
      add(roster, roster.endpointOfModel(model, drawn), 0);
    }
  }

  /// Whether a base station that was not looked at could answer sooner than the best of those that
  /// were by more than `contentMs`, if it were idle and next door. Also when what holds the prefix
  /// could lose its claim to such a one.
  private boolean mayBeBeaten(Roster roster, RouteRequest request) {
    double idleMs =
        settings.contentMs()
            + settings.roundTrips().leastToOtherCellMs(request.originSite() >= 0)
            + roster.leastPrefillMsAtCells(request.model(), request.promptTokens());
    int totalBlocks = request.blocks() == null ? 0 : request.blocks().count();
    double waitMsMax = waitMsMax(request);
    double leastMs = Double.MAX_VALUE;
    for (int i = 0; i < count; i++) {
      if (standing[i] != Standing.READY || queueMs[i] > waitMsMax) {
        continue;
      }
      leastMs = Math.min(leastMs, costMs[i]);
      if (sticky(i, totalBlocks) && firstTokenMs(i) > idleMs + settings.stickyPenaltyMsMax()) {
        return true;
      }
    }
    return leastMs > idleMs;
  }

  private boolean add(Roster roster, int candidate, int blocks) {
    if (candidate < 0 || count == CANDIDATES_MAX) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      if (endpoint[i] == candidate) {
        return false;
      }
    }
    endpoint[count] = candidate;
    site[count] = roster.siteOf(candidate);
    blocksHeld[count] = blocks;
    cachedTokens[count] = 0;
    roundTripMs[count] = 0;
    queueMs[count] = 0;
    prefillMs[count] = 0;
    decodeMs[count] = 0;
    tokenMs[count] = 0;
    evictionMs[count] = 0;
    costMs[count] = 0;
    count++;
    return true;
  }

  private int judge(GridView view, InFlight inFlight, RouteRequest request, long nowMs, int from) {
    int ready = 0;
    for (int i = from; i < count; i++) {
      standing[i] = standingOf(view, inFlight, request, nowMs, endpoint[i], site[i]);
      anyTried |= standing[i] == Standing.TRIED;
      ready += standing[i] == Standing.READY ? 1 : 0;
    }
    return ready;
  }

  private static Standing standingOf(
      GridView view, InFlight inFlight, RouteRequest request, long nowMs, int endpoint, int site) {
    if (site < 0) {
      return Standing.NOT_SERVING;
    }
    if (!request.permits(site, view.roster().jurisdictionBitOfEndpoint(endpoint))) {
      return Standing.RESIDENCY_FORBIDS;
    }
    if (!view.endpointLeaseFresh(endpoint, nowMs)) {
      return Standing.LEASE_ENDED;
    }
    if (view.endpointAdmission(endpoint) != AdmissionState.NEW_AND_EXISTING) {
      return Standing.NOT_ADMITTING;
    }
    if (!view.serving(endpoint)) {
      return Standing.NOT_SERVING;
    }
    if (view.aiShare(endpoint) == 0) {
      return Standing.RADIO_HOLDS;
    }
    for (int tried : request.triedEndpoints()) {
      if (tried == endpoint) {
        return Standing.TRIED;
      }
    }
    return inFlight.suspected(endpoint, view.reportSequence(endpoint))
        ? Standing.SUSPECT
        : Standing.READY;
  }

  /// When nothing else is ready, an endpoint that was unreachable a moment ago is better than none.
  private int acceptSuspects() {
    int accepted = 0;
    for (int i = 0; i < count; i++) {
      if (standing[i] == Standing.SUSPECT) {
        standing[i] = Standing.READY;
        accepted++;
      }
    }
    return accepted;
  }

  /// Walks the model's endpoints from a random one until one is ready or the bound is reached.
  /// Keeps the last slots of the candidate list for what it finds.
  private int probe(
      GridView view, InFlight inFlight, RouteRequest request, SplittableRandom random, long nowMs) {
    Roster roster = view.roster();
    int endpoints = roster.endpointCountOfModel(request.model());
    int start = random.nextInt(endpoints);
    for (int i = 0; i < Math.min(settings.probesMax(), endpoints); i++) {
      int candidate = roster.endpointOfModel(request.model(), (start + i) % endpoints);
      Standing found =
          standingOf(view, inFlight, request, nowMs, candidate, roster.siteOf(candidate));
      anyTried |= found == Standing.TRIED;
      if (found == Standing.READY) {
        count = Math.min(count, CANDIDATES_MAX - 1);
        add(roster, candidate, 0);
        int ready = judge(view, inFlight, request, nowMs, count - 1);
        weighReady(view, inFlight, request, count - 1);
        return ready;
      }
    }
    return 0;
  }

  /// Walks all of the model's endpoints for those that a policy permits, which may be few and far:
  /// some milliseconds for a country, and only where nothing near will do. `NOWHERE` when none is
  /// permitted at all.
  private int seek(GridView view, InFlight inFlight, RouteRequest request, long nowMs) {
    Roster roster = view.roster();
    int endpoints = roster.endpointCountOfModel(request.model());
    boolean any = false;
    for (int i = 0; i < endpoints; i++) {
      int candidate = roster.endpointOfModel(request.model(), i);
      int at = roster.siteOf(candidate);
      if (at < 0 || !request.permits(at, roster.jurisdictionBitOfEndpoint(candidate))) {
        continue;
      }
      any = true;
      Standing found = standingOf(view, inFlight, request, nowMs, candidate, at);
      anyTried |= found == Standing.TRIED;
      if (found == Standing.READY || found == Standing.SUSPECT) {
        count = Math.min(count, CANDIDATES_MAX - 1);
        add(roster, candidate, 0);
        int ready = judge(view, inFlight, request, nowMs, count - 1);
        weighReady(view, inFlight, request, count - 1);
        if (ready > 0) {
          return ready;
        }
      }
    }
    return any ? 0 : NOWHERE;
  }

  private Route choose(RouteRequest request, boolean explore, SplittableRandom random) {
    int totalBlocks = request.blocks() == null ? 0 : request.blocks().count();
    double waitMsMax = waitMsMax(request);
    double shortestWaitMs = Double.MAX_VALUE;
    double stickyFirstTokenMs = Double.MAX_VALUE;
    double otherFirstTokenMs = Double.MAX_VALUE;
    int open = 0;
    boolean anyTooFar = false;
    for (int i = 0; i < count; i++) {
      anyTooFar |= standing[i] == Standing.TOO_FAR;
      if (standing[i] != Standing.READY) {
        continue;
      }
      shortestWaitMs = Math.min(shortestWaitMs, queueMs[i]);
      if (queueMs[i] > waitMsMax) {
        standing[i] = Standing.SATURATED;
        continue;
      }
      open++;
      if (sticky(i, totalBlocks)) {
        stickyFirstTokenMs = Math.min(stickyFirstTokenMs, firstTokenMs(i));
      } else {
        otherFirstTokenMs = Math.min(otherFirstTokenMs, firstTokenMs(i));
      }
    }
    if (open == 0) {
      double excessMs = shortestWaitMs - waitMsMax;
      return new Route.Refused(
          Refusal.SATURATED,
          (int) Math.max(RETRY_AFTER_MS_LEAST, Math.min(RETRY_AFTER_MS_MOST, excessMs)));
    }
    if (open > 1 && explore) {
      return placed(nthOpen(random.nextInt(open)), Reason.EXPLORATION, request);
    }
    double stickyMsMost =
        Math.min(stickyFirstTokenMs, otherFirstTokenMs) + settings.stickyPenaltyMsMax();
    boolean stick = stickyFirstTokenMs < Double.MAX_VALUE && stickyFirstTokenMs <= stickyMsMost;
    int best = stick ? cheapestSticky(totalBlocks, stickyMsMost) : cheapest(-1);
    Reason reason =
        open == 1 && !anyTooFar
            ? Reason.ONLY_CANDIDATE
            : stick ? Reason.STICKY_PREFIX : Reason.LOWEST_COST;
    return placed(best, reason, request);
  }

  /// The longest wait that this request puts up with: its class's share of the bound, so that a
  /// peak is shed class by class.
  private double waitMsMax(RouteRequest request) {
    double classMs = settings.waitMsMax() * request.tier().waitCeiling();
    return Math.min(classMs, Math.min(settings.placeWaitMsMax(), request.deadlineMs()));
  }

  private double firstTokenMs(int i) {
    return roundTripMs[i] + queueMs[i] + prefillMs[i];
  }

  private boolean sticky(int i, int totalBlocks) {
    return blocksHeld[i] >= settings.stickyBlocksLeast()
        && (blocksHeld[i] >= settings.stickyBlocks()
            || blocksHeld[i] >= settings.stickyShare() * totalBlocks);
  }

  private int nthOpen(int n) {
    int left = n;
    for (int i = 0; i < count; i++) {
      if (standing[i] == Standing.READY && left-- == 0) {
        return i;
      }
    }
    throw new IllegalStateException("open candidate " + n + " of fewer");
  }

  /// Ties go to the earlier candidate: prefix holders, then the nearest.
  private int cheapest(int except) {
    int best = -1;
    for (int i = 0; i < count; i++) {
      if (standing[i] == Standing.READY && i != except && (best < 0 || costMs[i] < costMs[best])) {
        best = i;
      }
    }
    return best;
  }

  private int cheapestSticky(int totalBlocks, double firstTokenMsMost) {
    int best = -1;
    for (int i = 0; i < count; i++) {
      if (standing[i] == Standing.READY
          && sticky(i, totalBlocks)
          && firstTokenMs(i) <= firstTokenMsMost
          && (best < 0 || costMs[i] < costMs[best])) {
        best = i;
      }
    }
    return best;
  }

  private Route placed(int i, Reason reason, RouteRequest request) {
    int next = cheapest(i);
    return new Route.Placed(
        endpoint[i],
        site[i],
        costMs[i],
        firstTokenMs(i),
        tokenMs[i],
        cachedTokens[i],
        request.promptTokens() - cachedTokens[i],
        reason,
        next < 0 ? -1 : endpoint[next],
        next < 0 ? 0 : costMs[next]);
  }

  /// What being served at an endpoint costs a request once its prompt is computed there: the terms
  /// of staying. Asks not whether it is permitted or has room. Overwrites what `explain` would
  /// tell.
  ///
  /// @param request with the tokens so far as its prompt and those still to come as its output
  public UnderWay underWay(GridView view, InFlight inFlight, RouteRequest request, int of) {
    count = 0;
    add(view.roster(), of, 0);
    standing[0] = Standing.READY;
    roundTripMs[0] = settings.roundTrips().ms(view.roster(), request.originSite(), of);
    weigh(view, inFlight, request, 0);
    int output = request.outputTokensMax();
    double decodeMs = output * Math.max(0, tokenMs[0] - settings.decodePaceMs());
    double restartMs = roundTripMs[0] + prefillMs[0];
    return new UnderWay(
        of,
        roundTripMs[0],
        tokenMs[0],
        decodeMs,
        view.reclaimProbability(of, output * tokenMs[0]) * restartMs,
        prefillMs[0]);
  }

  /// Lets `inFlight` know what the view knows of an endpoint.
  public static void takeReport(GridView view, InFlight inFlight, int endpoint) {
    inFlight.onReport(
        endpoint,
        view.reportSequence(endpoint),
        view.queuedTokens(endpoint),
        view.running(endpoint) + view.waiting(endpoint));
  }

  /// Fills in the terms of the candidates from `from` on. One whose round trip alone takes longer
  /// than the best answer so far cannot win and is not weighed.
  private void weighReady(GridView view, InFlight inFlight, RouteRequest request, int from) {
    double waitMsMax = waitMsMax(request);
    double leastMs = Double.MAX_VALUE;
    for (int i = 0; i < count; i++) {
      if (standing[i] != Standing.READY) {
        continue;
      }
      if (i >= from) {
        roundTripMs[i] = settings.roundTrips().ms(view.roster(), request.originSite(), endpoint[i]);
        if (roundTripMs[i] > leastMs && blocksHeld[i] == 0) {
          standing[i] = Standing.TOO_FAR;
          continue;
        }
        weigh(view, inFlight, request, i);
      }
      if (queueMs[i] <= waitMsMax) {
        leastMs = Math.min(leastMs, costMs[i]);
      }
    }
  }

  /// Fills in the terms of candidate `i`.
  private void weigh(GridView view, InFlight inFlight, RouteRequest request, int i) {
    Roster roster = view.roster();
    int e = endpoint[i];
    EngineProfile profile = roster.profile(e);
    StepModel step = profile.step();
    int replicas = roster.replicas(e);
    takeReport(view, inFlight, e);

    int prompt = request.promptTokens();
    cachedTokens[i] = Math.min(prompt - 1, blocksHeld[i] * PromptBlocks.BLOCK_TOKENS);
    int uncached = prompt - cachedTokens[i];
    int output = settings.meanOutputTokens();
    if (request.outputTokensMax() > 0) {
      output = Math.min(output, request.outputTokensMax());
    }

    // One replica's share of the sequences, and what they read in each step.
    int requests = inFlight.requests(e);
    double aiShare = view.aiShare(e);
    int slots = (int) (profile.sequencesMax() * replicas * aiShare + SLOT_GRAIN);
    double runningPerReplica = (double) Math.min(requests, slots) / replicas;
    double contextPerReplica = (double) view.contextTokens(e) / replicas;
    double sequenceMs =
        step.decodeMsPerSequence() * runningPerReplica
            + step.contextMsPerThousandTokens() * contextPerReplica / 1000;
    double tokensPerMs = view.prefillTokensPerSecond(e) / 1000;
    double modelledPerMs = profile.prefillTokensPerSecond() * replicas / 1000;
    double slowness = tokensPerMs > 0 ? modelledPerMs / tokensPerMs : 1;
    tokenMs[i] = slowness * (step.baseMs() + step.decodeMsPerSequence() + sequenceMs);
    int chunks = (uncached + profile.chunkTokens() - 1) / profile.chunkTokens();

    queueMs[i] =
        inFlight.uncachedTokens(e) / (modelledPerMs / slowness)
            + waitForSlotMs(view, e, requests, slots, request.tier(), output * tokenMs[i])
            + waitForMemoryMs(
                view.contextTokens(e),
                prompt,
                (double) profile.kvTokensMax() * replicas * aiShare,
                output,
                tokenMs[i]);
    prefillMs[i] =
        slowness * (chunks * (step.baseMs() + sequenceMs) + uncached * step.prefillMsPerToken());
    decodeMs[i] = output * Math.max(0, tokenMs[i] - settings.decodePaceMs());
    double restartMs = roundTripMs[i] + queueMs[i] + prefillMs[i];
    evictionMs[i] =
        view.reclaimProbability(e, queueMs[i] + prefillMs[i] + output * tokenMs[i]) * restartMs;
    costMs[i] = roundTripMs[i] + queueMs[i] + prefillMs[i] + decodeMs[i] + evictionMs[i];
  }

  /// Sequences end at a rate of `slots` per answer time; the newcomer needs so many of them to end
  /// that one of its class may begin. Beside a radio (which never leaves all) nobody waits: the
  /// site turns away whoever may not begin.
  private static double waitForSlotMs(
      GridView view, int e, int requests, int slots, ServiceTier tier, double answerMs) {
    int ahead = requests - tier.slots(slots) + 1;
    if (ahead <= 0) {
      return 0;
    }
    return view.aiShare(e) < 1 ? NOBODY_WAITS_MS : ahead * answerMs / Math.max(1, slots);
  }

  /// Memory is given back as sequences end; the newcomer needs so much of it.
  private static double waitForMemoryMs(
      int contextTokens, int prompt, double kvTokensMax, int output, double tokenMs) {
    double missing = contextTokens + (double) prompt - kvTokensMax;
    return missing <= 0 || contextTokens == 0 ? 0 : missing / contextTokens * output * tokenMs;
  }
}
