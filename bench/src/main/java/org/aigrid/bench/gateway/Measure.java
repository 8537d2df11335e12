package org.aigrid.bench.gateway;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aigrid.bench.load.LoadGenerator;
import org.aigrid.bench.load.LoadPlan;
import org.aigrid.bench.load.LoadResult;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.ThreadCosts;
import org.jspecify.annotations.Nullable;

/// Loads the arms in turn and collects what came out. One thread.
///
/// @param arms in the order in which each round goes through them
/// @param generator the process that makes the load
/// @param wrk the program, or null to take requests/s from the generator too
/// @param folder for files of the run
/// @param rounds how often each arm is measured
/// @param millis how long one measurement takes
/// @param syncs whether the gateway arm listens to its journal's disk
/// @param heard what it heard in each round without streams, in words
record Measure(
    List<Arm> arms,
    LoadGenerator generator,
    @Nullable Path wrk,
    Path folder,
    int rounds,
    int millis,
    boolean syncs,
    List<String> heard) {
  /// The key that the load sends; the gateway arm knows it.
  static final String KEY = "sk-bench";

  private static final int WARM_CONNECTIONS = 16;
  private static final int WARM_FRAMES = 16;

  Measure {
    arms = List.copyOf(arms);
  }

  Measure(
      List<Arm> arms,
      LoadGenerator generator,
      @Nullable Path wrk,
      Path folder,
      int rounds,
      int millis,
      boolean syncs) {
    this(arms, generator, wrk, folder, rounds, millis, syncs, new ArrayList<>());
  }

  /// Lets every JVM compile its hot paths: both kinds of request through every arm.
  void warmUp(int seconds) {
    for (Arm arm : arms) {
      int half = Math.max(1, seconds * 500);
      generator.run(plan(arm, WARM_CONNECTIONS, 0, 0, half));
      generator.run(plan(arm, WARM_CONNECTIONS, WARM_FRAMES, 0, half));
    }
  }

  /// One JSON answer a request.
  Series plain(List<Integer> concurrencies) {
    return series(concurrencies, this::heardSample);
  }

  /// Streams of `frames` frames, `paceMicros` apart.
  Series streamed(List<Integer> concurrencies, int frames, int paceMicros) {
    return series(
        concurrencies, (arm, connections) -> sample(arm, connections, frames, paceMicros));
  }

  private interface Sampler {
    Sample sample(Arm arm, int connections);
  }

  private Series series(List<Integer> concurrencies, Sampler sampler) {
    var series = new Series();
    for (int connections : concurrencies) {
      for (int round = 0; round < rounds; round++) {
        for (Arm arm : arms) {
          series.add(connections, arm.name(), sampler.sample(arm, connections));
        }
      }
      System.err.println("  concurrency " + connections + " done");
    }
    return series;
  }

  private Sample heardSample(Arm arm, int connections) {
    ChildProcess process = syncs && arm.name().equals(Arm.GATEWAY) ? arm.process() : null;
    if (process == null) {
      return plainSample(arm, connections);
    }
    String _ = process.ask("syncs", 30); // of what was before
    Sample sample = plainSample(arm, connections);
    heard.add(
        String.format(
            Locale.ROOT,
            "c=%d, %,.0f requests: %s",
            connections,
            sample.partAnswers(),
            process.ask("syncs", 30)));
    return sample;
  }

  /// Latency from the generator; rate and CPU under `wrk`, which leaves more of the machine free.
  private Sample plainSample(Arm arm, int connections) {
    Sample ours = sample(arm, connections, 0, 0);
    if (wrk == null) {
      return ours;
    }
    long before = arm.cost().cpuMicros();
    var body = plan(arm, connections, 0, 0, millis).body();
    Wrk.Result result =
        Wrk.run(wrk, folder, arm, KEY, body, connections, Math.max(1, millis / 1_000));
    double cpuMicros = perAnswer(arm.cost().cpuMicros() - before, result.requests());
    return new Sample(
        result.perSecond(),
        cpuMicros,
        arm.cost().rssBytes(),
        ours.errors() + result.errors(),
        ours.load(),
        ours.parts(),
        ours.partAnswers());
  }

  private Sample sample(Arm arm, int connections, int frames, int paceMicros) {
    long before = arm.cost().cpuMicros();
    ThreadCosts partsBefore = arm.parts();
    LoadResult load = generator.run(plan(arm, connections, frames, paceMicros, millis));
    var after = arm.cost();
    ThreadCosts parts = arm.parts().since(partsBefore);
    // The generator settles before it counts; CPU of that time is shared out with the rest.
    double measured = load.seconds() / (load.seconds() + LoadGenerator.SETTLE_MILLIS / 1e3);
    double cpuMicros = perAnswer((after.cpuMicros() - before) * measured, load.requests());
    return new Sample(
        load.perSecond(),
        cpuMicros,
        after.rssBytes(),
        load.errors(),
        load,
        parts,
        load.requests() / measured);
  }

  private static double perAnswer(double cpuMicros, long answers) {
    return answers == 0 ? 0 : cpuMicros / answers;
  }

  private static LoadPlan plan(Arm arm, int connections, int frames, int paceMicros, int millis) {
    return new LoadPlan(
        "127.0.0.1",
        frames == 0 ? arm.port() : arm.streamPort(),
        KEY,
        connections,
        millis,
        frames,
        paceMicros,
        1,
        0,
        1);
  }
}
