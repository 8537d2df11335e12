package org.aigrid.live.proof;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.TrustPolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Brings the log's checkpoints to its witnesses and their cosignatures into what the log shows.
/// One round at a time, at most one each `everyMs`, all witnesses at once on virtual threads; a
/// witness that is slow, away or wrong is counted and never holds the log up. Only signatures that
/// fit a witness's key are taken over. A quiet log costs one comparison a round.
///
/// A witness that knows of more entries than the log has is evidence that the log was put back to
/// an older state: counted apart (`Health.ahead`) and said in the log file, for it needs a person.
public final class WitnessClient implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WitnessClient.class);
  private static final int ANSWER_BYTES_MAX = 64 << 10;
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int WITNESSES_MAX = 32;
  private static final int TRIES = 2;

  /// How it goes with one witness.
  ///
  /// @param cosigned checkpoints that it signed
  /// @param failures rounds in which it did not
  /// @param lastSize of the tree that it signed last, or -1
  /// @param ahead whether it knows more entries than the log has
  /// @param lastProblem why the last round failed, or empty
  public record Health(
      long cosigned, long failures, long lastSize, boolean ahead, String lastProblem) {}

  private static final class Peer {
    final List<NoteKey> keys = new ArrayList<>();
    final URI url;
    volatile Health health = new Health(0, 0, -1, false, "");
    long knownSize;

    Peer(URI url) {
      this.url = url;
    }
  }

  private final TransparencyLog transparencyLog;
  private final int everyMs;
  private final Map<String, Peer> peers = new LinkedHashMap<>();
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(TIMEOUT)
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();
  private final Thread rounds;
  private volatile boolean closed;

  private WitnessClient(TransparencyLog transparencyLog, TrustPolicy policy, int everyMs) {
    this.transparencyLog = transparencyLog;
    this.everyMs = everyMs;
    for (TrustPolicy.Witness witness : policy.witnesses()) {
      String url = witness.url();
      if (url != null) {
        peers.computeIfAbsent(url, key -> new Peer(SafeUrls.check(url))).keys.add(witness.key());
      }
    }
    if (peers.size() > WITNESSES_MAX || everyMs < 1) {
      throw new IllegalArgumentException(
          peers.size()
              + " witnesses every "
              + everyMs
              + " ms (expected: at most "
              + WITNESSES_MAX
              + ", 1 ms or more)");
    }
    rounds = Thread.ofVirtual().name("witness-rounds").unstarted(this::run);
  }

  /// Begins to ask the policy's witnesses that have an address (their submission prefix).
  public static WitnessClient start(
      TransparencyLog transparencyLog, TrustPolicy policy, int everyMs) {
    var client = new WitnessClient(transparencyLog, policy, everyMs);
    if (!client.peers.isEmpty()) {
      client.rounds.start();
    }
    return client;
  }

  /// Each witness's health by its address, for metrics.
  public Map<String, Health> health() {
    var all = new LinkedHashMap<String, Health>();
    peers.forEach((url, peer) -> all.put(url, peer.health));
    return all;
  }

  private void run() {
    String settledText = "";
    while (!closed) {
      SignedNote note = transparencyLog.checkpoint();
      if (!note.text().equals(settledText) && round(note)) {
        settledText = note.text();
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(everyMs));
    }
  }

  /// Asks all of them; true when all have signed.
  private boolean round(SignedNote note) {
    var cosignatures = new ArrayList<NoteSignature>();
    var asked = new ArrayList<Thread>();
    for (Peer peer : peers.values()) {
      asked.add(
          Thread.startVirtualThread(
              () -> {
                List<NoteSignature> lines = ask(peer, note);
                synchronized (cosignatures) {
                  cosignatures.addAll(lines);
                }
              }));
    }
    try {
      for (Thread one : asked) {
        one.join();
      }
      synchronized (cosignatures) {
        if (!cosignatures.isEmpty()) {
          transparencyLog.cosign(note, cosignatures);
        }
      }
    } catch (IOException e) {
      log.warn("cosignatures could not be written: {}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    long size = Checkpoint.parse(note.text()).size();
    return peers.values().stream().allMatch(peer -> peer.health.lastSize() == size);
  }

  private List<NoteSignature> ask(Peer peer, SignedNote note) {
    Health before = peer.health;
    try {
      for (int i = 0; i < TRIES; i++) {
        HttpResponse<String> answer = post(peer, note);
        if (answer.statusCode() == 409) {
          if (learnSize(peer, answer.body(), note)) {
            continue;
          }
          return List.of();
        }
        if (answer.statusCode() != 200) {
          throw new IOException("it answered " + answer.statusCode());
        }
        List<NoteSignature> fitting = fitting(peer, note, answer.body());
        if (fitting.isEmpty()) {
          throw new IOException("none of its signatures fits its key in the policy");
        }
        long size = Checkpoint.parse(note.text()).size();
        peer.knownSize = size;
        peer.health = new Health(before.cosigned() + 1, before.failures(), size, false, "");
        return fitting;
      }
      throw new IOException("its size changed twice while it was asked");
    } catch (IOException | FormatException e) {
      peer.health =
          new Health(
              before.cosigned(),
              before.failures() + 1,
              before.lastSize(),
              false,
              String.valueOf(e.getMessage()));
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  private HttpResponse<String> post(Peer peer, SignedNote note)
      throws IOException, InterruptedException {
    Checkpoint checkpoint = Checkpoint.parse(note.text());
    long old = Math.min(peer.knownSize, checkpoint.size());
    String body =
        Witness.Submission.format(old, transparencyLog.consistency(old, checkpoint.size()), note);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(peer.url + "/add-checkpoint"))
            .timeout(TIMEOUT)
            .header("content-type", "text/plain; charset=utf-8")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return http.send(
        request,
        BodyHandlers.limiting(BodyHandlers.ofString(StandardCharsets.UTF_8), ANSWER_BYTES_MAX));
  }

  /// True when it is worth asking again with the size that the witness named.
  private boolean learnSize(Peer peer, String body, SignedNote note) {
    Health before = peer.health;
    if (!body.matches("(0|[1-9][0-9]{0,17})\n")) {
      throw new FormatException("it answered 409 without a size");
    }
    long size = Long.parseLong(body.strip());
    long ours = Checkpoint.parse(note.text()).size();
    if (size > ours) {
      // It may have been shown a newer checkpoint meanwhile; only more than that is evidence.
      boolean ahead = size > Checkpoint.parse(transparencyLog.checkpoint().text()).size();
      if (ahead && !before.ahead()) {
        log.error(
            "the witness {} knows {} entries of this log, which has {}: was its folder put back"
                + " to an older state?",
            peer.url,
            size,
            ours);
      }
      peer.health =
          new Health(
              before.cosigned(),
              before.failures() + 1,
              before.lastSize(),
              ahead,
              "it knows " + size + " entries (expected: at most " + ours + ")");
      return false;
    }
    peer.knownSize = size;
    return true;
  }

  private static List<NoteSignature> fitting(Peer peer, SignedNote note, String body) {
    var fitting = new ArrayList<NoteSignature>();
    for (String line : body.split("\n")) {
      NoteSignature signature = NoteSignature.parse(line);
      boolean fits =
          peer.keys.stream()
              .anyMatch(
                  key ->
                      key.id() == signature.id()
                          && key.name().equals(signature.name())
                          && key.signed(note.text(), signature.bytes()));
      if (fits) {
        fitting.add(signature);
      }
    }
    return fitting;
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(rounds);
    http.shutdownNow();
  }
}
