package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.Tiles;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.verifier.LogVerifier;
import org.aigrid.verifier.LogVerifier.Head;
import org.aigrid.verifier.LogVerifier.Wrong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A verifier that shares no code with the log accepts the real one and rejects each kind of
/// tampering; the grid's own audit must judge the same.
class PublicVerifierTest {
  private static final int SIZE = 700; // two full tiles and one of 188

  @TempDir private Path temporary;
  private Path folder;
  private List<String> vkeys;
  private List<NoteKey> keys;
  private Head seen;
  private byte[] receipt;
  private TlogProof proof;

  @BeforeEach
  void writeALog() throws Exception {
    Path data = temporary.resolve("data");
    LogSettings settings = TransparencyLogTest.settings(data);
    folder = settings.publicFolder();
    try (TransparencyLog log = TransparencyLog.open(settings, () -> Receipts.AT_MS)) {
      keys = log.publicKeys();
      vkeys = keys.stream().map(NoteKey::vkey).toList();
      TransparencyLogTest.fill(log, 0, 300);
      seen = LogVerifier.log(folder, vkeys, null);
      TransparencyLogTest.fill(log, 300, SIZE);
      TransparencyLog.Logged logged = Objects.requireNonNull(log.receipt("req-333"));
      receipt = logged.bytes();
      proof = log.prove(logged.index());
    }
  }

  private void rejected(String because) {
    assertThatThrownBy(() -> LogVerifier.log(folder, vkeys, seen))
        .isInstanceOf(Wrong.class)
        .hasMessageContaining(because);
    var policy = org.aigrid.live.tlog.TrustPolicy.of(keys);
    var before =
        new org.aigrid.live.tlog.Checkpoint(seen.origin(), seen.size(), Hash.parse(seen.root()));
    assertThatThrownBy(
            () -> LogAudit.check(LogSource.of(folder), policy, before, (index, bytes) -> {}))
        .isInstanceOfAny(
            org.aigrid.live.tlog.UntrustedException.class,
            org.aigrid.live.tlog.FormatException.class,
            LogRefusedException.class);
  }

  private void change(Tile tile, Function<byte[], byte[]> how) throws Exception {
    Path file = folder.resolve(tile.path());
    Files.write(file, how.apply(Files.readAllBytes(file)));
  }

  private void changeEntries(int bundle, Function<List<byte[]>, List<byte[]>> how)
      throws Exception {
    var tile = new Tile(Tile.ENTRIES, bundle, 256);
    change(tile, bytes -> Tiles.ofEntries(how.apply(new ArrayList<>(Tiles.entries(tile, bytes)))));
  }

  @Test
  void sharesNothingWithTheGrid() {
    ArchRuleDefinition.classes()
        .that()
        .resideInAPackage("org.aigrid.verifier..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("java..", "org.aigrid.verifier..")
        .check(new ClassFileImporter().importPackages("org.aigrid.verifier"));
  }

  @Test
  void theRealLogIsAccepted() throws Exception {
    Head head = LogVerifier.log(folder, vkeys, seen);
    assertThat(head.size()).isEqualTo(SIZE);
    assertThat(LogVerifier.proof(receipt, proof.format(), vkeys)).isEqualTo(head);
  }

  @Test
  void anEditedEntryIsRejected() throws Exception {
    changeEntries(
        1,
        entries -> {
          String text = new String(entries.get(7), StandardCharsets.UTF_8);
          entries.set(7, text.replace("\"JP\"", "\"US\"").getBytes(StandardCharsets.UTF_8));
          return entries;
        });
    rejected("do");
  }

  @Test
  void anEntryEditedTogetherWithItsTilesIsRejected() throws Exception {
    var edited = new byte[1][];
    changeEntries(
        1,
        entries -> {
          edited[0] = "{}".getBytes(StandardCharsets.UTF_8);
          entries.set(7, edited[0]);
          return entries;
        });
    var root = new Hash[1];
    change(
        new Tile(0, 1, 256),
        bytes -> {
          Hash.ofLeaf(edited[0]).copyTo(bytes, 7 * 32);
          root[0] = Tiles.root(Tiles.hashes(new Tile(0, 1, 256), bytes));
          return bytes;
        });
    change(
        new Tile(1, 0, 2),
        bytes -> {
          root[0].copyTo(bytes, 32);
          return bytes;
        });
    rejected("signed root");
  }

  @ParameterizedTest(name = "tile {0}")
  @ValueSource(strings = {"tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"})
  void anEditedTileIsRejected(String path) throws Exception {
    change(
        Tile.parse(path),
        bytes -> {
          bytes[40] ^= 1;
          return bytes;
        });
    rejected("does not fit the entries");
  }

  @Test
  void aTruncatedLogIsRejected() throws Exception {
    Files.delete(folder.resolve("tile/entries/002.p/188"));
    rejected("missing");
  }

  @Test
  void aCutFileIsRejected() throws Exception {
    change(
        new Tile(Tile.ENTRIES, 2, 188), bytes -> java.util.Arrays.copyOf(bytes, bytes.length - 9));
    rejected("cut");
  }

  @Test
  void reorderedEntriesAreRejected() throws Exception {
    changeEntries(
        0,
        entries -> {
          java.util.Collections.swap(entries, 3, 4);
          return entries;
        });
    rejected("does not fit the entries");
  }

  @Test
  void aRolledBackLogIsRejected() throws Exception {
    Path older = temporary.resolve("older");
    try (TransparencyLog log =
        TransparencyLog.open(TransparencyLogTest.settings(older), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(log, 0, 200);
      use(TransparencyLogTest.settings(older), log);
    }
    rejected("rolled back");
  }

  @Test
  void aForkedLogIsRejected() throws Exception {
    Path fork = temporary.resolve("fork");
    try (TransparencyLog log =
        TransparencyLog.open(TransparencyLogTest.settings(fork), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(log, 1, SIZE + 1); // the first receipt is left out
      use(TransparencyLogTest.settings(fork), log);
    }
    rejected("does not continue");
  }

  /// From now on the log of these settings, rightly signed by its keys, is what is shown.
  private void use(LogSettings settings, TransparencyLog log) {
    folder = settings.publicFolder();
    keys = log.publicKeys();
    vkeys = keys.stream().map(NoteKey::vkey).toList();
  }

  @Test
  void aWrongSignatureIsRejected() throws Exception {
    Path file = folder.resolve("checkpoint");
    String good = Files.readString(file);
    SignedNote note = SignedNote.parse(good);
    for (int i = 0; i < 2; i++) {
      byte[] bytes = note.signatures().get(i).bytes();
      bytes[bytes.length / 2] ^= 4;
      var signatures = new ArrayList<>(note.signatures());
      signatures.set(
          i,
          new org.aigrid.live.tlog.NoteSignature(
              signatures.get(i).name(), signatures.get(i).id(), bytes));
      Files.writeString(file, new SignedNote(note.text(), signatures).format());
      rejected("is wrong");
    }
    Files.writeString(file, good.replace("\n" + SIZE + "\n", "\n" + (SIZE - 1) + "\n"));
    rejected("is wrong");
  }

  @Test
  void aSwappedKeyIsRejected() throws Exception {
    Path other = temporary.resolve("other");
    try (TransparencyLog log =
        TransparencyLog.open(TransparencyLogTest.settings(other), () -> Receipts.AT_MS)) {
      TransparencyLogTest.fill(log, 0, SIZE);
    }
    // The same entries, the same origin, signed by someone else.
    Files.copy(
        TransparencyLogTest.settings(other).publicFolder().resolve("checkpoint"),
        folder.resolve("checkpoint"),
        StandardCopyOption.REPLACE_EXISTING);
    rejected("no signature by the key");
  }

  @Test
  void forgedInclusionProofsAreRejected() throws Exception {
    String good = proof.format();
    byte[] edited =
        new String(receipt, StandardCharsets.UTF_8)
            .replace("\"JP\"", "\"US\"")
            .getBytes(StandardCharsets.UTF_8);
    var hashes = new ArrayList<>(proof.hashes());
    hashes.set(2, Hash.OF_EMPTY_TREE);
    Map<String, byte[]> forged =
        Map.of(
            good,
            edited,
            good.replace("index 333", "index 332"),
            receipt,
            good.replace("index 333", "index 70000"),
            receipt,
            new TlogProof(proof.index(), hashes, proof.checkpoint()).format(),
            receipt,
            new TlogProof(proof.index(), proof.hashes().subList(1, 9), proof.checkpoint()).format(),
            receipt,
            good.replace("tlog-proof@v1", "tlog-proof@v2"),
            receipt);
    var policy = org.aigrid.live.tlog.TrustPolicy.of(keys);
    forged.forEach(
        (text, leaf) -> {
          assertThatThrownBy(() -> LogVerifier.proof(leaf, text, vkeys)).isInstanceOf(Wrong.class);
          assertThatThrownBy(() -> TlogProof.parse(text).check(leaf, policy))
              .isInstanceOfAny(
                  org.aigrid.live.tlog.UntrustedException.class,
                  org.aigrid.live.tlog.FormatException.class);
        });
  }
}
