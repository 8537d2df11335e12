package org.aigrid.bench.twin;

import java.util.Arrays;
import org.aigrid.bench.twin.ToyWorkload.Played;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.StepModel;
import org.aigrid.twin.engine.SharedEngine;
import org.aigrid.twin.time.RadixHeap;

/// The toy workload in the twin's engines and queue: a pass of n sequences takes n ms, so sequences
/// share the server, and a second of work is a thousand tokens.
final class OwnToy implements SharedEngine.Listener {
  private static final EngineProfile SHARING =
      new EngineProfile(new StepModel(0, 1e-9, 1, 0), 1_000_000, 1_000_000, Integer.MAX_VALUE);

  private final ToyWorkload toy;
  private double insideMs;

  private OwnToy(ToyWorkload toy) {
    this.toy = toy;
  }

  static Played play(ToyWorkload toy) {
    return new OwnToy(toy).run();
  }

  private Played run() {
    long began = System.nanoTime();
    var engines = new SharedEngine[toy.servers()];
    long[] due = new long[engines.length];
    Arrays.fill(due, -1);
    for (int i = 0; i < engines.length; i++) {
      engines[i] = new SharedEngine(SHARING, 1);
    }
    var events = new RadixHeap();
    int next = 0;
    events.add(RadixHeap.key(tick(1_000 * toy.arrivalS()[0]), engines.length));
    while (!events.isEmpty()) {
      long key = events.take();
      long tick = RadixHeap.tick(key);
      int subject = RadixHeap.subject(key);
      double nowMs = tick / 1e3;
      int engine = subject;
      if (subject == engines.length) {
        engine = toy.server()[next];
        engines[engine].advance(nowMs, this);
        int tokens = (int) Math.max(2, Math.round(1_000 * toy.workS()[next])) + 1;
        engines[engine].add(next++, 1, 0, tokens);
        if (next < toy.requests()) {
          events.add(
              RadixHeap.key(Math.max(tick, tick(1_000 * toy.arrivalS()[next])), engines.length));
        }
      } else if (due[subject] == tick) {
        due[subject] = -1;
        engines[subject].advance(nowMs, this);
      } else {
        continue;
      }
      double nextMs = engines[engine].nextMs();
      if (!Double.isInfinite(nextMs)) {
        long at = Math.max(tick + 1, tick(nextMs));
        if (at != due[engine]) {
          due[engine] = at;
          events.add(RadixHeap.key(at, engine));
        }
      }
    }
    return new Played((System.nanoTime() - began) / 1e9, insideMs / 1_000 / toy.requests());
  }

  private static long tick(double ms) {
    return (long) Math.ceil(ms * 1e3);
  }

  @Override
  public void firstToken(int request, double atMs) {}

  @Override
  public void end(int request, int heldTokens, double atMs) {
    insideMs += atMs - 1_000 * toy.arrivalS()[request];
  }
}
