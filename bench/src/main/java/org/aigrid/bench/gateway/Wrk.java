package org.aigrid.bench.gateway;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// `wrk`, the load generator for requests per second without streams: it takes less of the two
/// cores than ours, so more is left to the arm.
final class Wrk {
  static final String HOW_TO_INSTALL =
      "wrk is not installed: requests/s come from the slower built-in generator"
          + " (Debian, Ubuntu: apt-get install wrk)";

  private static final Pattern RATE = Pattern.compile("Requests/sec:\\s*([0-9.]+)");
  private static final Pattern COUNT = Pattern.compile("(\\d+) requests in");
  private static final Pattern OTHER_STATUS = Pattern.compile("Non-2xx or 3xx responses: (\\d+)");
  private static final Pattern SOCKET =
      Pattern.compile("Socket errors: connect (\\d+), read (\\d+), write (\\d+), timeout (\\d+)");

  /// What it counted. Immutable.
  record Result(long requests, double perSecond, long errors) {}

  private Wrk() {}

  static Optional<Path> program() {
    return Stream.of("/usr/bin/wrk", "/usr/local/bin/wrk")
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst();
  }

  /// Loads an arm for some seconds over `connections` connections.
  static Result run(
      Path program, Path folder, Arm arm, String key, String body, int connections, int seconds) {
    Path script = folder.resolve("post.lua");
    try {
      Files.writeString(
          script,
          """
          wrk.method = "POST"
          wrk.headers["Content-Type"] = "application/json"
          wrk.headers["Authorization"] = "Bearer %s"
          wrk.body = [==[%s]==]
          """
              .formatted(key, body));
      Process wrk =
          new ProcessBuilder(
                  List.of(
                      program.toString(),
                      "-t" + Math.min(2, connections),
                      "-c" + connections,
                      "-d" + seconds + "s",
                      "-s" + script,
                      "http://127.0.0.1:" + arm.port() + "/v1/chat/completions"))
              .redirectErrorStream(true)
              .start();
      String out = new String(wrk.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (wrk.waitFor() != 0) {
        throw new IllegalStateException("wrk failed on arm " + arm.name() + ": " + out);
      }
      return parse(out);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + program, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while wrk ran", e);
    }
  }

  /// Reads wrk's report.
  static Result parse(String out) {
    var rate = RATE.matcher(out);
    var count = COUNT.matcher(out);
    if (!rate.find() || !count.find()) {
      throw new IllegalStateException("wrk said nothing that can be read: " + out);
    }
    long errors = 0;
    var status = OTHER_STATUS.matcher(out);
    if (status.find()) {
      errors += Long.parseLong(status.group(1));
    }
    var socket = SOCKET.matcher(out);
    if (socket.find()) {
      for (int i = 1; i <= 4; i++) {
        errors += Long.parseLong(socket.group(i));
      }
    }
    return new Result(Long.parseLong(count.group(1)), Double.parseDouble(rate.group(1)), errors);
  }
}
