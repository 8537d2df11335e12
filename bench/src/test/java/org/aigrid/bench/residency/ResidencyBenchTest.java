package org.aigrid.bench.residency;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.aigrid.bench.Main;
import org.junit.jupiter.api.Test;

class ResidencyBenchTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }

  @Test
  void countsByPathAndEndsWellWhenNothingIsFound() {
    assertThat(run("residency", "--requests", "1000", "--seed", "7")).isZero();
    assertThat(out.toString())
        .contains("1,000 requests in 3 worlds", "**Violations: 0.**")
        .contains("| first |", "| retry |", "| hedge |", "| failover |", "| handover |")
        .contains("| prewarm |", "./grid bench residency --requests 1000 --seed 7");
    assertThat(err.toString()).contains("1,000 of 1,000 requests, 0 violations");
  }

  @Test
  void whatIsFoundIsNamedWithTheCommandThatPlaysItAgain() {
    assertThat(run("residency", "--requests", "400", "--seed", "3", "--slip", "unchecked_failover"))
        .isEqualTo(1);
    assertThat(out.toString())
        .contains("seed 3: a failover was ordered at ")
        .contains("  ./grid bench residency --requests 400 --seed 3 --slip unchecked_failover")
        .doesNotContain("**Violations: 0.**");
  }

  @Test
  void aNumberThatCannotBeIsRefused() {
    assertThat(run("residency", "--requests", "0")).isNotZero();
    assertThat(err.toString()).contains("--requests 0 (expected: 1 or more)");
  }
}
