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
/// Each witness has a virtual thread of its own and is asked for the newest checkpoint of the
/// moment, so that one which is slow, away or wrong holds up neither the log nor another witness;
/// it is asked again after a pause that doubles up to `PAUSE_MAX`. Only signatures that fit a
/// witness's key are taken over. A quiet log costs one comparison each `everyMs`.
///
/// A witness that knows of more entries than the log has, or says that the log does not continue
/// what it signed, is evidence that the log was put back to an older state or that there is a
/// second one with its keys: kept apart from failures (`Health.ahead`) until that witness signs
/// again, however the log grows and whatever else fails meanwhile, and said in the log file, for it
/// needs a person.
public final class WitnessClient implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WitnessClient.class);
  private static final int ANSWER_BYTES_MAX = 64 << 10;
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final Duration PAUSE_MAX = Duration.ofSeconds(30);
  private static final int WITNESSES_MAX = 32;
  private static final int TRIES = 2;

  /// How it goes with one witness.
  ///
  /// @param cosigned checkpoints that it signed
  /// @param failures times that it was asked and did not
  /// @param lastSize of the tree that it signed last, or -1
  /// @param lastMs when it signed last, UTC, or 0
  /// @param ahead whether it has signed what the log does not have: more entries, or others; stays
  ///   until it signs again
  /// @param lastProblem why it did not sign the last time, or empty
  public record Health(
      long cosigned, long failures, long lastSize, long lastMs, boolean ahead, String lastProblem) {
    private Health signed(long size, long nowMs) {
      return new Health(cosigned + 1, failures, size, nowMs, false, "");
    }

    private Health failed(String problem) {
      return new Health(cosigned, failures + 1, lastSize, lastMs, ahead, problem);
    }

    private Health contradicted(String problem) {
      return new Health(cosigned, failures + 1, lastSize, lastMs, true, problem);
    }
  }

  private static final class Peer {
    final String name;
    final List<NoteKey> keys = new ArrayList<>();
    final URI url;
    volatile Health health = new Health(0, 0, -1, 0, false, "");
    long knownSize; // of its thread

    Peer(String name, URI url) {
      this.name = name;
      this.url = url;
    }
  }

  private final TransparencyLog transparencyLog;
  private final int everyMs;
  private final Map<String, Peer> peers;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(TIMEOUT)
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();
  private final List<Thread> askers = new ArrayList<>();
  private volatile boolean closed;

  private WitnessClient(
      TransparencyLog transparencyLog, List<TrustPolicy.Witness> witnesses, int everyMs) {
    this.transparencyLog = transparencyLog;
    this.everyMs = everyMs;
    peers = peers(witnesses);
    if (everyMs < 1) {
      throw new IllegalArgumentException("every " + everyMs + " ms (expected: 1 ms or more)");
    }
  }

  /// Refuses witnesses that could not be asked, with one sentence.
  public static void check(List<TrustPolicy.Witness> witnesses) {
    log.debug("{} witnesses", peers(witnesses).size());
  }

  private static Map<String, Peer> peers(List<TrustPolicy.Witness> witnesses) {
    var peers = new LinkedHashMap<String, Peer>();
    for (TrustPolicy.Witness witness : witnesses) {
      String url = witness.url();
      if (url != null) {
        add(peers, witness.key(), SafeUrls.check(url));
      }
    }
    if (peers.size() > WITNESSES_MAX) {
      throw new IllegalArgumentException(
          peers.size() + " witnesses (expected: at most " + WITNESSES_MAX + ")");
    }
    return peers;
  }

  private static void add(Map<String, Peer> peers, NoteKey key, URI url) {
    Peer peer = peers.computeIfAbsent(key.name(), name -> new Peer(name, url));
    if (!peer.url.equals(url)) {
      throw new IllegalArgumentException(
          "witness "
              + peer.name
              + " stands at "
              + peer.url
              + " and at "
              + url
              + " (expected: one address for all of its keys)");
    }
    if (peer.keys.contains(key)) {
      throw new IllegalArgumentException(
          "witness " + peer.name + " is given twice with one key (expected: each key once)");
    }
    peer.keys.add(key);
  }

  /// Begins to ask the policy's witnesses that have an address (their submission prefix).
  public static WitnessClient start(
      TransparencyLog transparencyLog, TrustPolicy policy, int everyMs) {
    return start(transparencyLog, policy.witnesses(), everyMs);
  }

  /// Begins to ask these witnesses. Keys with one name are one witness.
  ///
  /// @throws IllegalArgumentException when they contradict each other, or an address may not be
  ///   called
  public static WitnessClient start(
      TransparencyLog transparencyLog, List<TrustPolicy.Witness> witnesses, int everyMs) {
    var client = new WitnessClient(transparencyLog, witnesses, everyMs);
    for (Peer peer : client.peers.values()) {
      client.askers.add(
          Thread.ofVirtual().name("witness-" + peer.name).start(() -> client.run(peer)));
    }
    return client;
  }

  /// Each witness's health by its name, for metrics.
  public Map<String, Health> health() {
    var all = new LinkedHashMap<String, Health>();
    peers.forEach((name, peer) -> all.put(name, peer.health));
    return all;
  }

  private void run(Peer peer) {
    String signedText = "";
    long pauseMs = everyMs;
    while (!closed) {
      SignedNote note = transparencyLog.checkpoint();
      if (!note.text().equals(signedText)) {
        if (ask(peer, note)) {
          signedText = note.text();
          pauseMs = everyMs;
        } else {
          pauseMs = Math.min(pauseMs * 2, PAUSE_MAX.toMillis());
        }
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pauseMs));
    }
  }

  /// True when it has signed.
  private boolean ask(Peer peer, SignedNote note) {
    Health before = peer.health;
    try {
      for (int i = 0; i < TRIES; i++) {
        HttpResponse<String> answer = post(peer, note);
        if (answer.statusCode() == 409) {
          if (learnSize(peer, answer.body(), note)) {
            continue;
          }
          return false;
        }
        if (answer.statusCode() == 422) {
          contradicted(
              peer,
              "it answered 422: "
                  + Checkpoint.parse(note.text()).size()
                  + " entries do not continue the "
                  + peer.knownSize
                  + " that it signed");
          return false;
        }
        if (answer.statusCode() != 200) {
          throw new IOException("it answered " + answer.statusCode());
        }
        List<NoteSignature> fitting = fitting(peer, note, answer.body());
        if (fitting.isEmpty()) {
          throw new IOException("none of its signatures fits its key");
        }
        long size = Checkpoint.parse(note.text()).size();
        peer.knownSize = size;
        transparencyLog.cosign(note, fitting);
        if (!before.lastProblem().isEmpty()) {
          log.info("the witness {} signs again", peer.name);
        }
        peer.health = before.signed(size, System.currentTimeMillis());
        return true;
      }
      throw new IOException("its size changed twice while it was asked");
    } catch (IOException | FormatException e) {
      String problem = e.getMessage() == null ? "nobody listens there" : e.getMessage();
      if (before.lastProblem().isEmpty() && !closed) {
        log.warn(
            "the witness {} at {} does not sign: {} (asked again, with what is newest then)",
            peer.name,
            peer.url,
            problem);
      }
      peer.health = before.failed(problem);
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
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
    if (!body.matches("(0|[1-9][0-9]{0,17})\n")) {
      throw new FormatException("it answered 409 without a size");
    }
    long size = Long.parseLong(body.strip());
    long ours = Checkpoint.parse(note.text()).size();
    if (size > ours) {
      // It may have been shown a newer checkpoint meanwhile; only more than that is evidence.
      boolean ahead = size > Checkpoint.parse(transparencyLog.checkpoint().text()).size();
      String problem = "it knows " + size + " entries (expected: at most " + ours + ")";
      if (ahead) {
        contradicted(peer, problem);
      } else {
        peer.health = peer.health.failed(problem);
      }
      return false;
    }
    peer.knownSize = size;
    return true;
  }

  private static void contradicted(Peer peer, String problem) {
    Health before = peer.health;
    if (!before.ahead()) {
      log.error(
          "the witness {} at {} contradicts this log: {}. Was the log's folder put back to an older"
              + " state, or is there a second log with its keys? (stop the grid, keep everything as"
              + " it lies)",
          peer.name,
          peer.url,
          problem);
    }
    peer.health = before.contradicted(problem);
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
    askers.forEach(LockSupport::unpark);
    http.shutdownNow();
  }
}
