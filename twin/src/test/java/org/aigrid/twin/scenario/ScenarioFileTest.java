package org.aigrid.twin.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.play.Incident;
import org.aigrid.twin.play.Policy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScenarioFileTest {
  private static final String GOOD =
      """
      name = "test"
      [country]
      synthesise = "island"
      cells = 30
      [time]
      begin = "19:30"
      hours = 0.5
      [demand]
      requests-per-day = 1e6
      [[service]]
      name = "chat"
      share = 3
      input-tokens = [100, 200, 300]
      output-tokens = [10, 20, 30]
      ttft-ms = 500
      tpot-ms = 50
      [[service]]
      name = "voice"
      share = 1
      input-tokens = [100, 200, 300]
      output-tokens = [10, 20, 30]
      ttft-ms = 200
      tpot-ms = 40
      [[incident]]
      kind = "sites-down"
      tier = "hub"
      from = "19:40"
      to = "19:50"
      """;

  @TempDir Path folder;

  private Scenario read(String text, Map<String, String> changes)
      throws IOException, ScenarioException {
    Path file = folder.resolve("test.toml");
    Files.writeString(file, text);
    return ScenarioFile.read(file, changes);
  }

  private void assertWrong(String from, String to, String... expected) {
    var failure =
        assertThatThrownBy(() -> read(GOOD.replace(from, to), Map.of()))
            .as("%s -> %s", from, to)
            .isInstanceOf(ScenarioException.class);
    for (String text : expected) {
      failure.hasMessageContaining(text);
    }
  }

  @Test
  void aScenarioIsReadWithItsDefaults() throws IOException, ScenarioException {
    Scenario scenario = read(GOOD, Map.of());
    assertThat(scenario.country().count(Tier.CELL)).isEqualTo(30);
    assertThat(scenario.settings().policy()).isEqualTo(Policy.OURS);
    assertThat(scenario.settings().beginMs()).isEqualTo(19.5 * 3_600_000);
    assertThat(scenario.demand().services().getFirst().share()).as("weights").isEqualTo(0.75);
    assertThat(scenario.incidents())
        .singleElement()
        .isInstanceOfSatisfying(
            Incident.SitesDown.class,
            down -> {
              assertThat(down.fromMs()).as("since the beginning").isEqualTo(600_000);
              assertThat(down.toMs()).isEqualTo(1_200_000);
            });
  }

  @Test
  void changesTakeThePlaceOfValuesAndMisspeltOnesAreTold() throws IOException, ScenarioException {
    Scenario scenario =
        read(
            GOOD,
            Map.of(
                "play.policy", "hub",
                "router.neighbours", "2",
                "service[1].ttft-ms", "150",
                "country.cells", "40"));
    assertThat(scenario.settings().policy()).isEqualTo(Policy.HUB);
    assertThat(scenario.settings().router().neighbours()).isEqualTo(2);
    assertThat(scenario.demand().services().get(1).ttftMsMax()).isEqualTo(150);
    assertThat(scenario.country().count(Tier.CELL)).isEqualTo(40);
    assertThatThrownBy(() -> read(GOOD, Map.of("router.neigbours", "2")))
        .hasMessageContaining("router.neigbours");
    assertThatThrownBy(() -> read(GOOD, Map.of("nothing.at-all", "2")))
        .hasMessageContaining("--set nothing.at-all: no such key");
  }

  @Test
  void mistakesAreToldWithFileLineKeyAndWhatWasExpected() {
    assertWrong(
        "cells = 30", "cells = 3", "test.toml:3", "country.synthesise", "expected: at least one");
    assertWrong("\"19:30\"", "\"25:30\"", ":6:", "time.begin: '25:30'", "\"18:30\"");
    assertWrong(
        "ttft-ms = 200",
        "tftt-ms = 200",
        "unknown key service[1].tftt-ms",
        "service[1].ttft-ms is missing");
    assertWrong(
        "[10, 20, 30]\nttft-ms = 500",
        "[10, 20]\nttft-ms = 500",
        ":14:",
        "service[0].output-tokens",
        "an array of 3 numbers");
    assertWrong("[100, 200, 300]", "[300, 200, 100]", "service[0].input-tokens", "rising");
    assertWrong("sites-down", "site-down", ":25:", "incident[0].kind: 'site-down'", "region-cut");
    assertWrong("\"19:50\"", "\"19:35\"", "incident[0]", "from before to");
    assertWrong(
        "tier = \"hub\"", "tier = \"tower\"", "incident[0].tier: 'tower'", "hub, regional or cell");
    assertWrong(
        "tier = \"hub\"", "region = \"north\"", "region 'north'", "one of west, middle, east");
    assertWrong(
        "synthesise = \"island\"",
        "folder = \"nowhere\"",
        "country.folder",
        "country.csv is missing");
    assertWrong(
        "synthesise = \"island\"",
        "synthesise = \"japan\"",
        "country.synthesise: Japan with 30 cells",
        "47 to 2,000,000");
    assertWrong("name = \"test\"", "name = ", "test.toml:1");
  }

  @Test
  void lengthsCanComeFromATrace() throws IOException, ScenarioException {
    Files.writeString(
        folder.resolve("trace.csv"), "TIMESTAMP,ContextTokens,GeneratedTokens\r\nx,10,3\r\nx,30,5");
    String text =
        GOOD.replaceFirst(
            "input-tokens = .*\n.*output-tokens = .*\n", "lengths-from = \"trace.csv\"\n");
    assertThat(read(text, Map.of()).demand().services().getFirst().input().mean()).isEqualTo(20);
    assertThatThrownBy(() -> read(text.replace("trace.csv", "none.csv"), Map.of()))
        .hasMessageContaining("service[0].lengths-from")
        .hasMessageContaining("none.csv is missing");
  }
}
