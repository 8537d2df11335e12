package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.live.books.Ledger;
import org.aigrid.live.proof.LogAudit;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.TrustPolicy;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A whole grid and its PostgreSQL, killed (`kill -9`) at random moments under load: every request
/// that was answered to its end is in the books exactly once and has its receipt, and the log of
/// each life goes on with that of the last. `-Dgrid.kills=50` for as many; three in the usual run.
@Timeout(900)
class GridCrashTest {
  private static final int KILLS = Integer.getInteger("grid.kills", 3);
  private static final int CLIENTS = 6;

  @TempDir Path data;

  private final Queue<String> answered = new ConcurrentLinkedQueue<>();
  private final Random random = new Random(17);
  private volatile boolean stopped;

  @Test
  void whateverIsKilledWhenNothingIsLostAndNothingDoubled() throws Exception {
    Checkpoint remembered = null;
    for (int kill = 0; kill < KILLS; kill++) {
      Path portFile = data.resolve("port-" + kill);
      Process grid = start(portFile);
      try {
        int port = port(grid, portFile);
        load(port, 300 + random.nextInt(1_200), grid, kill % 3);
      } finally {
        grid.destroyForcibly();
        grid.waitFor(30, TimeUnit.SECONDS);
      }
      if (kill % 10 == 9) {
        remembered = checkLog(remembered);
      }
    }
    assertThat(answered).as("there was load").hasSizeGreaterThan(KILLS);
    Accounts accounts = Accounts.open(data, Accounts.Source.EMBEDDED, "JP", null);
    try {
      var ledger = new Ledger(accounts.database());
      assertThat(ledger.check()).as("the books are in order").isEmpty();
      assertThat(ledger.balance(CrashedGrid.TENANT).heldMicros()).as("nothing is held").isZero();
      List<String> booked =
          accounts
              .database()
              .jdbi()
              .withHandle(
                  handle ->
                      handle
                          .createQuery("select request_id from requests")
                          .mapTo(String.class)
                          .list());
      assertThat(booked).doesNotHaveDuplicates().containsAll(answered);
      assertThat(accounts.proof().flush(Duration.ofSeconds(60))).isTrue();
      for (String id : answered) {
        assertThat(accounts.proof().receipt(id)).as("receipt of %s", id).isNotNull();
      }
    } finally {
      accounts.close();
    }
    Checkpoint last = checkLog(remembered);
    assertThat(last.size()).isGreaterThanOrEqualTo(answered.size());
    System.err.println(
        KILLS + " kills, " + answered.size() + " answered, log of " + last.size() + " entries");
  }

  /// Reads the whole log as an auditor does, and that it goes on with what was remembered.
  private Checkpoint checkLog(@Nullable Checkpoint remembered) throws Exception {
    Accounts accounts = Accounts.open(data, Accounts.Source.EMBEDDED, "JP", null);
    try {
      TransparencyLog log = accounts.proof();
      assertThat(log.flush(Duration.ofSeconds(60))).isTrue();
      LogAudit.check(
          accounts.logSource(), TrustPolicy.of(log.publicKeys()), remembered, (index, bytes) -> {});
      return Checkpoint.parse(log.checkpoint().text());
    } finally {
      accounts.close();
    }
  }

  private Process start(Path portFile) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:TieredStopAtLevel=1",
            "-Xmx512m",
            "-cp",
            System.getProperty("java.class.path"),
            CrashedGrid.class.getName(),
            data.toString(),
            portFile.toString())
        .redirectError(ProcessBuilder.Redirect.appendTo(data.resolve("grid.log").toFile()))
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private int port(Process grid, Path file) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!Files.exists(file)) {
      if (!grid.isAlive() || System.nanoTime() > end) {
        throw new AssertionError(
            "the grid did not start: " + Files.readString(data.resolve("grid.log")));
      }
      LockSupport.parkNanos(10_000_000);
    }
    return Integer.parseInt(Files.readString(file).strip());
  }

  /// Asks until the moment comes, then kills the grid, its PostgreSQL, or both, whichever first.
  private void load(int port, long forMs, Process grid, int which) throws Exception {
    stopped = false;
    var clients = new Thread[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
      int number = i;
      clients[i] = Thread.ofVirtual().start(() -> ask(port, number));
    }
    Thread.sleep(forMs);
    if (which != 0) {
      killPostgres();
      Thread.sleep(random.nextInt(50));
    }
    grid.destroyForcibly();
    if (which != 1) {
      killPostgres();
    }
    stopped = true;
    for (Thread client : clients) {
      client.join();
    }
  }

  private void killPostgres() throws IOException {
    Path file = data.resolve("books/postgres/postmaster.pid");
    if (Files.exists(file)) {
      long pid = Long.parseLong(Files.readAllLines(file).getFirst().strip());
      ProcessHandle.of(pid)
          .ifPresent(
              server -> {
                server.descendants().forEach(ProcessHandle::destroyForcibly);
                server.destroyForcibly();
              });
    }
  }

  private void ask(int port, int client) {
    try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      for (int i = 0; !stopped; i++) {
        boolean stream = (i + client) % 2 == 0;
        String body =
            "{\"model\":\"llama-3.1-8b\",\"messages\":[{\"role\":\"user\",\"content\":\"hi "
                + i
                + "\"}],\"max_tokens\":"
                + (2 + (i + client) % 9)
                + ",\"ignore_eos\":true,\"stream\":"
                + stream
                + "}";
        HttpResponse<String> answer =
            http.send(
                HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port + "/v1/chat/completions"))
                    .timeout(Duration.ofSeconds(10))
                    .header("Authorization", "Bearer " + CrashedGrid.SECRET)
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() == 200) {
          answered.add(answer.headers().firstValue("x-request-id").orElseThrow());
        }
      }
    } catch (IOException killed) {
      // it was in the middle of an answer
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
