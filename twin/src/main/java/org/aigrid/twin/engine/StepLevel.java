package org.aigrid.twin.engine;

import java.util.List;
import org.aigrid.core.engine.BatchScheduler;
import org.aigrid.core.engine.EngineProfile;

/// One engine replica, forward pass by forward pass: core's `BatchScheduler` under virtual time. A
/// few microseconds of real time for each pass; for calibration and for sampled sites.
public final class StepLevel {
  private StepLevel() {}

  /// Plays arrivals in order of time until all are answered.
  ///
  /// With asynchronous scheduling, vLLM's default, a pass is put together while the one before it
  /// runs: a request that arrives meanwhile joins the pass after the next.
  ///
  /// @param arrivals in order of time; each fits into the KV cache
  /// @param asynchronous whether passes are put together one ahead
  /// @return what became of each, in the order of arrival
  public static Timing[] play(EngineProfile profile, List<Arrival> arrivals, boolean asynchronous) {
    return play(new Hardware(profile, 1), arrivals, asynchronous, _ -> 1);
  }

  /// What the radio leaves of the GPU, asked for times that never fall.
  public interface Share {
    /// @return above 0, at most 1
    double at(double ms);
  }

  /// The same while a radio takes its share: a pass takes longer by what it has at its beginning.
  public static Timing[] play(
      Hardware hardware, List<Arrival> arrivals, boolean asynchronous, Share share) {
    var scheduler = new BatchScheduler<Integer>(hardware.profile());
    var timings = new Timing[arrivals.size()];
    double[] firstMs = new double[arrivals.size()];
    double[] lastMs = new double[arrivals.size()];
    int arrived = 0;
    double nowMs = 0;
    double seenMs = 0; // arrivals up to here can be in the next pass
    while (arrived < arrivals.size() || !scheduler.idle()) {
      if (scheduler.idle() && arrivals.get(arrived).atMs() > nowMs) {
        nowMs = arrivals.get(arrived).atMs();
        seenMs = nowMs;
      }
      while (arrived < arrivals.size() && arrivals.get(arrived).atMs() <= seenMs) {
        Arrival next = arrivals.get(arrived);
        scheduler.add(arrived, next.promptTokens(), next.cachedTokens(), next.outputTokens());
        arrived++;
      }
      if (scheduler.idle()) {
        seenMs = nowMs;
        continue;
      }
      double left = share.at(nowMs);
      int running = scheduler.running();
      int prompts = hardware.chunkTokens(left, running, scheduler.kvTokens());
      BatchScheduler.Step<Integer> step = scheduler.next(prompts + running);
      double beganMs = nowMs;
      nowMs += step.durationMs() / left;
      for (BatchScheduler.Sequence<Integer> sequence : step.emitted()) {
        int request = sequence.owner();
        if (sequence.generated() == 1) {
          firstMs[request] = nowMs;
        }
        lastMs[request] = nowMs;
      }
      seenMs = asynchronous ? beganMs : nowMs;
    }
    for (int i = 0; i < timings.length; i++) {
      Arrival arrival = arrivals.get(i);
      timings[i] = new Timing(arrival.atMs(), firstMs[i], lastMs[i], arrival.outputTokens());
    }
    return timings;
  }
}
