package org.aigrid.twin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.aigrid.core.model.Tier;
import org.aigrid.twin.country.Country;
import org.aigrid.twin.country.CountryFolder;
import org.aigrid.twin.scenario.Scenario;
import org.aigrid.twin.scenario.ScenarioException;
import org.aigrid.twin.scenario.ScenarioFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `twin country`: writes a scenario's country as plain files, to look at or to change.
@Command(
    name = "country",
    description = {
      "Writes the country of a scenario as a folder of CSV files: to look at, to change, to play"
          + " with country.folder.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class CountryCommand implements Callable<Integer> {
  @Parameters(paramLabel = "SCENARIO", description = "Whose country.")
  private @Nullable Path file;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "The folder.")
  private @Nullable Path out;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, ScenarioException {
    if (spec == null || file == null || out == null) {
      return 1;
    }
    Scenario scenario = ScenarioFile.read(file, Map.of());
    Country country = scenario.country();
    CountryFolder.write(country, out);
    spec.commandLine()
        .getOut()
        .printf(
            "%s: %,d base stations, %d regional centres, %d hubs in %s%n",
            country.name(),
            country.count(Tier.CELL),
            country.count(Tier.REGIONAL),
            country.count(Tier.HUB),
            out.toAbsolutePath());
    spec.commandLine().getOut().flush();
    return 0;
  }
}
