package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Frontier;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.TreeNodes;
import org.aigrid.live.tlog.TreeProofs;
import org.aigrid.live.tlog.TrustPolicy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A witness signs what continues its memory, and answers everything else as the specification
/// says.
class WitnessTest {
  private static final String ORIGIN = "grid.example/log";

  @TempDir private Path temporary;
  private LogKeys logKeys;
  private TrustPolicy trusted;
  private Witness witness;

  @BeforeEach
  void open() throws Exception {
    logKeys = LogKeys.open(temporary.resolve("log-keys"), ORIGIN, LogKeys.Role.LOG);
    trusted = TrustPolicy.of(logKeys.publicKeys());
    witness = Witness.open(temporary.resolve("witness"), "witness.example", trusted, () -> 5_000);
  }

  /// Leaves of one history or another.
  private static Hash leaf(String history, long index) {
    return Hash.ofLeaf((history + index).getBytes(StandardCharsets.UTF_8));
  }

  private static TreeNodes nodes(String history) {
    return (level, index) -> {
      var frontier = new Frontier();
      for (long i = index << level; i < (index + 1) << level; i++) {
        frontier.add(leaf(history, i));
      }
      return frontier.root();
    };
  }

  private SignedNote note(Checkpoint checkpoint) {
    return new SignedNote(
        checkpoint.text(),
        logKeys.signers().stream().map(signer -> signer.sign(checkpoint.text(), 3)).toList());
  }

  private Checkpoint checkpoint(String history, long size) {
    return new Checkpoint(ORIGIN, size, TreeProofs.root(size, nodes(history)));
  }

  private Witness.Answer ask(String history, long old, long size) throws Exception {
    return ask(
        old, TreeProofs.consistency(old, size, nodes(history)), note(checkpoint(history, size)));
  }

  private Witness.Answer ask(long old, List<Hash> proof, SignedNote note) throws Exception {
    return witness.addCheckpoint(
        Witness.Submission.format(old, proof, note).getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void whatContinuesIsSignedWithBothKeys() throws Exception {
    for (long[] step : new long[][] {{0, 5}, {5, 5}, {5, 77}, {77, 300}}) {
      Witness.Answer answer = ask("a", step[0], step[1]);
      assertThat(answer.status()).isEqualTo(200);
      List<NoteSignature> signatures = answer.text().lines().map(NoteSignature::parse).toList();
      SignedNote note = note(checkpoint("a", step[1])).with(signatures);
      assertThat(note.signers(witness.publicKeys())).hasSize(2);
      assertThat(org.aigrid.live.tlog.NoteKey.timeOf(signatures.getFirst().bytes())).isEqualTo(5);
    }
    SignedNote shown = Objects.requireNonNull(witness.latest(Hash.hexOf(ORIGIN)));
    assertThat(Checkpoint.parse(shown.text()).size()).isEqualTo(300);
    assertThat(witness.latest(Hash.hexOf("other"))).isNull();
  }

  @Test
  void anEmptyLogIsSigned() throws Exception {
    assertThat(ask("a", 0, 0).status()).isEqualTo(200);
    assertThat(ask("a", 0, 3).status()).isEqualTo(200);
  }

  @Test
  void anotherLogIs404() throws Exception {
    var other = new Checkpoint("other.example", 1, leaf("a", 0));
    assertThat(ask(0, List.of(), note(other)).status()).isEqualTo(404);
  }

  @Test
  void aMissingOrFailingSignatureIs403() throws Exception {
    Checkpoint checkpoint = checkpoint("a", 4);
    LogKeys others = LogKeys.open(temporary.resolve("others"), ORIGIN, LogKeys.Role.LOG);
    SignedNote foreign =
        new SignedNote(
            checkpoint.text(), List.of(others.signers().getFirst().sign(checkpoint.text(), 1)));
    assertThat(ask(0, List.of(), foreign).status()).isEqualTo(403);
    SignedNote good = note(checkpoint);
    String bent = good.format().replace("\n4\n", "\n5\n");
    assertThat(ask(0, List.of(), SignedNote.parse(bent)).status()).isEqualTo(403);
  }

  @Test
  void anOldSizeBeyondTheCheckpointIs400() throws Exception {
    assertThat(ask(5, List.of(), note(checkpoint("a", 4))).status()).isEqualTo(400);
    for (String odd : List.of("", "old 1", "old -1\n\n", "new 1\n\nx\n", "old 0\n\n", "\n\n")) {
      assertThat(witness.addCheckpoint(odd.getBytes(StandardCharsets.UTF_8)).status())
          .as(odd)
          .isEqualTo(400);
    }
    assertThat(witness.addCheckpoint(new byte[] {(byte) 0xff, '\n', '\n'}).status()).isEqualTo(400);
  }

  @Test
  void aSizeThatIsNotTheLastIs409AndSaysWhichIs() throws Exception {
    ask("a", 0, 5);
    for (long old : new long[] {0, 3, 4}) {
      Witness.Answer answer = ask("a", old, 9);
      assertThat(answer.status()).isEqualTo(409);
      assertThat(answer.contentType()).isEqualTo("text/x.tlog.size");
      assertThat(answer.text()).isEqualTo("5\n");
    }
  }

  @Test
  void whatDoesNotContinueIs422() throws Exception {
    Hash root = leaf("x", 1);
    assertThat(ask(0, List.of(), note(new Checkpoint(ORIGIN, 0, root))).status()).isEqualTo(422);
    assertThat(ask(0, List.of(root), note(checkpoint("a", 5))).status()).isEqualTo(422);
    ask("a", 0, 5);
    assertThat(ask("b", 5, 9).status()).isEqualTo(422);
    assertThat(ask("b", 5, 5).status()).isEqualTo(422);
    assertThat(ask(5, List.of(), note(checkpoint("a", 9))).status()).isEqualTo(422);
    assertThat(ask("a", 5, 9).status()).isEqualTo(200);
  }

  @Test
  void itsMemoryOutlivesIt() throws Exception {
    ask("a", 0, 5);
    assertThatThrownBy(
            () ->
                Witness.open(temporary.resolve("witness"), "witness.example", trusted, () -> 6_000))
        .isInstanceOf(LogRefusedException.class)
        .hasMessageContaining("in use by another witness");
    witness.close();
    witness = Witness.open(temporary.resolve("witness"), "witness.example", trusted, () -> 6_000);
    assertThat(ask("b", 0, 5).status()).isEqualTo(409);
    assertThat(ask("a", 5, 6).status()).isEqualTo(200);
    Path file = temporary.resolve("witness/logs").resolve(Hash.hexOf(ORIGIN)).resolve("checkpoint");
    witness.close();
    Files.writeString(file, Files.readString(file).replace("\n6\n", "\n5\n"));
    assertThatThrownBy(
            () ->
                Witness.open(temporary.resolve("witness"), "witness.example", trusted, () -> 6_000))
        .isInstanceOf(LogRefusedException.class);
  }

  @Test
  void ofTwoHistoriesAtOnceOneIsSigned() throws Exception {
    for (int round = 0; round < 5; round++) {
      long old = 10L * round;
      try (var threads = Executors.newFixedThreadPool(4)) {
        var asked = new ArrayList<Callable<Integer>>();
        for (int i = 0; i < 4; i++) {
          long size = old + 10 - (i == 3 ? 0 : i);
          asked.add(() -> ask("a", old, size).status());
        }
        var statuses = new ArrayList<Integer>();
        for (Future<Integer> one : threads.invokeAll(asked)) {
          statuses.add(one.get());
        }
        // The first one wins; the others are told the new size.
        assertThat(statuses).contains(200);
        SignedNote shown = Objects.requireNonNull(witness.latest(Hash.hexOf(ORIGIN)));
        long now = Checkpoint.parse(shown.text()).size();
        assertThat(statuses.stream().filter(status -> status == 200).count()).isEqualTo(1);
        if (now < old + 10) {
          assertThat(ask("a", now, old + 10).status()).isEqualTo(200);
        }
      }
    }
  }

  @Test
  void bentRequestsNeverBreakIt() throws Exception {
    ask("a", 0, 5);
    byte[] good =
        Witness.Submission.format(
                5, TreeProofs.consistency(5, 9, nodes("a")), note(checkpoint("a", 9)))
            .getBytes(StandardCharsets.UTF_8);
    var random = new java.util.SplittableRandom(4);
    for (int i = 0; i < 400; i++) {
      byte[] bent = good.clone();
      bent[random.nextInt(bent.length)] ^= (byte) (1 << random.nextInt(8));
      if (i % 3 == 0) {
        bent = java.util.Arrays.copyOf(bent, random.nextInt(bent.length));
      }
      try {
        assertThat(witness.addCheckpoint(bent).status()).isIn(200, 400, 403, 404, 409, 422);
      } catch (FormatException e) {
        throw new AssertionError("round " + i, e);
      }
    }
  }
}
