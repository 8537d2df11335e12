package org.aigrid.twin.demand;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.twin.country.Country;

/// All requests of a play, in order of time, the same for every policy that is compared. Arrivals
/// are a Gamma renewal process in operational time: bursts as in production traces, at a rate that
/// may change. Immutable once drawn.
///
/// @param requests in order of time
/// @param services what they are
/// @param durationMs how long people ask
public record Demand(List<Request> requests, List<Service> services, double durationMs) {
  /// One request.
  ///
  /// @param atMs when its caller sends it
  /// @param service index of its service
  /// @param site index of the site whose cell its caller is in
  public record Request(double atMs, int service, int site, int promptTokens, int outputTokens) {}

  /// A crowd that comes and goes.
  ///
  /// @param fromMs when it begins
  /// @param toMs when it ends
  /// @param site index of the site it stands at
  /// @param perSecond requests a second beside the others
  public record Crowd(double fromMs, double toMs, int site, double perSecond) {}

  private static final int PROMPT_TOKENS_MAX = 16_000;
  private static final int OUTPUT_TOKENS_MAX = 4_000;

  /// Chat and search after the lengths of published traces (Azure 2023 conversation; ServeGen's
  /// middle model), and a voice agent, which is short and in a hurry.
  public static final List<Service> SERVICES =
      List.of(
          new Service("chat", 0.6, 1_020, 2_735, 129, 424, 1_000, 50),
          new Service("search", 0.25, 173, 645, 34, 95, 500, 50),
          new Service("voice", 0.15, 300, 900, 40, 90, 200, 40));

  /// Draws requests.
  ///
  /// @param perSecond of the whole country, without crowds
  /// @param burstiness coefficient of variation of the gaps: 1 is Poisson
  public static Demand of(
      Country country,
      double durationMs,
      double perSecond,
      double burstiness,
      List<Crowd> crowds,
      long seed) {
    if (!(durationMs > 0 && perSecond > 0 && burstiness > 0)) {
      throw new IllegalArgumentException(
          "demand: "
              + durationMs
              + " ms at "
              + perSecond
              + "/s with burstiness "
              + burstiness
              + " (expected: above 0 each)");
    }
    double[] upTo = new double[country.people().size()];
    double sum = 0;
    for (int i = 0; i < upTo.length; i++) {
      sum += country.people().get(i);
      upTo[i] = sum;
    }
    var requests = new ArrayList<Request>();
    var root = new SplittableRandom(seed);
    var gaps = root.split();
    var draws = root.split();
    double at = 0;
    while (true) {
      at +=
          gamma(gaps, 1 / (burstiness * burstiness)) * burstiness * burstiness * 1_000 / perSecond;
      if (at >= durationMs) {
        break;
      }
      int found = Arrays.binarySearch(upTo, draws.nextDouble() * sum);
      requests.add(request(draws, at, Math.min(found < 0 ? -found - 1 : found, upTo.length - 1)));
    }
    for (Crowd crowd : crowds) {
      var own = root.split();
      double now = crowd.fromMs();
      while (true) {
        now += -Math.log(1 - own.nextDouble()) * 1_000 / crowd.perSecond();
        if (now >= Math.min(crowd.toMs(), durationMs)) {
          break;
        }
        requests.add(request(own, now, crowd.site()));
      }
    }
    requests.sort((a, b) -> Double.compare(a.atMs(), b.atMs()));
    return new Demand(List.copyOf(requests), SERVICES, durationMs);
  }

  private static Request request(SplittableRandom draws, double atMs, int site) {
    double left = draws.nextDouble();
    int service = 0;
    while (service < SERVICES.size() - 1 && left > SERVICES.get(service).share()) {
      left -= SERVICES.get(service).share();
      service++;
    }
    Service kind = SERVICES.get(service);
    return new Request(
        atMs,
        service,
        site,
        kind.promptTokens(normal(draws), PROMPT_TOKENS_MAX),
        kind.outputTokens(normal(draws), OUTPUT_TOKENS_MAX));
  }

  private static double normal(SplittableRandom random) {
    return Math.sqrt(-2 * Math.log(1 - random.nextDouble()))
        * Math.cos(2 * Math.PI * random.nextDouble());
  }

  /// Gamma with the given shape and scale 1 (Marsaglia and Tsang, 2000).
  private static double gamma(SplittableRandom random, double shape) {
    if (shape < 1) {
      return gamma(random, shape + 1) * Math.pow(1 - random.nextDouble(), 1 / shape);
    }
    double d = shape - 1.0 / 3;
    double c = 1 / Math.sqrt(9 * d);
    while (true) {
      double x = normal(random);
      double v = Math.pow(1 + c * x, 3);
      if (v > 0 && Math.log(1 - random.nextDouble()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }
}
