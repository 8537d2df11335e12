package org.aigrid.live.proof;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.io.JsonStringEncoder;

/// What is answered over HTTP about the log and by the witness, whatever server carries it:
///
/// | path | answer |
/// |---|---|
/// | `GET /checkpoint`, `GET /tile/...` | the log's files, as C2SP `tlog-tiles` has them |
/// | `GET /v1/receipts/ID` | receipt, index and proof as JSON; 404 until it is logged |
/// | `POST /add-checkpoint` | a cosignature of the witness, if there is one |
/// | `GET /HEX/checkpoint` | what the witness signed last of the log with that SHA-256 |
///
/// Nothing of it is secret: entries hold pseudonyms and keyed digests only. Reads files: not for an
/// event loop. Thread-safe.
public final class ProofAnswers {
  private static final Logger logger = LoggerFactory.getLogger(ProofAnswers.class);
  private static final String PLAIN = "text/plain; charset=utf-8";
  private static final String RECEIPTS = "/v1/receipts/";

  /// One answer.
  ///
  /// @param cacheControl value of the header, or null
  public record Answer(int status, String contentType, @Nullable String cacheControl, byte[] body) {
    static Answer text(int status, String text) {
      return new Answer(status, PLAIN, null, (text + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  private final @Nullable TransparencyLog log;
  private final @Nullable LogSource files;
  private final @Nullable Witness witness;

  /// @param log what is served, or null for a witness alone
  /// @param witness or null
  public ProofAnswers(@Nullable TransparencyLog log, @Nullable Witness witness) {
    this.log = log;
    this.witness = witness;
    files = log == null ? null : LogSource.of(log.settings().publicFolder());
  }

  /// Whether a path is one of these, so that a server with other paths can ask.
  public static boolean knows(String path) {
    return path.equals("/checkpoint")
        || path.startsWith("/tile/")
        || path.startsWith(RECEIPTS)
        || path.equals("/add-checkpoint")
        || path.matches("/[0-9a-f]{64}/checkpoint");
  }

  /// Answers one request.
  ///
  /// @param path without query
  /// @param body of a POST
  public Answer answer(String method, String path, byte[] body) {
    try {
      boolean post = path.equals("/add-checkpoint");
      if (!method.equals(post ? "POST" : "GET") && !(method.equals("HEAD") && !post)) {
        return Answer.text(405, method + " (expected: " + (post ? "POST" : "GET") + ")");
      }
      if (post) {
        return submitted(body);
      }
      if (path.startsWith(RECEIPTS)) {
        return receipt(path.substring(RECEIPTS.length()));
      }
      if (path.matches("/[0-9a-f]{64}/checkpoint")) {
        return monitored(path.substring(1, 65));
      }
      return file(path);
    } catch (IOException | FormatException e) {
      logger.error("{} {} failed: {}", method, path, e.getMessage());
      return Answer.text(500, "the log cannot be read");
    }
  }

  private Answer submitted(byte[] body) throws IOException {
    if (witness == null) {
      return Answer.text(404, "no witness here");
    }
    Witness.Answer answer = witness.addCheckpoint(body);
    return new Answer(
        answer.status(),
        answer.contentType(),
        "no-store",
        answer.text().getBytes(StandardCharsets.UTF_8));
  }

  private Answer monitored(String originHex) {
    SignedNote note = witness == null ? null : witness.latest(originHex);
    return note == null
        ? Answer.text(404, "no checkpoint of that log")
        : new Answer(200, PLAIN, "max-age=5", note.bytes());
  }

  private Answer file(String path) throws IOException {
    if (log == null || files == null) {
      return Answer.text(404, "no log here");
    }
    if (path.equals("/checkpoint")) {
      return new Answer(200, PLAIN, "max-age=1", log.checkpoint().bytes());
    }
    Tile tile;
    try {
      tile = Tile.parse(path.substring(1));
    } catch (FormatException e) {
      return Answer.text(404, "no such path");
    }
    byte[] bytes = tile.index() > 1L << 50 ? null : files.read(tile.path());
    return bytes == null
        ? Answer.text(404, "no such tile")
        : new Answer(200, "application/octet-stream", "public, max-age=31536000, immutable", bytes);
  }

  private Answer receipt(String id) throws IOException {
    TransparencyLog from = log;
    if (from == null || id.length() > 200 || !id.matches("[\\x21-\\x7e]+")) {
      return Answer.text(404, "no such receipt");
    }
    TransparencyLog.Logged logged = from.receipt(id);
    if (logged == null) {
      return Answer.text(
          404, "no such receipt (a receipt is logged a second or two after the" + " answer)");
    }
    var json = new ByteArrayOutputStream();
    json.writeBytes(ascii("{\"index\":" + logged.index() + ",\"receipt\":"));
    json.writeBytes(logged.bytes());
    json.writeBytes(ascii(",\"proof\":\""));
    json.writeBytes(
        JsonStringEncoder.getInstance().quoteAsUTF8(from.prove(logged.index()).format()));
    json.writeBytes(ascii("\"}\n"));
    return new Answer(200, "application/json", "no-store", json.toByteArray());
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
