package org.aigrid.live.drill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.aigrid.live.drill.DrillPlan.Question;
import org.aigrid.live.drill.DrillPlan.Start;
import org.aigrid.live.trace.TraceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DrillPlanTest {
  @TempDir Path folder;

  private Path trace(String... rows) throws Exception {
    Path file = folder.resolve("trace.csv");
    Files.writeString(
        file, "TIMESTAMP,ContextTokens,GeneratedTokens\n" + String.join("\n", rows) + "\n");
    return file;
  }

  @Test
  void aTraceGivesTheTimesAndItsFirstRowsTheLengths() throws Exception {
    Path file =
        trace(
            "2023-11-16 18:15:46.680,374,44",
            "2023-11-16 18:15:47.680,5000,900",
            "2023-11-16 18:15:50.680,12,3",
            "2023-11-16 18:16:46.680,12,3");
    DrillPlan plan = DrillPlan.ofTrace(file, 2, 10, 2, 400, 100);
    assertThat(plan.questions()).containsExactly(new Question(374, 44), new Question(400, 100));
    assertThat(plan.starts())
        .containsExactly(new Start(0, 0), new Start(500_000, 1), new Start(2_000_000, 0));
  }

  @Test
  void aSteadyPlanAsksInTurn() {
    DrillPlan plan = DrillPlan.steady(2, 10, 5, 4, 1);
    assertThat(plan.questions()).containsExactly(new Question(10, 5), new Question(10, 5));
    assertThat(plan.starts())
        .containsExactly(
            new Start(0, 0), new Start(250_000, 1), new Start(500_000, 0), new Start(750_000, 1));
  }

  @Test
  void badRowsAndEmptyDrillsAreToldByName() throws Exception {
    Path bad = trace("2023-11-16 18:15:46.680,many,44");
    assertThatThrownBy(() -> DrillPlan.ofTrace(bad, 1, 10, 2, 400, 100))
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("trace.csv")
        .hasMessageContaining("2");
    assertThatThrownBy(() -> DrillPlan.steady(0, 10, 5, 4, 1)).hasMessageContaining("prompts 0");
  }
}
