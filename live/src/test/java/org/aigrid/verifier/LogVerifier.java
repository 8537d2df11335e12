package org.aigrid.verifier;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/// Somebody else's verifier: written from the public formats alone (RFC 6962, C2SP `tlog-tiles`,
/// `signed-note`, `tlog-checkpoint`, `tlog-cosignature`, `tlog-proof`), in one file, with the JDK
/// and nothing of the grid. Slow and plain on purpose: every root is computed by the recursive
/// definition from the entries themselves.
///
/// `java LogVerifier.java log FOLDER VKEY... [--seen SIZE ROOT]` checks a whole log, `java
/// LogVerifier.java proof RECEIPT PROOF VKEY...` one receipt.
public final class LogVerifier {
  /// What is wrong, in a sentence.
  public static final class Wrong extends Exception {
    private static final long serialVersionUID = 1L;

    Wrong(String what) {
      super(what);
    }
  }

  /// What a log signed: its size and root.
  public record Head(String origin, long size, String root) {}

  private LogVerifier() {}

  static void main(String... args) throws IOException {
    try {
      List<String> rest = List.of(args).subList(Math.min(args.length, 1), args.length);
      switch (args.length == 0 ? "" : args[0]) {
        case "log" -> {
          int seen = rest.indexOf("--seen");
          List<String> keys = rest.subList(1, seen < 0 ? rest.size() : seen);
          Head before =
              seen < 0
                  ? null
                  : new Head("", Long.parseLong(rest.get(seen + 1)), rest.get(seen + 2));
          System.out.println("good: " + log(Path.of(rest.getFirst()), keys, before));
        }
        case "proof" ->
            System.out.println(
                "good: "
                    + proof(
                        Files.readAllBytes(Path.of(rest.get(0))),
                        Files.readString(Path.of(rest.get(1))),
                        rest.subList(2, rest.size())));
        default -> System.out.println("usage: log FOLDER VKEY... | proof RECEIPT PROOF VKEY...");
      }
    } catch (Wrong e) {
      System.out.println("BAD: " + e.getMessage());
      System.exit(1);
    }
  }

  /// Checks the whole log in a folder, and that it begins with what was seen before.
  public static Head log(Path folder, List<String> vkeys, Head before) throws Wrong, IOException {
    Path file = folder.resolve("checkpoint");
    if (!Files.exists(file)) {
      throw new Wrong("no checkpoint");
    }
    Head head = head(Files.readString(file), vkeys);
    var leaves = new ArrayList<byte[]>();
    long bundles = (head.size() + 255) / 256;
    for (long n = 0; n < bundles; n++) {
      int width = (int) Math.min(256, head.size() - 256 * n);
      byte[] bundle = piece(folder, "entries", n, width);
      int at = 0;
      for (int i = 0; i < width; i++) {
        if (at + 2 > bundle.length) {
          throw new Wrong("bundle " + n + " is cut");
        }
        int length = (bundle[at] & 255) * 256 + (bundle[at + 1] & 255);
        at += 2;
        if (at + length > bundle.length) {
          throw new Wrong("bundle " + n + " is cut");
        }
        leaves.add(sha256(new byte[] {0}, Arrays.copyOfRange(bundle, at, at + length)));
        at += length;
      }
      if (at != bundle.length && Files.exists(folder.resolve(name("entries", n, width)))) {
        throw new Wrong("bundle " + n + " has more than its entries");
      }
    }
    tiles(folder, leaves);
    if (!base64(root(leaves)).equals(head.root())) {
      throw new Wrong("the entries do not have the signed root");
    }
    if (before != null) {
      if (before.size() > head.size()) {
        throw new Wrong("the log was rolled back");
      }
      if (!base64(root(leaves.subList(0, (int) before.size()))).equals(before.root())) {
        throw new Wrong("the log does not continue what was seen before");
      }
    }
    return head;
  }

  private static void tiles(Path folder, List<byte[]> leaves) throws Wrong, IOException {
    List<byte[]> row = leaves;
    for (int level = 0; !row.isEmpty(); level++) {
      var above = new ArrayList<byte[]>();
      for (int from = 0; from < row.size(); from += 256) {
        List<byte[]> part = row.subList(from, Math.min(row.size(), from + 256));
        byte[] tile = piece(folder, Integer.toString(level), from / 256, part.size());
        var expected = new ByteArrayOutputStream();
        part.forEach(expected::writeBytes);
        if (!Arrays.equals(Arrays.copyOf(tile, expected.size()), expected.toByteArray())) {
          throw new Wrong("tile " + level + "/" + from / 256 + " does not fit the entries");
        }
        if (part.size() == 256) {
          above.add(root(part));
        }
      }
      row = above;
    }
  }

  private static byte[] piece(Path folder, String level, long n, int width)
      throws Wrong, IOException {
    Path partial = folder.resolve(name(level, n, width));
    Path full = folder.resolve(name(level, n, 256));
    if (!Files.exists(partial) && !Files.exists(full)) {
      throw new Wrong("tile " + level + "/" + n + " is missing");
    }
    byte[] bytes = Files.readAllBytes(Files.exists(partial) ? partial : full);
    if (!level.equals("entries") && bytes.length != 32 * width && bytes.length != 8_192) {
      throw new Wrong("tile " + level + "/" + n + " is cut");
    }
    return bytes;
  }

  private static String name(String level, long n, int width) {
    String digits = String.format("%03d", n % 1_000);
    for (long rest = n / 1_000; rest > 0; rest /= 1_000) {
      digits = String.format("x%03d/", rest % 1_000) + digits;
    }
    return "tile/" + level + "/" + digits + (width == 256 ? "" : ".p/" + width);
  }

  /// Checks that a receipt is in a log.
  public static Head proof(byte[] receipt, String proof, List<String> vkeys) throws Wrong {
    int gap = proof.indexOf("\n\n");
    if (gap < 0) {
      throw new Wrong("no proof");
    }
    String[] lines = proof.substring(0, gap).split("\n");
    if (lines.length < 2
        || !lines[0].equals("c2sp.org/tlog-proof@v1")
        || !lines[1].matches("index (0|[1-9][0-9]{0,17})")) {
      throw new Wrong("no proof of this version");
    }
    long index = Long.parseLong(lines[1].substring(6));
    Head head = head(proof.substring(gap + 2), vkeys);
    var path = new ArrayList<byte[]>();
    for (String line : Arrays.asList(lines).subList(2, lines.length)) {
      path.add(decode(line));
    }
    if (index >= head.size()) {
      throw new Wrong("the index is not in the tree");
    }
    byte[] root = climb(index, head.size(), sha256(new byte[] {0}, receipt), path);
    if (root == null || !base64(root).equals(head.root())) {
      throw new Wrong("the proof does not lead to the signed root");
    }
    return head;
  }

  /// PATH of RFC 6962 read backwards: the outermost split is the last hash.
  private static byte[] climb(long m, long n, byte[] leaf, List<byte[]> path) {
    if (n == 1) {
      return path.isEmpty() ? leaf : null;
    }
    if (path.isEmpty()) {
      return null;
    }
    long k = Long.highestOneBit(n - 1);
    byte[] sibling = path.getLast();
    List<byte[]> inner = path.subList(0, path.size() - 1);
    byte[] mine = m < k ? climb(m, k, leaf, inner) : climb(m - k, n - k, leaf, inner);
    if (mine == null) {
      return null;
    }
    return m < k ? sha256(new byte[] {1}, mine, sibling) : sha256(new byte[] {1}, sibling, mine);
  }

  /// Checks a signed checkpoint: all of the given keys must have signed.
  static Head head(String note, List<String> vkeys) throws Wrong {
    int gap = note.lastIndexOf("\n\n");
    if (gap < 0) {
      throw new Wrong("no signed note");
    }
    String text = note.substring(0, gap + 1);
    String[] body = text.split("\n");
    if (body.length < 3 || !body[1].matches("0|[1-9][0-9]{0,17}")) {
      throw new Wrong("no checkpoint");
    }
    var head = new Head(body[0], Long.parseLong(body[1]), body[2]);
    for (String vkey : vkeys) {
      check(text, head, note.substring(gap + 2), vkey);
    }
    return head;
  }

  private static void check(String text, Head head, String signatures, String vkey) throws Wrong {
    String[] parts = vkey.split("\\+", 3);
    byte[] typed = decode(parts[2]);
    byte[] id = Arrays.copyOf(sha256((parts[0] + "\n").getBytes(StandardCharsets.UTF_8), typed), 4);
    if (!HexFormat.of().formatHex(id).equals(parts[1])) {
      throw new Wrong("the key's id is not that of the key");
    }
    for (String line : signatures.split("\n")) {
      String[] words = line.split(" ");
      if (words.length != 3 || !words[0].equals("\u2014") || !words[1].equals(parts[0])) {
        continue;
      }
      byte[] bytes = decode(words[2]);
      if (bytes.length < 5 || !Arrays.equals(Arrays.copyOf(bytes, 4), id)) {
        continue;
      }
      if (!fits(text, head, parts[0], typed, Arrays.copyOfRange(bytes, 4, bytes.length))) {
        throw new Wrong("a signature of " + parts[0] + " is wrong");
      }
      return;
    }
    throw new Wrong("no signature by the key " + parts[0] + "+" + parts[1]);
  }

  private static boolean fits(String text, Head head, String name, byte[] typed, byte[] signature)
      throws Wrong {
    byte[] key = Arrays.copyOfRange(typed, 1, typed.length);
    try {
      return switch (typed[0]) {
        case 1 -> verify("Ed25519", ed25519(key), text.getBytes(StandardCharsets.UTF_8), signature);
        case 4 -> {
          String message =
              "cosignature/v1\ntime "
                  + new BigInteger(1, Arrays.copyOf(signature, 8))
                  + "\n"
                  + text;
          yield verify(
              "Ed25519",
              ed25519(key),
              message.getBytes(StandardCharsets.UTF_8),
              Arrays.copyOfRange(signature, 8, signature.length));
        }
        case 6 ->
            verify(
                "ML-DSA-44",
                publicKey("ML-DSA-44", "30820532300b06096086480165030403110382052100", key),
                subtree(name, head, Arrays.copyOf(signature, 8)),
                Arrays.copyOfRange(signature, 8, signature.length));
        default -> throw new Wrong("unknown kind of key " + typed[0]);
      };
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static byte[] subtree(String name, Head head, byte[] time) throws Wrong {
    var message = new ByteArrayOutputStream();
    message.writeBytes("subtree/v1\n\0".getBytes(StandardCharsets.US_ASCII));
    byte[] signer = name.getBytes(StandardCharsets.UTF_8);
    byte[] origin = head.origin().getBytes(StandardCharsets.UTF_8);
    message.write(signer.length);
    message.writeBytes(signer);
    message.writeBytes(time);
    message.write(origin.length);
    message.writeBytes(origin);
    message.writeBytes(new byte[8]);
    message.writeBytes(HexFormat.of().parseHex(String.format("%016x", head.size())));
    message.writeBytes(decode(head.root()));
    return message.toByteArray();
  }

  private static PublicKey ed25519(byte[] key) throws GeneralSecurityException {
    return publicKey("Ed25519", "302a300506032b6570032100", key);
  }

  private static PublicKey publicKey(String algorithm, String prefix, byte[] key)
      throws GeneralSecurityException {
    byte[] der = HexFormat.of().parseHex(prefix + HexFormat.of().formatHex(key));
    return KeyFactory.getInstance(algorithm).generatePublic(new X509EncodedKeySpec(der));
  }

  private static boolean verify(String algorithm, PublicKey key, byte[] message, byte[] signature)
      throws GeneralSecurityException {
    Signature verifier = Signature.getInstance(algorithm);
    verifier.initVerify(key);
    verifier.update(message);
    return verifier.verify(signature);
  }

  private static byte[] root(List<byte[]> leaves) {
    int n = leaves.size();
    if (n == 0) {
      return sha256();
    }
    if (n == 1) {
      return leaves.getFirst();
    }
    int k = Integer.highestOneBit(n - 1);
    return sha256(new byte[] {1}, root(leaves.subList(0, k)), root(leaves.subList(k, n)));
  }

  private static byte[] sha256(byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] part : parts) {
        digest.update(part);
      }
      return digest.digest();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static byte[] decode(String text) throws Wrong {
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new Wrong("no base64");
    }
  }
}
