package org.aigrid.bench.start;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.Machine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench start`: from starting `./grid up` to the last byte of its first answer, on a checkout
/// that is built. Asks every few milliseconds from outside, as an impatient client would.
@Command(
    name = "start",
    description = "Time from ./grid up to its first answered request.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class StartBench implements Callable<Integer> {
  private static final int ASK_EACH_MILLIS = 5;
  private static final int ANSWER_MILLIS_MAX = 30_000;
  private static final String KEY = "sk-start-bench";

  /// The goal of the project.
  private static final int GOAL_MILLIS = 5_000;

  @Option(
      names = "--rounds",
      defaultValue = "5",
      description = "How often it is started (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--model",
      defaultValue = "llama-3.1-8b",
      description = "Model to ask for (default: ${DEFAULT-VALUE}).")
  private String model = "";

  @Override
  public Integer call() {
    Path root = root();
    double[] millis = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      millis[i] = startOnce(root);
      System.err.printf(Locale.ROOT, "  start %d: %.0f ms%n", i + 1, millis[i]);
    }
    Arrays.sort(millis);
    System.out.println();
    System.out.println("## Start, " + Machine.read(root).date());
    System.out.println();
    System.out.print(Machine.read(root).markdown("./grid bench start --rounds " + rounds));
    System.out.printf(
        Locale.ROOT,
        "%n| goal | median | least | most | met |%n|---|--:|--:|--:|---|%n"
            + "| first answer within 5 s | %.0f ms | %.0f ms | %.0f ms | %s |%n",
        millis[rounds / 2],
        millis[0],
        millis[rounds - 1],
        millis[rounds - 1] <= GOAL_MILLIS ? "yes" : "**no**");
    return 0;
  }

  /// The checkout: the launcher names it.
  private static Path root() {
    Path root = Path.of(System.getProperty("grid.root", "")).toAbsolutePath();
    if (!Files.isExecutable(root.resolve("grid"))) {
      throw new IllegalStateException(
          "no ./grid in " + root + " (expected: start this with ./grid bench start)");
    }
    return root;
  }

  private double startOnce(Path root) {
    int port = ChildProcess.freePort();
    Path data = temporaryFolder();
    var command =
        List.of(
            root.resolve("grid").toString(),
            "up",
            "--port",
            "" + port,
            "--key",
            KEY,
            "--data",
            data.toString());
    long started = System.nanoTime();
    try (var grid = ChildProcess.start("grid", data, new ArrayList<>(command))) {
      while (System.nanoTime() - started < ANSWER_MILLIS_MAX * 1_000_000L) {
        if (answers(port)) {
          return (System.nanoTime() - started) / 1e6;
        }
        if (!grid.alive()) {
          throw new IllegalStateException("./grid up ended by itself; see " + data);
        }
        Thread.sleep(ASK_EACH_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new IllegalStateException(
        "./grid up gave no answer to a request for model '"
            + model
            + "' within "
            + ANSWER_MILLIS_MAX
            + " ms; see "
            + data);
  }

  private boolean answers(int port) {
    String body =
        "{\"model\":\""
            + model
            + "\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"max_tokens\":1}";
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      socket.setSoTimeout(ANSWER_MILLIS_MAX);
      socket
          .getOutputStream()
          .write(
              ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                      + KEY
                      + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      String answer = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return answer.startsWith("HTTP/1.1 200");
    } catch (IOException e) {
      return false;
    }
  }

  private static Path temporaryFolder() {
    try {
      return Files.createTempDirectory("grid-start-");
    } catch (IOException e) {
      throw new UncheckedIOException("no temporary folder for the grid's data", e);
    }
  }
}
