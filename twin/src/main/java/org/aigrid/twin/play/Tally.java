package org.aigrid.twin.play;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.demand.Service;

/// Counts what happens to requests. One thread.
final class Tally {
  private final List<Service> services;
  private final long[] requests;
  private final long[] refused;
  private final long[] within;
  private final double[][] ttftMs;
  private final double[][] latencyMs;
  private final int[] finished;
  private final long[] byTier = new long[Tier.values().length];

  Tally(List<Service> services) {
    this.services = services;
    int count = services.size();
    requests = new long[count];
    refused = new long[count];
    within = new long[count];
    ttftMs = new double[count][64];
    latencyMs = new double[count][64];
    finished = new int[count];
  }

  void arrived(int service) {
    requests[service]++;
  }

  void refused(int service) {
    refused[service]++;
  }

  void finished(int service, Tier tier, double ttft, double latency, int outputTokens) {
    if (finished[service] == ttftMs[service].length) {
      ttftMs[service] = Arrays.copyOf(ttftMs[service], 2 * finished[service]);
      latencyMs[service] = Arrays.copyOf(latencyMs[service], 2 * finished[service]);
    }
    ttftMs[service][finished[service]] = ttft;
    latencyMs[service][finished[service]++] = latency;
    byTier[tier.ordinal()]++;
    Service kind = services.get(service);
    double tpot = outputTokens > 1 ? (latency - ttft) / (outputTokens - 1) : 0;
    within[service] += ttft <= kind.ttftMsMax() && tpot <= kind.tpotMsMax() ? 1 : 0;
  }

  Outcome outcome(Policy policy, long events, long unfinished) {
    var byService = new ArrayList<Outcome.ServiceOutcome>();
    for (int i = 0; i < services.size(); i++) {
      double[] ttft = Arrays.copyOf(ttftMs[i], finished[i]);
      double[] latency = Arrays.copyOf(latencyMs[i], finished[i]);
      Arrays.sort(ttft);
      Arrays.sort(latency);
      byService.add(
          new Outcome.ServiceOutcome(
              services.get(i).name(),
              requests[i],
              refused[i],
              within[i],
              percentile(ttft, 50),
              percentile(ttft, 90),
              percentile(ttft, 99),
              percentile(latency, 50),
              percentile(latency, 99)));
    }
    return new Outcome(
        policy,
        Arrays.stream(requests).sum(),
        Arrays.stream(refused).sum(),
        List.copyOf(byService),
        Arrays.stream(byTier).boxed().toList(),
        events,
        unfinished);
  }

  private static double percentile(double[] sorted, int percent) {
    return sorted.length == 0
        ? 0
        : sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
  }
}
