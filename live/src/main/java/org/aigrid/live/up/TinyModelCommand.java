package org.aigrid.live.up;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.aigrid.live.gguf.TinyModel;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Writes a model that a real engine can run without a download.
@Command(
    name = "tiny-model",
    description = {
      "Writes a tiny GGUF model. It talks nonsense, but through the real llama.cpp, and always the"
          + " same nonsense after the same prompt:",
      "",
      "  ./grid tiny-model tiny.gguf",
      "  ./grid up --model tiny.gguf",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TinyModelCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "Where to write it; must not exist.")
  private Path file = Path.of("");

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "The same seed writes the same file (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Override
  public Integer call() {
    if (Files.exists(file)) {
      throw new CommandFailure(file + " exists already (expected: a new file)");
    }
    try {
      TinyModel.write(file, seed);
      if (spec != null) {
        spec.commandLine()
            .getOut()
            .println("Wrote " + file + ", " + Files.size(file) / 1_000 + " kB.");
      }
      return 0;
    } catch (IOException e) {
      throw new CommandFailure("cannot write " + file + ": " + e.getMessage());
    }
  }
}
