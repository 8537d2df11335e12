package org.aigrid.live.tlog;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Proves offline that an entry is in a log (C2SP `tlog-proof`): its index, the siblings on its way
/// to the root, and the checkpoint with its signatures. About 7 KB with an ML-DSA-44 signature.
/// Immutable.
///
/// @param index of the entry
/// @param hashes siblings, the leaf's first
/// @param checkpoint signed by the log and its witnesses
public record TlogProof(long index, List<Hash> hashes, SignedNote checkpoint) {
  private static final String HEADER = "c2sp.org/tlog-proof@v1";
  private static final int HASHES_MAX = 63;

  public TlogProof {
    hashes = List.copyOf(hashes);
    if (index < 0 || hashes.size() > HASHES_MAX) {
      throw new FormatException(
          "proof of index "
              + index
              + " with "
              + hashes.size()
              + " hashes (expected: 0 or more, at most 63 hashes)");
    }
  }

  public String format() {
    var text = new StringBuilder(HEADER).append("\nindex ").append(index).append('\n');
    hashes.forEach(hash -> text.append(hash.base64()).append('\n'));
    return text.append('\n').append(checkpoint.format()).toString();
  }

  public static TlogProof parse(byte[] bytes) {
    return parse(SignedNote.textOf(bytes, SignedNote.BYTES_MAX, "proof"));
  }

  /// Reads a proof; an `extra` line is let pass, since nothing here gives it a meaning.
  public static TlogProof parse(String text) {
    if (text.getBytes(StandardCharsets.UTF_8).length > SignedNote.BYTES_MAX) {
      throw new FormatException("proof above " + SignedNote.BYTES_MAX + " bytes");
    }
    int gap = text.indexOf("\n\n");
    if (gap < 0) {
      throw new FormatException(
          "proof '" + Base64s.shown(text) + "' (expected: lines, an empty line, a checkpoint)");
    }
    List<String> lines = List.of(text.substring(0, gap).split("\n", -1));
    if (!lines.getFirst().equals(HEADER)) {
      throw new FormatException(
          "proof begins with '" + Base64s.shown(lines.getFirst()) + "' (expected: " + HEADER + ")");
    }
    int at = 1;
    if (at < lines.size() && lines.get(at).startsWith("extra ")) {
      Base64s.decode(lines.get(at).substring("extra ".length()), "extra");
      at++;
    }
    if (at >= lines.size() || !lines.get(at).startsWith("index ")) {
      throw new FormatException("proof without a line 'index N' after its first line");
    }
    long index = Base64s.decimal(lines.get(at).substring("index ".length()), "index");
    if (lines.size() - at - 1 > HASHES_MAX) {
      throw new FormatException("proof of " + (lines.size() - at - 1) + " hashes (at most 63)");
    }
    var hashes = new ArrayList<Hash>();
    for (String line : lines.subList(at + 1, lines.size())) {
      hashes.add(Hash.parse(line));
    }
    return new TlogProof(index, hashes, SignedNote.parse(text.substring(gap + 2)));
  }

  /// What was proved of an entry, or an `UntrustedException` that says what does not fit.
  public TrustPolicy.Trusted check(byte[] entry, TrustPolicy policy) {
    TrustPolicy.Trusted trusted = policy.check(checkpoint);
    Checkpoint tree = trusted.checkpoint();
    if (!TreeProofs.includes(index, tree.size(), Hash.ofLeaf(entry), hashes, tree.root())) {
      throw new UntrustedException(
          "the entry is not number "
              + index
              + " of the log "
              + tree.origin()
              + " with "
              + tree.size()
              + " entries: entry, index or proof was changed");
    }
    return trusted;
  }
}
