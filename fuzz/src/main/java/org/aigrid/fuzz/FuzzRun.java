package org.aigrid.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// One run of Jazzer in a process of its own, since it changes the classes of the process it is in.
///
/// Bounds: 2 GiB, 10 s an input; beyond either is a finding like anything that a target throws.
/// What it has learnt stays in the folder, and the next run sets out from there.
///
/// @param target class with the method that Jazzer calls
/// @param folder for what is learnt and found; is made if it is missing
/// @param seconds to go on for, if nothing is found
/// @param bytesMax of one input
record FuzzRun(Class<?> target, Path folder, int seconds, int bytesMax) {
  private static final int INPUT_S_MAX = 10;
  private static final int MEMORY_MIB_MAX = 2_048;
  private static final int START_S_MAX = 60;

  /// What came of it.
  ///
  /// @param exitCode 0: nothing was found; 77: a finding
  /// @param output of the process, which says what was found and where its input lies
  record Result(int exitCode, String output) {}

  /// Runs to its end.
  ///
  /// @param shown whether the output is passed on as it comes
  Result run(List<byte[]> seeds, boolean shown) throws IOException, InterruptedException {
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    Path findings = Files.createDirectories(folder.resolve("findings"));
    for (int i = 0; i < seeds.size(); i++) {
      Files.write(corpus.resolve("seed-" + i), seeds.get(i));
    }
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+EnableDynamicAgentLoading",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:+UseSerialGC",
            "-Xmx1g",
            "-Dio.netty.leakDetection.level=disabled",
            "-Dio.netty.noUnsafe=true", // Jazzer watches Unsafe, and stumbles over Netty's use of
            // it
            "-cp",
            System.getProperty("java.class.path"),
            "com.code_intelligence.jazzer.Jazzer",
            "--target_class=" + target.getName(),
            "--instrumentation_includes=org.aigrid.**",
            "--custom_hook_includes=org.aigrid.**",
            "--reproducer_path=" + findings,
            "-artifact_prefix=" + findings + "/",
            "-max_total_time=" + seconds,
            "-timeout=" + INPUT_S_MAX,
            "-rss_limit_mb=" + MEMORY_MIB_MAX,
            "-max_len=" + bytesMax,
            "-print_final_stats=1",
            corpus.toString()));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    try {
      var output = new ByteArrayOutputStream();
      var buffer = new byte[8_192];
      try (var from = process.getInputStream()) {
        for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
          output.write(buffer, 0, n);
          if (shown) {
            System.err.write(buffer, 0, n);
            System.err.flush();
          }
        }
      }
      if (!process.waitFor(START_S_MAX, TimeUnit.SECONDS)) {
        return new Result(124, output + "\nit did not end");
      }
      return new Result(
          process.exitValue(), output.toString(java.nio.charset.StandardCharsets.UTF_8));
    } finally {
      process.destroyForcibly();
    }
  }
}
