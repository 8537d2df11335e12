package org.aigrid.twin.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.StepModel;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/// Engines so simple that queueing theory knows their answers.
class ClosedFormsTest {
  private static final int REQUESTS = 200_000;

  private static double exponential(SplittableRandom random, double mean) {
    return -mean * Math.log(1 - random.nextDouble());
  }

  /// A prompt token takes 1 ms, a request has one output token: a single server, first come first
  /// served.
  private static final EngineProfile PREFILL_ONLY =
      new EngineProfile(new StepModel(0, 1, 0, 0), 1_000_000, 1, 100_000_000);

  private static List<Arrival> arrivals(
      long seed, double meanGapMs, boolean exponentialWork, double meanTokens, boolean prompt) {
    var random = new SplittableRandom(seed);
    var arrivals = new ArrayList<Arrival>();
    double at = 0;
    for (int i = 0; i < REQUESTS; i++) {
      at += exponential(random, meanGapMs);
      double work = exponentialWork ? exponential(random, meanTokens) : meanTokens;
      int tokens = (int) Math.max(1, Math.round(work));
      arrivals.add(prompt ? new Arrival(at, tokens, 0, 1) : new Arrival(at, 1, 0, tokens + 1));
    }
    return arrivals;
  }

  private static double meanLatencyMs(Timing[] timings) {
    return Arrays.stream(timings).mapToDouble(Timing::latencyMs).average().orElseThrow();
  }

  @Test
  void waitingForPrefillIsThatOfMm1AndMd1() {
    for (double load : new double[] {0.3, 0.6, 0.8}) {
      double service = 1_000;
      double mm1 = service / (1 - load);
      double md1 = service * (1 + load / (2 * (1 - load)));
      assertThat(meanLatencyMs(play(arrivals(1, service / load, true, service, true))))
          .as("M/M/1 at %s", load)
          .isCloseTo(mm1, Percentage.withPercentage(4));
      assertThat(meanLatencyMs(play(arrivals(2, service / load, false, service, true))))
          .as("M/D/1 at %s", load)
          .isCloseTo(md1, Percentage.withPercentage(3));
    }
  }

  private static Timing[] play(List<Arrival> arrivals) {
    return SharedLevel.play(PREFILL_ONLY, 1, arrivals);
  }

  @Test
  void decodingIsProcessorSharing() {
    // A pass takes 1 ms for each sequence: n sequences get 1/n tokens per ms each.
    var profile = new EngineProfile(new StepModel(0, 1e-9, 1, 0), 1_000_000, 100_000, 100_000_000);
    double service = 1_000;
    for (double load : new double[] {0.3, 0.7}) {
      for (boolean exponentialWork : new boolean[] {true, false}) { // insensitive to the law
        var timings =
            SharedLevel.play(
                profile, 1, arrivals(3, service / load, exponentialWork, service, false));
        assertThat(meanLatencyMs(timings))
            .as("M/G/1-PS at %s", load)
            .isCloseTo(service / (1 - load), Percentage.withPercentage(4));
      }
    }
  }

  @Test
  void placesAreTheServersOfMmc() {
    // A pass takes 1 ms however many sequences it has: each place is a server.
    int servers = 4;
    var profile = new EngineProfile(new StepModel(1, 1e-9, 0, 0), 1_000_000, servers, 100_000_000);
    double service = 1_000;
    for (double load : new double[] {0.5, 0.8}) {
      double offered = load * servers;
      var timings =
          SharedLevel.play(profile, 1, arrivals(4, service / offered, true, service, false));
      double wait = erlangC(servers, offered) * service / (servers - offered);
      assertThat(meanLatencyMs(timings))
          .as("M/M/4 at %s", load)
          .isCloseTo(service + wait, Percentage.withPercentage(4));
    }
  }

  private static double erlangC(int servers, double offered) {
    double term = 1;
    double sum = 1;
    for (int k = 1; k < servers; k++) {
      term *= offered / k;
      sum += term;
    }
    double all = term * offered / servers * servers / (servers - offered);
    return all / (sum + all);
  }

  @Test
  void littlesLawHolds() {
    List<Arrival> arrivals = arrivals(5, 1_500, true, 1_000, true);
    Timing[] timings = play(arrivals);
    double endMs = Arrays.stream(timings).mapToDouble(Timing::lastTokenMs).max().orElseThrow();
    double inside = Arrays.stream(timings).mapToDouble(Timing::latencyMs).sum() / endMs;
    double arrivalRate = timings.length / endMs;
    assertThat(inside)
        .isCloseTo(arrivalRate * meanLatencyMs(timings), Percentage.withPercentage(0.001));
  }
}
