package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewBuilder;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;
import org.aigrid.core.view.Roster;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.engine.SharedEngine;
import org.aigrid.twin.time.RadixHeap;

/// One play: requests are routed by what the last reports said, travel half a round trip, share
/// their engine, and travel back. The decisions are core's own; here are time, network and engines.
///
/// Deterministic: one thread, integer ticks, all draws made beforehand or from one seeded source.
/// An engine has one event in the queue that counts; older ones are known by their tick and
/// skipped. Three to five events a request, less than a microsecond each, and a report of all sites
/// each `heartbeatMs`.
public final class Play implements SharedEngine.Listener {
  private static final double TICKS_PER_MS = 1_000;
  private static final int LEASE_MS = 60_000;
  private static final int IN_FLIGHT_MAX = 1 << 20;
  private static final long NEVER = -1;

  private final Demand demand;
  private final PlaySettings settings;
  private final Policy policy;
  private final List<SiteSpec> sites;
  private final GridViewBuilder builder =
      new GridViewBuilder(new GridViewSettings(GridViewSettings.DEFAULT.leaseMsLeast(), LEASE_MS));
  private final InFlight inFlight = new InFlight(IN_FLIGHT_MAX);
  private final Chooser chooser;
  private final Tally tally;
  private final RadixHeap events = new RadixHeap();
  private final Roster roster;
  private final SharedEngine[] engines;
  private final long[] dueTick;

  // What an event may be about, beside engines: the next arrival, a report, a request that arrives
  // at
  // its site.
  private final int arrivalSubject;
  private final int reportSubject;
  private final int firstRequestSubject;

  private GridView view;
  private int nextRequest;
  private long sequence;
  private long played;
  private long inside;

  // By number of the request.
  private final int[] endpointOf;
  private final long[] leaseOf;
  private final double[] halfTripMs;
  private final double[] firstTokenMs;

  private Play(Country country, Demand demand, Policy policy, PlaySettings settings, long seed) {
    this.demand = demand;
    this.settings = settings;
    this.policy = policy;
    sites = country.sites();
    builder.registerAll(sites);
    view = builder.snapshot(0);
    roster = view.roster();
    engines = new SharedEngine[roster.endpointCount()];
    for (int e = 0; e < engines.length; e++) {
      engines[e] = new SharedEngine(roster.profile(e), roster.replicas(e));
    }
    dueTick = new long[engines.length];
    Arrays.fill(dueTick, NEVER);
    chooser = new Chooser(policy, settings.router(), inFlight, seed);
    tally = new Tally(demand.services());
    arrivalSubject = engines.length;
    reportSubject = engines.length + 1;
    firstRequestSubject = engines.length + 2;
    int requests = demand.requests().size();
    if (firstRequestSubject + requests > RadixHeap.SUBJECT_MAX) {
      throw new IllegalArgumentException(
          requests
              + " requests at "
              + engines.length
              + " endpoints are too many for one play (expected: at most "
              + RadixHeap.SUBJECT_MAX
              + " together)");
    }
    endpointOf = new int[requests];
    leaseOf = new long[requests];
    halfTripMs = new double[requests];
    firstTokenMs = new double[requests];
  }

  /// Plays until the last request is answered.
  public static Outcome of(
      Country country, Demand demand, Policy policy, PlaySettings settings, long seed) {
    return new Play(country, demand, policy, settings, seed).run();
  }

  private Outcome run() {
    report(0);
    scheduleArrival();
    while (!events.isEmpty()) {
      long key = events.take();
      long tick = RadixHeap.tick(key);
      int subject = RadixHeap.subject(key);
      double nowMs = tick / TICKS_PER_MS;
      if (subject < engines.length) {
        if (dueTick[subject] != tick) {
          continue; // its engine has changed since
        }
        engines[subject].advance(nowMs, this);
        schedule(subject, tick);
      } else if (subject == arrivalSubject) {
        arrive(nowMs);
      } else if (subject == reportSubject) {
        report(tick);
      } else {
        deliver(subject - firstRequestSubject, nowMs, tick);
      }
      played++;
    }
    return tally.outcome(policy, played, inside);
  }

  private void scheduleArrival() {
    if (nextRequest < demand.requests().size()) {
      long tick = ticks(demand.requests().get(nextRequest).atMs());
      events.add(RadixHeap.key(tick, arrivalSubject));
    }
  }

  private static long ticks(double ms) {
    return (long) Math.ceil(ms * TICKS_PER_MS);
  }

  private void arrive(double nowMs) {
    int number = nextRequest++;
    Demand.Request request = demand.requests().get(number);
    scheduleArrival();
    if (counts(request)) {
      tally.arrived(request.service());
    }
    int endpoint = chooser.choose(view, request.site(), request.promptTokens(), (long) nowMs);
    if (endpoint == Chooser.NOWHERE) {
      if (counts(request)) {
        tally.refused(request.service());
      }
      return;
    }
    inside++;
    endpointOf[number] = endpoint;
    leaseOf[number] =
        inFlight.charge(endpoint, request.promptTokens(), (long) nowMs + LEASE_MS * 60L);
    halfTripMs[number] = settings.router().roundTrips().ms(roster, request.site(), endpoint) / 2;
    events.add(RadixHeap.key(ticks(nowMs + halfTripMs[number]), firstRequestSubject + number));
  }

  private void deliver(int number, double nowMs, long tick) {
    Demand.Request request = demand.requests().get(number);
    int endpoint = endpointOf[number];
    engines[endpoint].advance(nowMs, this);
    engines[endpoint].add(number, request.promptTokens(), 0, request.outputTokens());
    schedule(endpoint, tick);
  }

  private void schedule(int endpoint, long nowTick) {
    double nextMs = engines[endpoint].nextMs();
    if (Double.isInfinite(nextMs)) {
      dueTick[endpoint] = NEVER;
      return;
    }
    long tick = Math.max(nowTick, ticks(nextMs));
    if (tick != dueTick[endpoint]) {
      dueTick[endpoint] = tick;
      events.add(RadixHeap.key(tick, endpoint));
    }
  }

  @Override
  public void firstToken(int number, double atMs) {
    inFlight.firstToken(leaseOf[number]);
    firstTokenMs[number] = atMs + halfTripMs[number];
  }

  @Override
  public void end(int number, double atMs) {
    inside--;
    inFlight.end(leaseOf[number]);
    Demand.Request request = demand.requests().get(number);
    if (counts(request)) {
      tally.finished(
          request.service(),
          roster.tierOfEndpoint(endpointOf[number]),
          firstTokenMs[number] - request.atMs(),
          atMs + halfTripMs[number] - request.atMs(),
          request.outputTokens());
    }
  }

  private boolean counts(Demand.Request request) {
    return request.atMs() >= settings.warmupMs();
  }

  /// All sites say how loaded they are, and the next report is due while there is something to say.
  private void report(long tick) {
    double nowMs = tick / TICKS_PER_MS;
    for (int s = 0; s < sites.size(); s++) {
      int site = roster.indexOfSite(sites.get(s).id());
      var loads = new ArrayList<EndpointLoad>();
      for (int e = roster.firstEndpoint(site); e < roster.endpointsEnd(site); e++) {
        SharedEngine engine = engines[e];
        engine.advance(nowMs, this);
        loads.add(
            new EndpointLoad(
                roster.endpointSpec(e).model().name(),
                (int) engine.queuedTokens(),
                engine.waiting(),
                engine.running(),
                (int) engine.contextTokens(),
                0));
      }
      builder.apply(
          new Heartbeat(
              sites.get(s).id(), ++sequence, LEASE_MS, AdmissionState.NEW_AND_EXISTING, loads),
          (long) nowMs);
    }
    view = builder.snapshot((long) nowMs);
    if (nextRequest < demand.requests().size()) {
      events.add(RadixHeap.key(tick + settings.heartbeatMs() * (long) TICKS_PER_MS, reportSubject));
    }
  }
}
