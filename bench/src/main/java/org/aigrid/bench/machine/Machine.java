package org.aigrid.bench.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The facts without which a number means nothing, read when the benchmark runs. Immutable.
///
/// @param cpu model name as the kernel prints it
/// @param cores processors this process may use
/// @param memoryMib installed memory
/// @param kernel release of the kernel
/// @param jdk vendor and version of the running JVM
/// @param date start of the run, UTC
/// @param commit git hash, with `+changes` when the working tree differs from it
public record Machine(
    String cpu, int cores, long memoryMib, String kernel, String jdk, Instant date, String commit) {

  /// Reads the facts of this machine; the commit is that of the repository at `root`.
  public static Machine read(Path root) {
    return new Machine(
        line("/proc/cpuinfo", "model name"),
        Runtime.getRuntime().availableProcessors(),
        installedMib(),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        System.getProperty("java.vendor") + " " + System.getProperty("java.runtime.version"),
        Instant.now().truncatedTo(ChronoUnit.SECONDS),
        headOf(root));
  }

  /// The head of a block for `bench/RESULTS.md`.
  public String markdown(String command) {
    return """
    | | |
    |---|---|
    | date | %s |
    | commit | %s |
    | command | `%s` |
    | CPU | %s, %d cores |
    | memory | %d MiB |
    | kernel | %s |
    | JDK | %s |
    """
        .formatted(date, commit, command, cpu, cores, memoryMib, kernel, jdk);
  }

  /// First twelve digits of the SHA-256 of the jar that holds `type`: names the binary that was
  /// measured. `classes` when it was loaded from a folder.
  public static String binary(Class<?> type) {
    try {
      var source = type.getProtectionDomain().getCodeSource();
      Path jar = source == null ? Path.of("") : Path.of(source.getLocation().toURI());
      if (!Files.isRegularFile(jar)) {
        return "classes";
      }
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(jar));
      return jar.getFileName() + " " + HexFormat.of().formatHex(digest, 0, 6);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (java.net.URISyntaxException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("cannot name the jar of " + type.getName(), e);
    }
  }

  private static long installedMib() {
    String kib = line("/proc/meminfo", "MemTotal").replaceAll("[^0-9]", "");
    return kib.isEmpty() ? 0 : Long.parseLong(kib) / 1024;
  }

  private static String line(String file, String name) {
    try (var lines = Files.lines(Path.of(file))) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static String headOf(Path root) {
    String hash = git(root, "rev-parse", "--short=12", "HEAD");
    if (hash.isEmpty()) {
      return "unknown";
    }
    return git(root, "status", "--porcelain").isEmpty() ? hash : hash + "+changes";
  }

  private static String git(Path root, String... arguments) {
    var command = new java.util.ArrayList<>(List.of("git", "-C", root.toString()));
    command.addAll(List.of(arguments));
    try {
      Process git =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String out = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return git.waitFor(5, TimeUnit.SECONDS) && git.exitValue() == 0 ? out : "";
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }
}
