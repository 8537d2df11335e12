package org.aigrid.twin.engine;

import java.util.List;
import org.aigrid.core.engine.EngineProfile;

/// One endpoint alone, request by request: a `SharedEngine` fed with arrivals.
public final class SharedLevel {
  private SharedLevel() {}

  /// Plays arrivals in order of time until all are answered.
  ///
  /// @return what became of each, in the order of arrival
  public static Timing[] play(EngineProfile profile, int replicas, List<Arrival> arrivals) {
    var engine = new SharedEngine(profile, replicas);
    double[] firstMs = new double[arrivals.size()];
    double[] lastMs = new double[arrivals.size()];
    var listener =
        new SharedEngine.Listener() {
          @Override
          public void firstToken(int request, double atMs) {
            firstMs[request] = atMs;
          }

          @Override
          public void end(int request, int heldTokens, double atMs) {
            lastMs[request] = atMs;
          }
        };
    for (int i = 0; i < arrivals.size(); i++) {
      Arrival next = arrivals.get(i);
      engine.advance(next.atMs(), listener);
      engine.add(i, next.promptTokens(), next.cachedTokens(), next.outputTokens());
    }
    while (engine.running() + engine.waiting() > 0) {
      engine.advance(engine.nextMs(), listener);
    }
    var timings = new Timing[arrivals.size()];
    for (int i = 0; i < timings.length; i++) {
      Arrival arrival = arrivals.get(i);
      timings[i] = new Timing(arrival.atMs(), firstMs[i], lastMs[i], arrival.outputTokens());
    }
    return timings;
  }
}
