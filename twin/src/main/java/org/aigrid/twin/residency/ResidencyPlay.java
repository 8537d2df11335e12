package org.aigrid.twin.residency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aigrid.core.admit.FairQueue;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PrefixIndexSettings;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.AttemptEffect;
import org.aigrid.core.node.AttemptEvent;
import org.aigrid.core.node.AttemptEvent.Failure;
import org.aigrid.core.node.AttemptSettings;
import org.aigrid.core.node.Attempts;
import org.aigrid.core.node.Handover;
import org.aigrid.core.node.HandoverSettings;
import org.aigrid.core.node.Permit;
import org.aigrid.core.node.Step;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.residency.Residency;
import org.aigrid.core.residency.SiteClasses;
import org.aigrid.core.residency.SiteResidency;
import org.aigrid.core.route.Refusal;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.OpenGridView;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.aigrid.twin.country.Known;
import org.jspecify.annotations.Nullable;

/// One gateway, some sites and tenants, drawn from a seed and played as a random walk: in each step
/// one thing happens that could happen, to a request, a site or a policy. All decisions are core's
/// (`Residency`, `Router`, `Attempts`, `Handover`); the walk carries them out as a live gateway
/// does. No engine is played, so times mean nothing here; the order of things is what is searched.
///
/// An order needs a step to reach its site, and policies may change meanwhile: the site asks its
/// own before it begins, and writes both down. What they wrote is judged by `Audit` afterwards. One
/// thread; some 20 microseconds a request.
public final class ResidencyPlay {
  static final int TENANTS = 5;

  private static final AttemptSettings ATTEMPTS = AttemptSettings.DEFAULT;
  private static final HandoverSettings HANDOVER =
      new HandoverSettings(
          0, 600_000, 30_000, 60_000, 1, 0, 0.01, 60_000, 10_000, 0, 16, 1, 262_144);
  private static final int UNDER_WAY_MAX = 12;
  private static final int REPORT_STEPS = 16;
  private static final int PLACE_WAIT_MS_MAX = 60;
  private static final int LEASE_MS = 2_500;
  private static final long FOREVER_MS = Long.MAX_VALUE;

  private final SplittableRandom random;
  private final Slip slip;
  private final int requests;

  /// Whether a request's narrowing filters by jurisdiction, too; the set of sites alone must do.
  private final boolean coarseFilter;

  private final List<Site> sites = new ArrayList<>();
  private final List<String> siteIds = new ArrayList<>();
  private final Roster roster;
  private final OpenGridView grid;
  private final Router router;
  private final Router patient =
      new Router(RouterSettings.DEFAULT); // for streams between two sites
  private final Router steady = new Router(RouterSettings.DEFAULT.withExplorationShare(0));
  private final InFlight inFlight = new InFlight(4 * UNDER_WAY_MAX);
  private final PrefixIndex prefixes = new PrefixIndex(new PrefixIndexSettings(1_024, 600_000));
  private final PromptBlocks blocks = new PromptBlocks();
  private final WaitingRoom<UnderWay> room = new WaitingRoom<>(WaitingRoom.Settings.USUAL);

  private final List<Audit.Tenant> tenants = new ArrayList<>();
  private final List<Rules> rules = new ArrayList<>(); // by tenant, those of now
  private SiteClasses classes;

  private final List<Asked> asked = new ArrayList<>();
  private final List<UnderWay> underWay = new ArrayList<>();
  private long step;
  private long nowMs;
  private long sequence;
  private long refused;
  private long policyChanges;
  private long caughtLate;

  /// A site: what it is, how it is, and its own record.
  private static final class Site {
    private final SiteFacts registered;
    private SiteFacts own;
    private boolean dead;
    private boolean muted; // works, and is not heard
    private AdmissionState admission = AdmissionState.NEW_AND_EXISTING;
    private double aiShare = 1;
    private int waiting;
    private final List<SiteRecord> records = new ArrayList<>();

    private Site(SiteFacts registered) {
      this.registered = registered;
      own = registered;
    }
  }

  /// A tenant's policies as the grid uses them: compiled, and prepared for the roster.
  private record Rules(Residency residency, SiteResidency onSites) {}

  /// One order that a gateway has signed.
  private record Order(
      int attempt,
      int endpoint,
      int site,
      long lease,
      WorkPath path,
      PolicyAction action,
      RequestFacts facts,
      long signedStep) {}

  /// One request under way. Its orders are on their way until they are among those begun.
  private static final class UnderWay {
    private final int number;
    private final Asked asked;
    private final Rules rulesAtFirst;
    private final int promptTokens;
    private final long salt;
    private int cell;
    private int generated;
    private @Nullable Attempts attempts;
    private @Nullable Order call;
    private @Nullable Order hedge;
    private @Nullable Order prewarm;
    private @Nullable Order routed; // until it is dispatched
    private boolean waits; // for a place
    private int @Nullable [] tried; // before it began to wait
    private @Nullable Found found; // what it has waited for, and does not know of yet
    private final List<Order> begun = new ArrayList<>(2);

    private UnderWay(int number, Asked asked, Rules rules, int promptTokens, long salt, int cell) {
      this.number = number;
      this.asked = asked;
      this.rulesAtFirst = rules;
      this.promptTokens = promptTokens;
      this.salt = salt;
      this.cell = cell;
    }

    private Attempts state() {
      Attempts known = attempts;
      if (known == null) {
        throw new IllegalStateException("request " + number + " has not begun");
      }
      return known;
    }
  }

  /// What became of a request in the waiting room.
  private record Found(Route route, long lease, Rules rules) {}

  /// What decides where a request that waits may run and where it is near.
  private record Kind(int cell, @Nullable SiteSet permitted) {}

  private ResidencyPlay(long seed, int requests, Slip slip) {
    random = new SplittableRandom(seed);
    this.requests = requests;
    this.slip = slip;
    coarseFilter = chance(2);
    roster = Roster.of(drawSites());
    grid = new OpenGridView(roster);
    inFlight.grow(roster.endpointCount());
    router =
        new Router(
            RouterSettings.DEFAULT
                .withExplorationShare(chance(2) ? 0.3 : 0.01)
                .withPlaceWaitMsMax(PLACE_WAIT_MS_MAX));
    for (int i = 0; i < TENANTS; i++) {
      tenants.add(drawTenant(i));
    }
    classes = classesFor(List.of());
    for (Audit.Tenant tenant : tenants) {
      rules.add(rulesOf(tenant));
    }
    report();
  }

  /// Plays a world.
  ///
  /// @param seed the same seed is the same play, for ever
  /// @param requests that clients send in it
  /// @param slip a mistake to play it with
  public static ResidencyOutcome play(long seed, int requests, Slip slip) {
    var play = new ResidencyPlay(seed, requests, slip);
    play.run();
    return play.outcome(seed);
  }

  // ---- drawing

  private boolean chance(int oneIn) {
    return random.nextInt(oneIn) == 0;
  }

  private <T> T pick(List<T> among) {
    return DrawnPolicies.pick(random, among);
  }

  private List<SiteSpec> drawSites() {
    var specs = new ArrayList<SiteSpec>();
    int hubs = 1 + random.nextInt(3);
    int centres = random.nextInt(4);
    int cells = 3 + random.nextInt(10);
    for (int i = 0; i < hubs; i++) {
      specs.add(site("hub-" + i, Tier.HUB, "H200"));
    }
    for (int i = 0; i < centres; i++) {
      specs.add(site("centre-" + i, Tier.REGIONAL, "H100"));
    }
    for (int i = 0; i < cells; i++) {
      specs.add(site("cell-" + i, Tier.CELL, "RTX PRO 6000"));
    }
    for (SiteSpec spec : specs) {
      // Of some, nobody knows how well their place is known: they are nobody's.
      LocationLevel level = chance(12) ? null : pick(Arrays.asList(LocationLevel.values()));
      sites.add(new Site(SiteFacts.of(spec, level)));
      siteIds.add(spec.id());
    }
    return specs;
  }

  private SiteSpec site(String id, Tier tier, String gpu) {
    var endpoints = new ArrayList<EndpointSpec>();
    for (String model : DrawnPolicies.MODELS) {
      if (endpoints.isEmpty() || chance(2)) {
        endpoints.add(
            new EndpointSpec(
                Known.model(model),
                EngineKind.EMULATED,
                Known.accelerator(gpu),
                1,
                4 + random.nextInt(32)));
      }
    }
    var position = new GeoPoint(30 + 10 * random.nextDouble(), 130 + 10 * random.nextDouble());
    return new SiteSpec(
        id,
        id,
        tier,
        "region",
        position,
        pick(DrawnPolicies.JURISDICTIONS),
        pick(DrawnPolicies.OPERATORS),
        endpoints);
  }

  private Audit.Tenant drawTenant(int number) {
    var principal =
        new Principal(
            "tenant-" + number,
            chance(2) ? "project" : null,
            chance(8) ? null : pick(DrawnPolicies.JURISDICTIONS),
            pick(Arrays.asList(ServiceTier.values())),
            List.of(pick(DrawnPolicies.TAGS)));
    List<String> key = chance(6) ? someJurisdictions() : null;
    var history = new ArrayList<Audit.Said>();
    history.add(new Audit.Said(0, drawLayers()));
    return new Audit.Tenant(principal, key, history);
  }

  private List<String> someJurisdictions() {
    return DrawnPolicies.JURISDICTIONS.stream().filter(_ -> random.nextInt(3) > 0).toList();
  }

  /// None, so that the home rule decides; one; or a tenant's and its project's.
  private List<DrawnPolicies> drawLayers() {
    int count = random.nextInt(6);
    int layers = count == 0 ? 0 : count < 5 ? 1 : 2;
    var drawn = new ArrayList<DrawnPolicies>();
    for (int i = 0; i < layers; i++) {
      drawn.add(DrawnPolicies.draw(random, siteIds, 5));
    }
    return drawn;
  }

  // ---- policies as the grid uses them

  private Rules rulesOf(Audit.Tenant tenant) {
    var layers = new ArrayList<PolicySet>();
    for (DrawnPolicies drawn : tenant.history().getLast().layers()) {
      switch (PolicySet.compile(drawn.text())) {
        case Compilation.Accepted(PolicySet set, var _) -> layers.add(set);
        case Compilation.Refused(var mistakes) ->
            throw new IllegalStateException("a drawn policy is refused: " + mistakes);
      }
    }
    var residency = new Residency(tenant.principal(), layers, tenant.keyJurisdictions());
    if (!classes.suits(residency)) {
      classes = classesFor(List.of(residency));
      rules.replaceAll(old -> prepared(old.residency()));
    }
    return prepared(residency);
  }

  private Rules prepared(Residency residency) {
    return new Rules(residency, residency.on(classes));
  }

  private SiteClasses classesFor(List<Residency> more) {
    Map<String, SiteFacts> known = new HashMap<>();
    sites.forEach(site -> known.put(String.valueOf(site.registered.id()), site.registered));
    List<Residency> all =
        Stream.concat(rules.stream().map(Rules::residency), more.stream()).toList();
    return SiteClasses.of(
        roster,
        spec -> {
          SiteFacts facts = known.get(spec.id());
          return facts == null ? null : facts.level();
        },
        all);
  }

  private void changePolicy() {
    int tenant = random.nextInt(TENANTS);
    Audit.Tenant changed = tenants.get(tenant);
    changed.history().add(new Audit.Said(step, drawLayers()));
    rules.set(tenant, rulesOf(changed));
    policyChanges++;
  }

  // ---- the walk

  private void run() {
    while (asked.size() < requests || !underWay.isEmpty()) {
      step++;
      nowMs += random.nextInt(40);
      if (step % REPORT_STEPS == 0) {
        report();
      }
      if (chance(40)) {
        disturb();
      }
      if (chance(250)) {
        step++;
        changePolicy();
        step++;
      }
      boolean full = underWay.size() == UNDER_WAY_MAX || asked.size() == requests;
      if (underWay.isEmpty() || (!full && chance(4))) {
        begin();
      } else {
        act(pick(underWay));
      }
    }
  }

  /// A site dies, comes back, is drained, is not heard, is wanted by its radio, fills up, changes
  /// hands without telling the registry.
  private void disturb() {
    Site site = pick(sites);
    switch (random.nextInt(14)) {
      case 0, 1 -> site.dead = true;
      case 2 -> site.muted = true;
      case 3 -> site.admission = AdmissionState.EXISTING_ONLY;
      case 4 -> site.admission = AdmissionState.NONE;
      case 5 -> site.aiShare = 0.05;
      case 6 -> site.waiting = 10_000;
      case 7 ->
          site.own =
              new SiteFacts(
                  site.own.id(),
                  pick(DrawnPolicies.JURISDICTIONS),
                  pick(DrawnPolicies.OPERATORS),
                  site.own.tier(),
                  site.own.level());
      default -> {
        site.dead = false;
        site.muted = false;
        site.admission = AdmissionState.NEW_AND_EXISTING;
        site.aiShare = 1;
        site.waiting = 0;
        site.own = site.registered;
      }
    }
  }

  private void report() {
    sequence++;
    for (int i = 0; i < sites.size(); i++) {
      Site site = sites.get(i);
      if (site.dead || site.muted) {
        continue;
      }
      int at = roster.indexOfSite(siteIds.get(i));
      for (int e = roster.firstEndpoint(at); e < roster.endpointsEnd(at); e++) {
        grid.report(
            e,
            nowMs + LEASE_MS,
            sequence,
            site.admission,
            site.waiting,
            site.waiting,
            0,
            0,
            0,
            site.aiShare,
            site.aiShare < 1 ? 60 : 0);
      }
    }
  }

  private void begin() {
    int tenant = random.nextInt(TENANTS);
    var what =
        new Asked(
            tenant,
            pick(Arrays.asList(ServiceTier.values())),
            pick(DrawnPolicies.MODELS),
            chance(3) ? someJurisdictions() : null);
    var request =
        new UnderWay(
            asked.size(),
            what,
            rules.get(tenant),
            1 + random.nextInt(4_000),
            random.nextInt(64),
            random.nextInt(sites.size()));
    asked.add(what);
    underWay.add(request);
    apply(request, Attempts.begin(nowMs + 50 + random.nextInt(60_000)));
  }

  /// One thing happens to a request.
  private void act(UnderWay request) {
    Attempts state = request.state();
    Found found = request.found;
    if (found != null) {
      request.found = null;
      RequestFacts facts = factsOf(request, WorkPath.WAITED);
      arrive(request, found.route(), found.lease(), found.rules(), WorkPath.WAITED, facts);
      return;
    }
    if (request.waits) {
      waiting(request);
      return;
    }
    Order ahead = request.prewarm;
    if (ahead != null && chance(3)) {
      if (request.begun.contains(ahead) || !reaches(request, ahead)) {
        if (request.begun.contains(ahead)) {
          prefixes.record(blocksOf(request), ahead.endpoint(), nowMs);
        }
        endOrder(request, ahead);
        request.prewarm = null;
        weigh(request, false);
      }
      return;
    }
    if (ahead == null && chance(12)) {
      prewarm(request, random.nextInt(sites.size()), RouteRequest.NONE_TRIED);
      return;
    }
    Order order = request.hedge != null && chance(2) ? request.hedge : request.call;
    if (order != null && !request.begun.contains(order)) {
      if (!reaches(request, order)) {
        boolean unreachable = sites.get(order.site()).dead;
        failed(request, order, unreachable ? Failure.UNREACHABLE : Failure.REFUSED_ELSEWHERE);
      }
      return;
    }
    if (order == null) {
      if (state.phase() == Attempts.Phase.ROUTING) {
        on(request, new AttemptEvent.RouteDue());
      }
      return;
    }
    if (chance(60)) {
      on(request, new AttemptEvent.ClientGone());
    } else if (state.awaits(order.attempt())) {
      awaited(request, order);
    } else {
      streaming(request, order);
    }
  }

  /// It waits for a place, for as long as it may, or until its client has gone; and now and then
  /// the gateway looks what there is.
  private void waiting(UnderWay request) {
    if (chance(4)) {
      serve(request.asked.model());
    } else if (chance(20)) {
      leave(request);
      on(
          request,
          chance(2)
              ? new AttemptEvent.ClientGone()
              : new AttemptEvent.NotRouted(Refusal.SATURATED, 1_000));
    }
  }

  private void leave(UnderWay request) {
    if (!room.leave(
        request.asked.model(), request.asked.tier(), "t" + request.asked.tenant(), 1, request)) {
      throw new IllegalStateException("request " + request.number + " waits and is not there");
    }
    request.waits = false;
  }

  /// No byte of it has come.
  private void awaited(UnderWay request, Order order) {
    switch (random.nextInt(8)) {
      case 0 -> failed(request, order, Failure.TOO_SLOW);
      case 1 -> failed(request, order, Failure.UNREACHABLE);
      case 2, 3 -> on(request, new AttemptEvent.HedgeDue(order.attempt(), true));
      default ->
          on(
              request,
              sites.get(order.site()).dead
                  ? new AttemptEvent.Failed(order.attempt(), Failure.TOO_SLOW, 0, true)
                  : new AttemptEvent.FirstByte(order.attempt()));
    }
  }

  /// Its client reads it.
  private void streaming(UnderWay request, Order order) {
    request.generated += 1 + random.nextInt(50);
    if (sites.get(order.site()).dead) {
      broken(request, order);
      return;
    }
    switch (random.nextInt(8)) {
      case 0 -> on(request, new AttemptEvent.Ended(order.attempt()));
      case 1, 2 -> broken(request, order);
      case 3, 4, 5 -> {
        request.cell = random.nextInt(sites.size());
        weigh(request, true);
      }
      default -> {}
    }
  }

  private void broken(UnderWay request, Order order) {
    if (chance(2)) {
      inFlight.suspect(order.endpoint());
    }
    boolean resumable = !chance(16);
    boolean movable = request.state().movable(ATTEMPTS);
    on(request, new AttemptEvent.Broken(order.attempt(), resumable, resumable && movable));
  }

  private void failed(UnderWay request, Order order, Failure failure) {
    if (failure != Failure.REFUSED_ELSEWHERE) {
      inFlight.suspect(order.endpoint());
    }
    boolean allowed = request.state().retry(order.attempt(), failure, ATTEMPTS, nowMs) != Permit.NO;
    on(request, new AttemptEvent.Failed(order.attempt(), failure, 0, allowed));
  }

  /// An order arrives: the site asks its own policies about itself, begins or refuses, and writes
  /// it down. False when nothing was begun.
  private boolean reaches(UnderWay request, Order order) {
    Site site = sites.get(order.site());
    if (site.dead) {
      return false;
    }
    Residency own = rules.get(request.asked.tenant()).residency();
    boolean begins =
        slip == Slip.SITES_TRUST || own.check(order.action(), site.own, order.facts()).permitted();
    site.records.add(
        new SiteRecord(
            step,
            order.signedStep(),
            request.number,
            order.path(),
            order.action(),
            site.registered,
            site.own,
            begins));
    if (begins) {
      request.begun.add(order);
    }
    return begins;
  }

  // ---- what a gateway does

  private void on(UnderWay request, AttemptEvent event) {
    apply(request, request.state().on(event, ATTEMPTS, nowMs));
  }

  private void apply(UnderWay request, Step<Attempts, AttemptEffect> next) {
    request.attempts = next.state();
    for (AttemptEffect effect : next.effects()) {
      switch (effect) {
        case AttemptEffect.Route(int[] tried) -> route(request, tried);
        case AttemptEffect.Dispatch(var _, int attempt, var _, var _) -> dispatch(request, attempt);
        case AttemptEffect.Abandon(int attempt) -> abandon(request, attempt);
        case AttemptEffect.Finish _ -> finish(request);
        case AttemptEffect.AnswerRefused(Refusal why, var _) ->
            refused += why == Refusal.RESIDENCY_FORBIDS ? 1 : 0;
        case AttemptEffect.RouteLater _,
            AttemptEffect.Relay _,
            AttemptEffect.Rejoin _,
            AttemptEffect.Hold _,
            AttemptEffect.Resume _,
            AttemptEffect.AnswerFailed _,
            AttemptEffect.BreakStream _ -> {}
      }
    }
  }

  private WorkPath pathOf(Attempts state) {
    if (state.moving() || state.phase() == Attempts.Phase.RELAYING) {
      return WorkPath.FAILOVER;
    }
    if (state.phase() == Attempts.Phase.WAITING) {
      return WorkPath.HEDGE;
    }
    return state.attempt() == 0 ? WorkPath.FIRST : WorkPath.RETRY;
  }

  private void route(UnderWay request, int[] tried) {
    WorkPath path = pathOf(request.state());
    RequestFacts facts = factsOf(request, path);
    RouteRequest wanted = wanted(request, path, facts, 60_000, tried);
    boolean mayWait = request.state().mayWait();
    if (mayWait && room.waitsFor(request.asked.model())) {
      enter(request, tried);
      return;
    }
    Router by = request.state().moving() ? patient : router;
    Route found = by.route(grid.view(), inFlight, prefixes, wanted, random, nowMs);
    if (mayWait && found instanceof Route.Refused full && full.why() == Refusal.SATURATED) {
      enter(request, tried);
      return;
    }
    arrive(request, found, charge(found), rulesFor(request), path, facts);
  }

  private void enter(UnderWay request, int[] tried) {
    request.waits = true;
    request.tried = tried;
    FairQueue.Offer offer =
        room.enter(
            request.asked.model(),
            request.asked.tier(),
            "t" + request.asked.tenant(),
            1 + request.asked.tenant(),
            request.promptTokens,
            1,
            request);
    if (offer != FairQueue.Offer.WAITS) {
      throw new IllegalStateException(offer + " with " + room.waiting() + " that wait");
    }
    serve(request.asked.model());
  }

  /// Offers what places there are to those who wait, as they are now permitted.
  private void serve(String model) {
    room.serve(model, places);
  }

  private final WaitingRoom.Places<UnderWay> places =
      new WaitingRoom.Places<>() {
        @Override
        public Object kind(UnderWay waiter) {
          return new Kind(waiter.cell, wantedNow(waiter).permitted());
        }

        @Override
        public FairQueue.Found find(UnderWay waiter, ServiceTier rank) {
          Route found =
              router.route(grid.view(), inFlight, prefixes, wantedNow(waiter), random, nowMs);
          if (found instanceof Route.Refused(Refusal why, int _) && why.passes()) {
            return FairQueue.Found.NOT_FOR_THIS;
          }
          waiter.waits = false;
          waiter.found = new Found(found, charge(found), rulesFor(waiter));
          return FairQueue.Found.PLACE;
        }
      };

  private RouteRequest wantedNow(UnderWay waiter) {
    int[] tried = waiter.tried;
    RequestFacts facts = factsOf(waiter, WorkPath.WAITED);
    return wanted(
        waiter, WorkPath.WAITED, facts, 60_000, tried == null ? RouteRequest.NONE_TRIED : tried);
  }

  private long charge(Route found) {
    return found instanceof Route.Placed placed
        ? inFlight.charge(placed.endpoint(), placed.uncachedTokens(), FOREVER_MS)
        : InFlight.NONE;
  }

  /// The router has spoken; perhaps a while ago.
  ///
  /// @param by the policies by which it did
  private void arrive(
      UnderWay request, Route found, long lease, Rules by, WorkPath path, RequestFacts facts) {
    switch (found) {
      case Route.Refused(Refusal why, int retryAfterMs) ->
          on(request, new AttemptEvent.NotRouted(why, retryAfterMs));
      case Route.Placed placed -> {
        if (!permits(request, path, placed.site(), facts)) {
          caughtLate += by.equals(rulesFor(request)) ? 1 : 0;
          inFlight.end(lease);
          on(request, new AttemptEvent.NotRouted(Refusal.RESIDENCY_FORBIDS, 0));
          return;
        }
        prefixes.record(blocksOf(request), placed.endpoint(), nowMs);
        request.routed = order(placed, lease, path, PolicyAction.INFER, facts);
        on(request, new AttemptEvent.Routed(placed.endpoint(), placed.firstTokenMs(), false));
      }
    }
  }

  private Order order(Route.Placed placed, WorkPath path, PolicyAction action, RequestFacts facts) {
    return order(placed, charge(placed), path, action, facts);
  }

  private Order order(
      Route.Placed placed, long lease, WorkPath path, PolicyAction action, RequestFacts facts) {
    int site = siteIds.indexOf(siteId(placed.site()));
    return new Order(-1, placed.endpoint(), site, lease, path, action, facts, step);
  }

  private String siteId(int ofRoster) {
    SiteSpec spec = roster.siteSpec(ofRoster);
    return spec == null ? "" : spec.id();
  }

  private void dispatch(UnderWay request, int attempt) {
    Order routed = request.routed;
    if (routed == null) {
      throw new IllegalStateException("request " + request.number + " was not routed");
    }
    request.routed = null;
    var signed =
        new Order(
            attempt,
            routed.endpoint(),
            routed.site(),
            routed.lease(),
            routed.path(),
            routed.action(),
            routed.facts(),
            routed.signedStep());
    if (attempt == request.state().hedge()) {
      request.hedge = signed;
    } else {
      request.call = signed;
    }
  }

  private void abandon(UnderWay request, int attempt) {
    Order call = request.call;
    Order hedge = request.hedge;
    if (call != null && call.attempt() == attempt) {
      endOrder(request, call);
      request.call = hedge;
      request.hedge = null;
    } else if (hedge != null && hedge.attempt() == attempt) {
      endOrder(request, hedge);
      request.hedge = null;
    }
  }

  private void endOrder(UnderWay request, Order order) {
    inFlight.end(order.lease());
    request.begun.remove(order);
    serve(request.asked.model());
  }

  private void finish(UnderWay request) {
    if (request.waits) {
      leave(request);
    }
    Found found = request.found;
    if (found != null) {
      inFlight.end(found.lease());
      request.found = null;
    }
    for (Order left : Arrays.asList(request.call, request.hedge, request.prewarm)) {
      if (left != null) {
        endOrder(request, left);
      }
    }
    underWay.remove(request);
  }

  /// The caller has moved: the stream is weighed, and goes on nearer to it or has its prompt
  /// computed there first.
  private void weigh(UnderWay request, boolean mayWarm) {
    Attempts state = request.state();
    Order from = request.call;
    if (from == null || !state.mayHandOver(ATTEMPTS)) {
      return;
    }
    int[] tried = {from.endpoint()};
    RequestFacts facts = factsOf(request, WorkPath.HANDOVER);
    Handover.Decision decision =
        Handover.decide(
            steady,
            grid.view(),
            inFlight,
            prefixes,
            wanted(request, WorkPath.HANDOVER, facts, ATTEMPTS.moveMsMax(), tried),
            from.endpoint(),
            request.generated,
            60_000,
            mayWarm,
            HANDOVER,
            random,
            nowMs);
    switch (decision) {
      case Handover.Decision.Move(Route.Placed target, var _) -> {
        if (!permits(request, WorkPath.HANDOVER, target.site(), facts)) {
          caughtLate++;
          return;
        }
        request.routed = order(target, WorkPath.HANDOVER, PolicyAction.INFER, facts);
        on(request, new AttemptEvent.MovePlaced(from.attempt(), target.endpoint(), nowMs + 1_000));
      }
      case Handover.Decision.Warm _ -> {
        if (request.prewarm == null) {
          prewarm(request, request.cell, tried);
        }
      }
      case Handover.Decision.Stay _, Handover.Decision.NoPlace _ -> {}
    }
  }

  private void prewarm(UnderWay request, int cell, int[] tried) {
    int stays = request.cell;
    request.cell = cell;
    RequestFacts facts = factsOf(request, WorkPath.PREWARM);
    RouteRequest wanted = wanted(request, WorkPath.PREWARM, facts, 10_000, tried);
    request.cell = stays;
    Route found =
        steady.route(grid.view(), inFlight, prefixes, Handover.asIfWarm(wanted, 0), random, nowMs);
    if (found instanceof Route.Placed placed) {
      if (permits(request, WorkPath.PREWARM, placed.site(), facts)) {
        request.prewarm = order(placed, WorkPath.PREWARM, PolicyAction.PREWARM, facts);
      } else {
        caughtLate++;
      }
    }
  }

  private RequestFacts factsOf(UnderWay request, WorkPath path) {
    Asked what = request.asked;
    boolean forgets = slip == Slip.NARROWING_FORGOTTEN && path != WorkPath.FIRST;
    return new RequestFacts(
        path == WorkPath.PREWARM ? ServiceTier.BACKGROUND : what.tier(),
        what.model(),
        forgets ? null : what.narrowing());
  }

  private Rules rulesFor(UnderWay request) {
    return slip == Slip.OLD_POLICY ? request.rulesAtFirst : rules.get(request.asked.tenant());
  }

  private PolicyAction actionOn(WorkPath path) {
    return path == WorkPath.PREWARM && slip != Slip.PREWARM_AS_INFER
        ? PolicyAction.PREWARM
        : PolicyAction.INFER;
  }

  private RouteRequest wanted(
      UnderWay request, WorkPath path, RequestFacts facts, int deadlineMs, int[] tried) {
    boolean unchecked = slip.leavesUnchecked(path);
    List<String> narrowing = facts.jurisdictions();
    SiteSet permitted = unchecked ? null : rulesFor(request).onSites().sites(actionOn(path), facts);
    return new RouteRequest(
        roster.indexOfModel(request.asked.model()),
        request.promptTokens + request.generated,
        path == WorkPath.HANDOVER ? RouterSettings.DEFAULT.meanOutputTokens() : 0,
        blocksOf(request),
        roster.indexOfSite(siteIds.get(request.cell)),
        narrowing == null || unchecked || !coarseFilter ? -1 : roster.jurisdictionBits(narrowing),
        permitted,
        deadlineMs,
        facts.tier(),
        tried);
  }

  /// Asked of the site that was chosen, just before anything is sent there.
  private boolean permits(UnderWay request, WorkPath path, int site, RequestFacts facts) {
    return slip.leavesUnchecked(path)
        || rulesFor(request).onSites().permits(actionOn(path), site, facts);
  }

  private PromptBlocks blocksOf(UnderWay request) {
    blocks.reset(request.salt);
    for (int i = 0; i < request.promptTokens / PromptBlocks.BLOCK_TOKENS; i++) {
      blocks.block(i);
    }
    return blocks;
  }

  // ---- what came of it

  private ResidencyOutcome outcome(long seed) {
    var audit = new Audit(tenants, asked);
    var begun = new long[WorkPath.values().length];
    var refusedBySite = new long[WorkPath.values().length];
    var violations = new ArrayList<String>();
    for (Site site : sites) {
      for (SiteRecord written : site.records) {
        (written.begun() ? begun : refusedBySite)[written.path().ordinal()]++;
        audit.violations(written).forEach(what -> violations.add("seed " + seed + ": " + what));
      }
    }
    if (inFlight.leases() != 0) {
      throw new IllegalStateException(
          "seed " + seed + ": " + inFlight.leases() + " charges stay after the last request");
    }
    return new ResidencyOutcome(
        asked.size(),
        Arrays.stream(begun).boxed().toList(),
        Arrays.stream(refusedBySite).boxed().toList(),
        refused,
        policyChanges,
        caughtLate,
        violations);
  }
}
