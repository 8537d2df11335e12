package org.aigrid.live.up;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.aigrid.live.radio.BatchJobs;
import org.aigrid.live.site.SharedGpu;
import org.aigrid.live.topology.RadioPlan;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SharedGpusTest {
  @Test
  void aJobThatATopologyNamesIsStoppedUntilAiHasWhatItNeeds(@TempDir Path folder) throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/stat")), "needs the /proc of Linux");
    Path file = folder.resolve("t.toml");
    Files.writeString(
        file,
        """
        name = "one"
        [[site]]
        id = "cell-a"
        tier = "cell"
        region = "r"
        jurisdiction = "JP"
        operator = "o"
        latitude = 35.0
        longitude = 139
        endpoints = [{ model = "llama-3.2-1b", accelerator = "L4" }]
        [site.radio.jobs]
        pid-file = "{site}.pid"
        group = false
        needs = 0.4
        calm-s = 0
        """);
    Process job = new ProcessBuilder("sleep", "300").start();
    try {
      Files.writeString(folder.resolve("cell-a.pid"), job.pid() + "\n");
      RadioPlan plan = TopologyFile.read(file).sites().getFirst().radio();
      try (SharedGpu gpu = requireNonNull(SharedGpus.of(plan, "cell-a"))) {
        awaitStopped(job, true);
        gpu.split().give(0.4);
        awaitStopped(job, false);
        gpu.split().give(0.39);
        awaitStopped(job, true);
      }
      awaitStopped(job, false);
    } finally {
      job.destroyForcibly().waitFor();
    }
  }

  @Test
  void eachSignalThatATopologyMayNameCanBeSent() {
    assertThat(Arrays.stream(BatchJobs.Signal.values()).map(Enum::name))
        .containsExactlyInAnyOrderElementsOf(RadioPlan.Jobs.SIGNALS);
  }

  private static void awaitStopped(Process job, boolean stopped)
      throws IOException, InterruptedException {
    long giveUp = System.nanoTime() + 20_000_000_000L;
    while (isStopped(job) != stopped) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError((stopped ? "runs" : "is stopped") + " for 20 s");
      }
      Thread.sleep(2);
    }
  }

  private static boolean isStopped(Process job) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(job.pid()), "stat"));
    return stat.charAt(stat.lastIndexOf(')') + 2) == 'T';
  }
}
