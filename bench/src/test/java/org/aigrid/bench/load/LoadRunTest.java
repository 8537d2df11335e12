package org.aigrid.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.mock.MockEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The generator against the mock, both as the processes they are in a benchmark.
class LoadRunTest {
  private static final int FRAMES = 8;

  @TempDir private Path folder = Path.of("");

  @Test
  void countsEveryAnswerAndEveryFrameOfTheMock() {
    int port = ChildProcess.freePort();
    try (var mock =
            ChildProcess.java("mock", folder, List.of(), List.of(), MockEngine.class, port, 2);
        var generator = LoadGenerator.start(folder, List.of())) {
      assertThat(mock.answer(30)).isEqualTo("ready");

      LoadResult plain = generator.run(plan(port, 4, 300, 0, 0, 1, 0));
      assertThat(plain.firstError()).isEqualTo("none");
      assertThat(plain.errors()).isZero();
      assertThat(plain.requests()).isPositive();
      assertThat(plain.latency().count()).isPositive();
      assertThat(plain.firstFrame().count()).isZero();

      LoadResult streamed = generator.run(plan(port, 4, 300, FRAMES, 0, 1, 0));
      assertThat(streamed.errors()).isZero();
      assertThat(streamed.firstFrame().count()).isPositive();

      LoadResult held = generator.run(plan(port, 50, 10_000, FRAMES, 20_000, 2, 1));
      assertThat(held.firstError()).isEqualTo("none");
      assertThat(held.requests()).isEqualTo(50);
      assertThat(held.gap().count()).isEqualTo(50L * (FRAMES + 1));
      assertThat(held.gap().p50()).isBetween(10_000.0, 40_000.0);

      assertThat(mock.cost().cpuMicros()).isPositive();
      assertThat(mock.cost().rssBytes()).isGreaterThan(1 << 20);
    }
  }

  @Test
  void reportsWhatWentWrongInsteadOfCountingIt() {
    int nobody = ChildProcess.freePort();
    try (var generator = LoadGenerator.start(folder, List.of())) {
      LoadResult result = generator.run(plan(nobody, 2, 100, 0, 0, 1, 0));
      assertThat(result.requests()).isZero();
      assertThat(result.errors()).isEqualTo(2);
      assertThat(result.firstError()).contains("refused");
    }
  }

  private static LoadPlan plan(
      int port,
      int connections,
      int millis,
      int frames,
      int paceMicros,
      int sources,
      int requestsMax) {
    return new LoadPlan(
        "127.0.0.1",
        port,
        "sk-test",
        connections,
        millis,
        frames,
        paceMicros,
        sources,
        requestsMax,
        1_000);
  }
}
