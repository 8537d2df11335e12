package org.aigrid.live.tlog;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Throws bent bytes at every parser: whatever comes, it is read or refused with a
/// `FormatException`. Mutations of good examples by seed; `-Dgrid.fuzz=N` makes N of each instead
/// of 2,000.
class ParserFuzzTest {
  private static final int ROUNDS = Integer.getInteger("grid.fuzz", 2_000);

  private final NoteSigner signer = NoteTest.signer("grid.example/log", KeyType.ED25519);
  private final SignedNote note =
      new SignedNote(
          NoteTest.CHECKPOINT.text(), List.of(signer.sign(NoteTest.CHECKPOINT.text(), 1)));

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {1, 2, 3})
  void nothingButFormatExceptionsComesOut(int seed) {
    var random = new SplittableRandom(seed);
    NoteKey key = signer.key();
    fuzz(random, note.bytes(), bytes -> SignedNote.parse(bytes).signersAmong(List.of(key)));
    fuzz(random, note.bytes(), bytes -> Checkpoint.parse(SignedNote.parse(bytes).text()));
    fuzz(random, utf8(note.text()), bytes -> Checkpoint.parse(text(bytes)));
    fuzz(
        random,
        utf8(new TlogProof(3, List.of(Hash.OF_EMPTY_TREE, Hash.OF_EMPTY_TREE), note).format()),
        bytes -> TlogProof.parse(bytes));
    fuzz(random, utf8("tile/0/x001/x234/067.p/12"), bytes -> Tile.parse(text(bytes)));
    fuzz(random, utf8(key.vkey()), bytes -> NoteKey.parse(text(bytes)));
    String policy =
        "log "
            + key.vkey()
            + "\nwitness a "
            + NoteTest.signer("w", KeyType.ED25519_COSIGNATURE).key().vkey()
            + "\ngroup g any a\nquorum g\n";
    fuzz(random, utf8(policy), bytes -> TrustPolicy.parse(text(bytes)));
    var bundle = new Tile(Tile.ENTRIES, 0, 3);
    fuzz(
        random,
        Tiles.ofEntries(List.of(utf8("{}"), utf8("{\"a\":1}"), new byte[300])),
        bytes -> Tiles.entries(bundle, bytes));
    var tile = new Tile(0, 0, 2);
    fuzz(random, new byte[64], bytes -> Tiles.hashes(tile, bytes));
  }

  private static void fuzz(SplittableRandom random, byte[] good, Consumer<byte[]> parser) {
    parser.accept(good);
    for (int i = 0; i < ROUNDS; i++) {
      try {
        parser.accept(bent(good, random));
      } catch (FormatException | UntrustedException e) {
        // refused, as it should be
      }
    }
  }

  /// One to four changes: a bit, a byte, a cut, a piece doubled, a piece put elsewhere.
  static byte[] bent(byte[] good, SplittableRandom random) {
    byte[] bytes = good.clone();
    for (int n = 1 + random.nextInt(4); n > 0 && bytes.length > 0; n--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = java.util.Arrays.copyOf(bytes, at);
        case 3 -> bytes = spliced(bytes, at, bytes, at, Math.min(bytes.length, at + 40));
        case 4 -> bytes[at] = (byte) "\n\n +-/0=9\u00ff".charAt(random.nextInt(10));
        default -> {
          byte[] noise = new byte[1 + random.nextInt(8)];
          random.nextBytes(noise);
          bytes = spliced(bytes, at, noise, 0, noise.length);
        }
      }
    }
    return bytes;
  }

  private static byte[] spliced(byte[] into, int at, byte[] from, int begin, int end) {
    byte[] all = new byte[into.length + end - begin];
    System.arraycopy(into, 0, all, 0, at);
    System.arraycopy(from, begin, all, at, end - begin);
    System.arraycopy(into, at, all, at + end - begin, into.length - at);
    return all;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
