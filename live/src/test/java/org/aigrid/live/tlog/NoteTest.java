package org.aigrid.live.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Keys, notes and checkpoints.
class NoteTest {
  /// The example of Go's `sumdb/note`: key, text and signature made by another implementation.
  private static final String FOREIGN_KEY =
      "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

  private static final String FOREIGN_NOTE =
      """
      If you think cryptography is the answer to your problem,
      then you don't know what your problem is.

      \u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
      """;

  static NoteSigner signer(String name, KeyType type) {
    try {
      KeyPair pair = KeyPairGenerator.getInstance(type.algorithm()).generateKeyPair();
      return new NoteSigner(NoteKey.of(name, type, pair.getPublic()), pair.getPrivate());
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  static final Checkpoint CHECKPOINT =
      new Checkpoint("grid.example/log", 7, Hash.ofLeaf(new byte[] {1}));

  @Test
  void aNoteOfAnotherImplementationIsVerified() {
    NoteKey key = NoteKey.parse(FOREIGN_KEY);
    assertThat(key.vkey()).isEqualTo(FOREIGN_KEY);
    assertThat(SignedNote.parse(FOREIGN_NOTE).signers(List.of(key))).containsExactly(key);
    assertThat(SignedNote.parse(FOREIGN_NOTE).format()).isEqualTo(FOREIGN_NOTE);
    assertThatThrownBy(
            () ->
                SignedNote.parse(FOREIGN_NOTE.replace("your problem is", "my problem is"))
                    .signers(List.of(key)))
        .isInstanceOf(UntrustedException.class)
        .hasMessageContaining("PeterNeumann");
  }

  @Test
  void theKeyOfARealLogIsRead() {
    String sumdb = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    assertThat(NoteKey.parse(sumdb).vkey()).isEqualTo(sumdb);
    assertThatThrownBy(() -> NoteKey.parse(sumdb.replace("033de0ae", "033de0af")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("a character was changed");
  }

  @ParameterizedTest
  @EnumSource(KeyType.class)
  void whatIsSignedIsVerifiedAndNothingElse(KeyType type) {
    NoteSigner signer = signer("grid.example/log", type);
    NoteKey key = NoteKey.parse(signer.key().vkey());
    NoteSignature signature = signer.sign(CHECKPOINT.text(), 1_234);
    assertThat(key.signed(CHECKPOINT.text(), signature.bytes())).isTrue();
    assertThat(signature.bytes()).hasSize(type.signatureBytes());
    Checkpoint other = new Checkpoint("grid.example/log", 8, CHECKPOINT.root());
    assertThat(key.signed(other.text(), signature.bytes())).isFalse();
    byte[] bent = signature.bytes();
    bent[0] ^= 1; // the time, or the signature itself
    assertThat(key.signed(CHECKPOINT.text(), bent)).isFalse();
    assertThat(signer("grid.example/log", type).key().signed(CHECKPOINT.text(), signature.bytes()))
        .isFalse();
    assertThat(NoteSignature.parse(signature.line().strip())).isEqualTo(signature);
  }

  @Test
  void anMlDsaCosignatureCommitsToTheSignersName() {
    NoteSigner signer = signer("witness.example/a", KeyType.ML_DSA_44_COSIGNATURE);
    NoteSignature signature = signer.sign(CHECKPOINT.text(), 5);
    byte[] vkey = java.util.Base64.getDecoder().decode(signer.key().vkey().split("\\+", 3)[2]);
    var renamed =
        new NoteKey(
            "witness.example/b",
            KeyType.ML_DSA_44_COSIGNATURE,
            java.util.Arrays.copyOfRange(vkey, 1, vkey.length));
    assertThat(renamed.signed(CHECKPOINT.text(), signature.bytes())).isFalse();
  }

  @Test
  void unknownSignersAreLetPassButOneKnownMustHaveSigned() {
    NoteSigner known = signer("a.example", KeyType.ED25519);
    NoteSigner unknown = signer("b.example", KeyType.ED25519);
    String text = CHECKPOINT.text();
    var both = new SignedNote(text, List.of(unknown.sign(text, 1), known.sign(text, 1)));
    assertThat(SignedNote.parse(both.bytes()).signers(List.of(known.key())))
        .containsExactly(known.key());
    var foreign = new SignedNote(text, List.of(unknown.sign(text, 1)));
    assertThatThrownBy(() -> foreign.signers(List.of(known.key())))
        .isInstanceOf(UntrustedException.class)
        .hasMessageContaining("no signature of a known key");
  }

  @Test
  void sixteenSignaturesAreTakenAndTooManyAreNot() {
    NoteSigner signer = signer("a.example", KeyType.ED25519);
    String text = CHECKPOINT.text();
    var signatures = new ArrayList<NoteSignature>();
    for (int i = 0; i < SignedNote.SIGNATURES_MAX; i++) {
      signatures.add(new NoteSignature("other.example", i, new byte[] {1}));
    }
    signatures.set(40, signer.sign(text, 1));
    String note = new SignedNote(text, signatures).format();
    assertThat(SignedNote.parse(note).signers(List.of(signer.key()))).hasSize(1);
    assertThatThrownBy(() -> SignedNote.parse(note + signatures.getFirst().line()))
        .isInstanceOf(FormatException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a\n",
        "a\n\n",
        "\n\n\u2014 a AAAAAAA=\n",
        "a\n\n\u2014 a AAAAAAA=",
        "a\n\n\u2014 a AAAAAAA\n",
        "a\n\n- a AAAAAAA=\n",
        "a\n\n\u2014 a+b AAAAAAA=\n",
        "a\n\n\u2014 a AAAA\n",
        "a\tb\n\n\u2014 a AAAAAAA=\n",
        "a\n\n\u2014 a AAAAAAA=\n\n",
        "a\n\n\u2014 a  AAAAAAA=\n",
        "a\n\n\u2014 a AAAAAAB=\n"
      })
  void whatIsNoNoteIsRefused(String note) {
    assertThatThrownBy(() -> SignedNote.parse(note.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(FormatException.class);
  }

  @Test
  void checkpointsAreReadBackAndOddOnesRefused() {
    assertThat(Checkpoint.parse(CHECKPOINT.text())).isEqualTo(CHECKPOINT);
    var empty = new Checkpoint("a", 0, Hash.OF_EMPTY_TREE);
    assertThat(empty.text()).isEqualTo("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    String root = Hash.OF_EMPTY_TREE.base64();
    for (String odd :
        List.of(
            "a\n00\n" + root + "\n",
            "a\n-1\n" + root + "\n",
            "a\n+1\n" + root + "\n",
            "a b\n1\n" + root + "\n",
            "\n1\n" + root + "\n",
            "a\n1\n" + root,
            "a\n1\n" + root.substring(1) + "\n",
            "a\n1\n",
            "a\n9999999999999999999\n" + root + "\n",
            "a\n1\n" + root + "\n\n")) {
      assertThatThrownBy(() -> Checkpoint.parse(odd)).as(odd).isInstanceOf(FormatException.class);
    }
  }
}
