package org.aigrid.twin;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.aigrid.twin.runs.EngineRun;
import org.aigrid.twin.runs.RunComparison;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `twin engines`: the twin's engines beside published runs of real ones.
@Command(
    name = "engines",
    description = {
      "Sends the requests of published vLLM runs through the twin's engines, at both levels, and prints"
          + " how far they are off as a Markdown table.",
      ""
    },
    mixinStandardHelpOptions = true)
final class EnginesCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "FOLDER",
      description =
          "A run, or a folder of runs: folders named ACCELERATOR-MODEL with requests.jsonl and"
              + " meta.json, as LLMServingSim publishes them.")
  private Path folder = Path.of("");

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (spec == null) {
      return 1;
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println("| run | level | quantity | | real ms | twin ms | off by |");
    out.println("|---|---|---|---|--:|--:|--:|");
    for (Path run : runs()) {
      RunComparison comparison = RunComparison.of(EngineRun.read(run));
      for (RunComparison.Row row : comparison.rows()) {
        out.printf(
            "| %s | %s | %s | %s | %,.1f | %,.1f | %+.1f %% |%n",
            comparison.run().name(),
            row.level(),
            row.quantity(),
            row.statistic(),
            row.realMs(),
            row.twinMs(),
            100 * row.error());
      }
    }
    out.flush();
    return 0;
  }

  private List<Path> runs() throws IOException {
    if (Files.exists(folder.resolve("requests.jsonl"))) {
      return List.of(folder);
    }
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(
          folder + ": there is no such folder (expected: one with runs, such as vllm-runs)");
    }
    try (Stream<Path> children = Files.list(folder)) {
      List<Path> runs =
          children.filter(child -> Files.exists(child.resolve("requests.jsonl"))).sorted().toList();
      if (runs.isEmpty()) {
        throw new IllegalArgumentException(
            folder + ": no run is in it (expected: folders with requests.jsonl and meta.json)");
      }
      return runs;
    }
  }
}
