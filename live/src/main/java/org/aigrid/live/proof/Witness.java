package org.aigrid.live.proof;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.aigrid.live.files.FolderLock;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.NoteSigner;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.TreeProofs;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.tlog.UntrustedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Remembers the last checkpoint of other logs and signs a new one only when it continues that
/// (C2SP `tlog-witness`): with it, nobody can be shown two histories of a log. Signs with Ed25519
/// and with ML-DSA-44.
///
/// Comparing, storing on the disk and answering are one step under one lock: two requests can never
/// roll it back, nor can a crash. An answer costs about 2 ms and two fsyncs. Thread-safe, blocking:
/// not for an event loop.
public final class Witness implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Witness.class);

  /// Of a request: 63 hashes of a proof and a note.
  static final int BODY_BYTES_MAX = SignedNote.BYTES_MAX + 8 * 1_024;

  private static final int PROOF_HASHES_MAX = 63;

  private final Path folder;
  private final List<NoteSigner> signers;
  private final Map<String, List<NoteKey>> logs = new HashMap<>();
  private final LongSupplier nowMs;
  private final DurableFiles files;
  private final FolderLock lock;
  private final Map<String, SignedNote> last = new HashMap<>();

  /// What is answered, in the terms of HTTP.
  ///
  /// @param status as the specification has it
  /// @param contentType of the text
  /// @param text cosignature lines, a size, or a reason
  public record Answer(int status, String contentType, String text) {}

  private Witness(
      Path folder,
      LogKeys keys,
      TrustPolicy trusted,
      LongSupplier nowMs,
      DurableFiles files,
      FolderLock lock) {
    this.lock = lock;
    this.folder = folder;
    this.nowMs = nowMs;
    this.files = files;
    signers = keys.signers();
    trusted
        .logs()
        .forEach(
            one ->
                logs.computeIfAbsent(one.key().name(), name -> new ArrayList<>()).add(one.key()));
  }

  /// Opens a witness whose keys and memory lie in a folder; makes them on first use.
  ///
  /// @param name under which it signs
  /// @param trusted the logs that it witnesses (`log` lines)
  /// @param nowMs UTC milliseconds
  public static Witness open(Path folder, String name, TrustPolicy trusted, LongSupplier nowMs)
      throws IOException {
    DurableFiles.createFolder(folder);
    FolderLock lock = lock(folder);
    try {
      var files = new DurableFiles(folder.resolve("tmp"), step -> {});
      LogKeys keys = LogKeys.open(folder.resolve("keys"), name, LogKeys.Role.WITNESS);
      var witness = new Witness(folder, keys, trusted, nowMs, files, lock);
      for (String origin : witness.logs.keySet()) {
        witness.readMemory(origin);
      }
      return witness;
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /// Two that share a memory could each sign another history.
  private static FolderLock lock(Path folder) throws IOException {
    FolderLock lock = FolderLock.take(folder.resolve("lock"));
    if (lock == null) {
      throw new LogRefusedException(
          folder + " is in use by another witness (expected: one; stop the other one)");
    }
    return lock;
  }

  private Path file(String origin) {
    return folder.resolve("logs").resolve(Hash.hexOf(origin)).resolve("checkpoint");
  }

  private void readMemory(String origin) throws IOException {
    Path file = file(origin);
    if (!Files.exists(file)) {
      return;
    }
    try {
      SignedNote note = SignedNote.parse(Files.readAllBytes(file));
      note.signers(signers.stream().map(NoteSigner::key).toList());
      if (!Checkpoint.parse(note.text()).origin().equals(origin)) {
        throw new FormatException("it is of another log");
      }
      last.put(origin, note);
    } catch (FormatException | UntrustedException e) {
      throw new LogRefusedException(
          file
              + " is not what this witness signed last: "
              + e.getMessage()
              + ". Restore it from a copy; without it the witness could contradict itself.");
    }
  }

  /// The keys by which its cosignatures are checked.
  public List<NoteKey> publicKeys() {
    return signers.stream().map(NoteSigner::key).toList();
  }

  /// Answers `POST /add-checkpoint`.
  public Answer addCheckpoint(byte[] body) throws IOException {
    Submission submission;
    try {
      submission = Submission.parse(body);
    } catch (FormatException e) {
      return reason(400, e.getMessage());
    }
    Checkpoint checkpoint = submission.checkpoint();
    List<NoteKey> keys = logs.get(checkpoint.origin());
    if (keys == null) {
      return reason(404, "log not known here");
    }
    try {
      submission.note().signers(keys);
    } catch (UntrustedException e) {
      return reason(403, e.getMessage());
    }
    if (submission.oldSize() > checkpoint.size()) {
      return reason(
          400,
          "old size "
              + submission.oldSize()
              + " (expected: at most the checkpoint's "
              + checkpoint.size()
              + ")");
    }
    return decide(submission);
  }

  private synchronized Answer decide(Submission submission) throws IOException {
    Checkpoint checkpoint = submission.checkpoint();
    SignedNote before = last.get(checkpoint.origin());
    Checkpoint known =
        before == null
            ? new Checkpoint(checkpoint.origin(), 0, Hash.OF_EMPTY_TREE)
            : Checkpoint.parse(before.text());
    if (submission.oldSize() != known.size()) {
      return new Answer(409, "text/x.tlog.size", known.size() + "\n");
    }
    if (!TreeProofs.consistent(
        known.size(), known.root(), checkpoint.size(), checkpoint.root(), submission.proof())) {
      log.warn(
          "the log {} shows {} entries that do not continue its {} entries of before",
          checkpoint.origin(),
          checkpoint.size(),
          known.size());
      return reason(422, "the checkpoint does not continue the last one of " + known.size());
    }
    if (checkpoint.size() == 0 && !checkpoint.root().equals(Hash.OF_EMPTY_TREE)) {
      return reason(422, "size 0 with the root of a tree that is not empty");
    }
    String text = submission.note().text();
    long seconds = Math.max(1, nowMs.getAsLong() / 1_000);
    List<NoteSignature> signatures =
        signers.stream().map(signer -> signer.sign(text, seconds)).toList();
    SignedNote note = submission.note().with(signatures);
    files.putForced(file(checkpoint.origin()), note.bytes());
    last.put(checkpoint.origin(), note);
    var lines = new StringBuilder();
    signatures.forEach(signature -> lines.append(signature.line()));
    return new Answer(200, "text/plain; charset=utf-8", lines.toString());
  }

  private static Answer reason(int status, @Nullable String text) {
    return new Answer(status, "text/plain; charset=utf-8", text + "\n");
  }

  /// Answers `GET /HEX/checkpoint` of monitors, where `HEX` is SHA-256 of the log's origin; null
  /// when nothing of that log was signed.
  public synchronized @Nullable SignedNote latest(String originHex) {
    for (Map.Entry<String, SignedNote> one : last.entrySet()) {
      if (Hash.hexOf(one.getKey()).equals(originHex)) {
        return one.getValue();
      }
    }
    return null;
  }

  /// Logs that it witnesses, by their origins.
  public Set<String> origins() {
    return Set.copyOf(logs.keySet());
  }

  /// Lets another one open the folder; nothing may be asked of this one any more.
  @Override
  public synchronized void close() throws IOException {
    lock.close();
  }

  /// The body of a request: `old N`, a proof, an empty line, a checkpoint.
  record Submission(long oldSize, List<Hash> proof, SignedNote note, Checkpoint checkpoint) {
    static Submission parse(byte[] body) {
      if (body.length > BODY_BYTES_MAX) {
        throw new FormatException(
            "body of " + body.length + " bytes (expected: at most " + BODY_BYTES_MAX + ")");
      }
      String text = new String(body, StandardCharsets.UTF_8);
      if (!java.util.Arrays.equals(text.getBytes(StandardCharsets.UTF_8), body)) {
        throw new FormatException("the body is not UTF-8");
      }
      int gap = text.indexOf("\n\n");
      String[] lines = gap < 0 ? new String[0] : text.substring(0, gap).split("\n", -1);
      if (lines.length == 0 || !lines[0].matches("old (0|[1-9][0-9]{0,17})")) {
        throw new FormatException(
            "the body (expected: 'old N', proof lines, an empty line, a checkpoint)");
      }
      if (lines.length - 1 > PROOF_HASHES_MAX) {
        throw new FormatException("proof of " + (lines.length - 1) + " hashes (at most 63)");
      }
      var proof = new ArrayList<Hash>();
      for (int i = 1; i < lines.length; i++) {
        proof.add(Hash.parse(lines[i]));
      }
      SignedNote note = SignedNote.parse(text.substring(gap + 2));
      return new Submission(
          Long.parseLong(lines[0].substring("old ".length())),
          List.copyOf(proof),
          note,
          Checkpoint.parse(note.text()));
    }

    static String format(long oldSize, List<Hash> proof, SignedNote note) {
      var text = new StringBuilder("old ").append(oldSize).append('\n');
      proof.forEach(hash -> text.append(hash.base64()).append('\n'));
      return text.append('\n').append(note.format()).toString();
    }
  }
}
