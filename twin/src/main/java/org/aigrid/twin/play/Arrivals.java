package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.demand.Demand;
import org.aigrid.twin.demand.Gaps;
import org.aigrid.twin.demand.Places;
import org.aigrid.twin.demand.Script;
import org.aigrid.twin.demand.Service;
import org.jspecify.annotations.Nullable;

/// Who asks next in one region. Each service is a Gamma renewal process of its own whose rate
/// follows the day, the people who are in the region at that time, and what happens; crowds are
/// streams beside them. Drawn a window at a time: who knows all requests of a window at once can
/// have memory fetch what they need together. One thread; some 50 ns a request.
final class Arrivals {
  private static final double DAY_MS = 86_400_000;
  private static final double RATE_STEP_MS = 10_000;

  private final List<Service> services;
  private final Demand demand;
  private final List<Incident.Surge> surges = new ArrayList<>();
  private final double beginMs;
  private final double durationMs;
  private final Places homes;
  private final Places offices;
  private final double residentsShare; // of the country
  private final double workersShare;
  private final double[] servicesUpTo;
  private final List<Stream> streams = new ArrayList<>();
  private Stream due;

  // Drawn and not taken; the last taken lies before `first`.
  private int first;
  private int drawn;
  private double[] atMs = new double[16];
  private int[] serviceOf = new int[16];
  private int[] siteOf = new int[16];
  private SplittableRandom[] drawsOf = new SplittableRandom[16];
  private Places[] placesOf = new Places[16]; // where they are drawn from, until they are
  private long[] bitsOf = new long[16];
  private int touched;
  private int[] promptOf = new int[16]; // 0: to be drawn
  private int[] outputOf = new int[16];

  // Given instead of drawn.
  private final List<Script.Request> script;
  private int nextOfScript;

  private static final class Stream {
    final int service; // or -1: any, as a crowd has
    final Incident.@Nullable Crowd crowd;
    final double crowdPerMs;
    final @Nullable Places places;
    final Gaps gaps;
    final SplittableRandom gapDraws;
    final SplittableRandom siteDraws;
    final SplittableRandom draws;
    double nextMs;
    double rate;
    double stepEndMs;
    double atOffice; // share of its callers who are at work

    Stream(
        int service,
        Incident.@Nullable Crowd crowd,
        double crowdPerMs,
        @Nullable Places places,
        Gaps gaps,
        SplittableRandom random) {
      this.service = service;
      this.crowd = crowd;
      this.crowdPerMs = crowdPerMs;
      this.places = places;
      this.gaps = gaps;
      gapDraws = random.split();
      siteDraws = random.split();
      draws = random.split();
    }
  }

  Arrivals(
      Layout layout,
      int region,
      PlaySettings settings,
      List<Incident> incidents,
      Script script,
      long seed) {
    demand = layout.demand;
    services = demand.services();
    beginMs = settings.beginMs();
    durationMs = settings.durationMs();
    Country country = layout.country;
    String name = country.regions().get(region).name();
    var cells = new ArrayList<Integer>();
    double allResidents = 0;
    double allWorkers = 0;
    for (int i = 0; i < country.places().size(); i++) {
      Country.Place place = country.places().get(i);
      allResidents += place.residents();
      allWorkers += place.workers();
      if (place.spec().tier() == Tier.CELL && place.spec().region().equals(name)) {
        cells.add(i);
      }
    }
    double[] residents = weights(country, cells, true);
    double[] workers = weights(country, cells, false);
    int[] sites = cells.stream().mapToInt(Integer::intValue).toArray();
    double residentsSum = sum(residents);
    double workersSum = sum(workers);
    homes = new Places(sites, residentsSum > 0 ? residents : ones(sites.length));
    offices = new Places(sites, workersSum > 0 ? workers : ones(sites.length));
    residentsShare = residentsSum / allResidents;
    workersShare = workersSum / allWorkers;
    servicesUpTo = new double[services.size()];
    double upTo = 0;
    for (int i = 0; i < services.size(); i++) {
      upTo += services.get(i).share();
      servicesUpTo[i] = upTo;
    }
    this.script =
        script.requests().stream()
            .filter(r -> country.places().get(r.site()).spec().region().equals(name))
            .toList();
    var root = new SplittableRandom(seed);
    for (int i = 0; i < services.size() && script.requests().isEmpty(); i++) {
      streams.add(
          new Stream(i, null, 0, null, layout.gaps(services.get(i).burstiness()), root.split()));
    }
    for (Incident incident : incidents) {
      if (incident instanceof Incident.Surge surge
          && (surge.regions().isEmpty() || surge.regions().contains(name))) {
        surges.add(surge);
      }
      if (incident instanceof Incident.Crowd crowd) {
        addCrowd(country, cells, crowd, layout.gaps(1), root.split());
      }
    }
    if (streams.isEmpty()) { // a stream that never sends, so that there is one
      streams.add(new Stream(0, null, 0, null, layout.gaps(1), root.split()));
      streams.getFirst().nextMs = Double.POSITIVE_INFINITY;
    } else {
      streams.forEach(this::advance);
    }
    due = streams.getFirst();
    findDue();
  }

  private static double[] weights(Country country, List<Integer> cells, boolean residents) {
    return cells.stream()
        .map(country.places()::get)
        .mapToDouble(place -> residents ? place.residents() : place.workers())
        .toArray();
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  private static double[] ones(int count) {
    double[] ones = new double[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private void addCrowd(
      Country country,
      List<Integer> cells,
      Incident.Crowd crowd,
      Gaps gaps,
      SplittableRandom random) {
    double everywhere = 0;
    for (Country.Place place : country.places()) {
      if (place.spec().tier() == Tier.CELL && within(crowd, place)) {
        everywhere++;
      }
    }
    int[] here =
        cells.stream()
            .mapToInt(Integer::intValue)
            .filter(cell -> within(crowd, country.places().get(cell)))
            .toArray();
    if (here.length > 0) {
      double perMs = crowd.perSecond() / 1_000 * here.length / everywhere;
      streams.add(new Stream(-1, crowd, perMs, new Places(here, ones(here.length)), gaps, random));
    }
  }

  static boolean within(Incident.Crowd crowd, Country.Place place) {
    return crowd.centre().distanceKm(place.spec().position()) <= crowd.radiusKm();
  }

  /// Draws all requests that are sent before `untilMs`; those drawn before must have been taken.
  void drawUntil(double untilMs) {
    first = 0;
    drawn = 0;
    while (due.nextMs < untilMs) {
      draw(due);
      advance(due);
      findDue();
    }
    for (int i = 0; i < drawn; i++) {
      touched += placesOf[i].touch(bitsOf[i]);
    }
    for (int i = 0; i < drawn; i++) {
      siteOf[i] = placesOf[i].place(bitsOf[i]);
    }
    while (nextOfScript < script.size() && script.get(nextOfScript).atMs() < untilMs) {
      Script.Request request = script.get(nextOfScript++);
      grow();
      atMs[drawn] = request.atMs();
      serviceOf[drawn] = request.service();
      siteOf[drawn] = request.site();
      drawsOf[drawn] = due.draws;
      promptOf[drawn] = request.promptTokens();
      outputOf[drawn++] = request.outputTokens();
    }
  }

  private void grow() {
    if (drawn == atMs.length) {
      atMs = Arrays.copyOf(atMs, 2 * drawn);
      serviceOf = Arrays.copyOf(serviceOf, 2 * drawn);
      siteOf = Arrays.copyOf(siteOf, 2 * drawn);
      drawsOf = Arrays.copyOf(drawsOf, 2 * drawn);
      placesOf = Arrays.copyOf(placesOf, 2 * drawn);
      bitsOf = Arrays.copyOf(bitsOf, 2 * drawn);
      promptOf = Arrays.copyOf(promptOf, 2 * drawn);
      outputOf = Arrays.copyOf(outputOf, 2 * drawn);
    }
  }

  private void draw(Stream stream) {
    grow();
    promptOf[drawn] = 0;
    SplittableRandom draws = stream.places == null ? stream.siteDraws : stream.draws;
    int service = stream.service;
    Places places = stream.places;
    if (places != null) {
      double share = draws.nextDouble();
      service = 0;
      while (service < servicesUpTo.length - 1 && share > servicesUpTo[service]) {
        service++;
      }
    } else {
      places = draws.nextDouble() < stream.atOffice ? offices : homes;
    }
    atMs[drawn] = stream.nextMs;
    serviceOf[drawn] = service;
    placesOf[drawn] = places;
    bitsOf[drawn] = draws.nextLong();
    drawsOf[drawn++] = stream.draws;
  }

  /// Share of the country's people who are in this region at most, by night or by day.
  double peopleShare() {
    return Math.max(residentsShare, workersShare);
  }

  /// Requests that were drawn and not taken.
  int waiting() {
    return drawn - first;
  }

  /// Keeps the compiler from leaving out what only fetches memory; means nothing.
  int touched() {
    return touched;
  }

  /// Site of the `i`-th of them.
  int waitingSite(int i) {
    return siteOf[first + i];
  }

  /// When the next of those drawn is sent, in milliseconds since the play began; infinite when all
  /// were taken.
  double nextMs() {
    return first < drawn ? atMs[first] : Double.POSITIVE_INFINITY;
  }

  /// Takes the next request: afterwards `service`, `site` and `draws` tell of it.
  void take() {
    first++;
  }

  /// Service of the last request taken.
  int service() {
    return serviceOf[first - 1];
  }

  /// Site in whose cell its caller is.
  int site() {
    return siteOf[first - 1];
  }

  /// Prompt of the last request taken, or 0 where it is to be drawn.
  int promptTokens() {
    return promptOf[first - 1];
  }

  /// Answer of the last request taken, where its prompt is given.
  int outputTokens() {
    return outputOf[first - 1];
  }

  /// For what else is to be drawn for it.
  SplittableRandom draws() {
    return drawsOf[first - 1];
  }

  private void findDue() {
    for (Stream stream : streams) {
      if (stream.nextMs < due.nextMs) {
        due = stream;
      }
    }
  }

  /// Lets the stream's own time pass to its next request: its rate is held for ten seconds.
  private void advance(Stream stream) {
    double left = stream.gaps.draw(stream.gapDraws);
    while (true) {
      double span = stream.stepEndMs - stream.nextMs;
      if (stream.rate * span > left) {
        stream.nextMs += left / stream.rate;
        return;
      }
      left -= stream.rate * span;
      stream.nextMs = stream.stepEndMs;
      if (stream.nextMs >= durationMs) {
        stream.nextMs = Double.POSITIVE_INFINITY;
        return;
      }
      stream.rate = rate(stream, stream.nextMs);
      stream.stepEndMs = Math.min(durationMs, stream.nextMs + RATE_STEP_MS);
    }
  }

  private double rate(Stream stream, double atMs) {
    if (stream.crowd != null) {
      return stream.crowdPerMs * stream.crowd.strength(atMs);
    }
    Service kind = services.get(stream.service);
    double atWork = demand.commute().atWork(beginMs + atMs);
    double people = residentsShare * (1 - atWork) + workersShare * atWork;
    stream.atOffice = people == 0 ? 0 : workersShare * atWork / people;
    double rate =
        demand.requestsPerDay() * kind.share() / DAY_MS * kind.day().at(beginMs + atMs) * people;
    for (Incident.Surge surge : surges) {
      rate *= 1 + (surge.factor() - 1) * surge.strength(atMs);
    }
    return rate;
  }
}
