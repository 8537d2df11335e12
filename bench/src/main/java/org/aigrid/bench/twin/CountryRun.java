package org.aigrid.bench.twin;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.aigrid.config.Overrides;
import org.aigrid.twin.play.Outcome;
import org.aigrid.twin.play.Play;
import org.aigrid.twin.scenario.Scenario;
import org.aigrid.twin.scenario.ScenarioException;
import org.aigrid.twin.scenario.ScenarioFile;

/// One play in a process of its own, so that its memory is its own. Prints one line: requests,
/// events, seconds to build, seconds to play, seconds of both cores, peak heap in MiB, share that
/// met its objectives.
final class CountryRun {
  private CountryRun() {}

  public static void main(String[] arguments) throws IOException, ScenarioException {
    int threads = Integer.parseInt(arguments[1]);
    Map<String, String> changes = new LinkedHashMap<>();
    for (int i = 2; i < arguments.length; i++) {
      Map.Entry<String, String> change = Overrides.split(arguments[i]);
      changes.put(change.getKey(), change.getValue());
    }
    long began = System.nanoTime();
    Scenario scenario = ScenarioFile.read(Path.of(arguments[0]), changes);
    long built = System.nanoTime();
    Outcome outcome =
        Play.of(
            scenario.country(),
            scenario.demand(),
            scenario.settings(),
            scenario.incidents(),
            scenario.seed(),
            threads,
            Play.Progress.NONE);
    long played = System.nanoTime();
    long peak = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      peak += pool.getType() == MemoryType.HEAP ? pool.getPeakUsage().getUsed() : 0;
    }
    System.out.printf(
        Locale.ROOT,
        "RESULT %d %d %.3f %.3f %d %.5f%n",
        outcome.arrived(),
        outcome.events(),
        (built - began) / 1e9,
        (played - built) / 1e9,
        peak >> 20,
        outcome.ends().attainment());
  }
}
