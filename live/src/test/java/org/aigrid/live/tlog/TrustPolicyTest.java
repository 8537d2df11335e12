package org.aigrid.live.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whom a verifier believes.
class TrustPolicyTest {
  private final NoteSigner log = NoteTest.signer("grid.example/log", KeyType.ED25519);
  private final NoteSigner logMl =
      NoteTest.signer("grid.example/log", KeyType.ML_DSA_44_COSIGNATURE);
  private final List<NoteSigner> witnesses =
      List.of(
          NoteTest.signer("w1.example", KeyType.ML_DSA_44_COSIGNATURE),
          NoteTest.signer("w2.example", KeyType.ED25519_COSIGNATURE),
          NoteTest.signer("w3.example", KeyType.ML_DSA_44_COSIGNATURE));

  private String policy(String end) {
    var text = new StringBuilder("# whom to believe\n\n");
    text.append("log ").append(log.key().vkey()).append(" https://grid.example/log\n");
    text.append("log ").append(logMl.key().vkey()).append('\n');
    for (int i = 0; i < witnesses.size(); i++) {
      text.append("witness w" + (i + 1) + " " + witnesses.get(i).key().vkey() + "\n");
    }
    return text + end;
  }

  private SignedNote note(int... signers) {
    String text = NoteTest.CHECKPOINT.text();
    var all = new ArrayList<NoteSignature>();
    all.add(log.sign(text, 9));
    for (int i : signers) {
      all.add(witnesses.get(i - 1).sign(text, 9));
    }
    return new SignedNote(text, all);
  }

  @Test
  void twoOfThreeWitnessesAreAQuorum() {
    TrustPolicy policy = TrustPolicy.parse(policy("group outside 2 w1 w2 w3\nquorum outside\n"));
    assertThat(policy.check(note(1, 3)).witnesses()).containsExactlyInAnyOrder("w1", "w3");
    assertThat(policy.check(note(1, 2, 3)).checkpoint()).isEqualTo(NoteTest.CHECKPOINT);
    assertThatThrownBy(() -> policy.check(note(2)))
        .isInstanceOf(UntrustedException.class)
        .hasMessageContaining("lacks witnesses");
    assertThatThrownBy(() -> policy.check(note())).isInstanceOf(UntrustedException.class);
  }

  @Test
  void groupsContainGroups() {
    TrustPolicy policy =
        TrustPolicy.parse(policy("group near any w1 w2\ngroup both all near w3\nquorum both\n"));
    policy.check(note(2, 3));
    assertThatThrownBy(() -> policy.check(note(1, 2))).isInstanceOf(UntrustedException.class);
  }

  @Test
  void oneKeyOfALogIsEnoughAndOneFailingIsTooMuch() {
    TrustPolicy policy = TrustPolicy.parse(policy("quorum none\n"));
    assertThat(policy.check(note()).logKeys()).containsExactly(log.key());
    String text = NoteTest.CHECKPOINT.text();
    var bad =
        new SignedNote(
            text,
            List.of(
                log.sign(text, 1),
                new NoteSignature(logMl.key().name(), logMl.key().id(), new byte[2_428])));
    assertThatThrownBy(() -> policy.check(bad)).isInstanceOf(UntrustedException.class);
  }

  @Test
  void aLogSignsUnderItsOwnNameOnly() {
    TrustPolicy policy = TrustPolicy.parse(policy("quorum none\n"));
    String other = new Checkpoint("other.example", 1, NoteTest.CHECKPOINT.root()).text();
    assertThatThrownBy(() -> policy.check(new SignedNote(other, List.of(log.sign(other, 1)))))
        .isInstanceOf(UntrustedException.class)
        .hasMessageContaining("not in the policy");
  }

  @Test
  void mistakesNameTheirLine() {
    for (String end :
        List.of(
            "",
            "quorum nobody\n",
            "quorum none\nquorum none\n",
            "group g 4 w1 w2 w3\nquorum g\n",
            "group g 0 w1\nquorum g\n",
            "group g all w1 w9\nquorum g\n",
            "group g all w1\ngroup h all w1\nquorum g\n",
            "witness w1 " + "x\nquorum none\n",
            "witness w4 " + witnesses.getFirst().key().vkey() + "\nquorum none\n",
            "witness w4 " + log.key().vkey() + "\nquorum none\n",
            "believe everyone\nquorum none\n")) {
      assertThatThrownBy(() -> TrustPolicy.parse(policy(end)))
          .as(end)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("policy");
    }
    assertThatThrownBy(() -> TrustPolicy.parse("quorum none\n"))
        .hasMessageContaining("without a line 'log");
  }

  @Test
  void manyLogsAndWitnessesFit() {
    var text = new StringBuilder();
    for (int i = 0; i < 32; i++) {
      text.append("log ").append(NoteTest.signer("l" + i, KeyType.ED25519).key().vkey());
      text.append("\nwitness n").append(i).append(' ');
      text.append(NoteTest.signer("w" + i, KeyType.ED25519_COSIGNATURE).key().vkey());
      text.append("\ngroup g").append(i).append(" any n").append(i).append('\n');
    }
    TrustPolicy policy = TrustPolicy.parse(text + "quorum g31\n");
    assertThat(policy.logs()).hasSize(32);
    assertThat(policy.witnesses()).hasSize(32);
  }

  private List<NoteKey> witnessKeys() {
    return witnesses.stream().map(NoteSigner::key).toList();
  }

  @Test
  void soManyOfTheWitnessesAskedForHaveToHaveSigned() {
    TrustPolicy plain = TrustPolicy.of(List.of(log.key()));
    TrustPolicy two = plain.asking(witnessKeys(), 2);
    assertThat(two.check(note(1, 3)).witnesses())
        .containsExactlyInAnyOrder("w1.example", "w3.example");
    assertThatThrownBy(() -> two.check(note(2)))
        .isInstanceOf(LacksWitnessesException.class)
        .hasMessageContaining("signed by w2.example (expected: at least 2 of w1.example, w2");
    assertThat(plain.check(note()).witnesses()).as("the policy itself is as before").isEmpty();
    // What the policy asks for holds beside it.
    TrustPolicy both = TrustPolicy.parse(policy("quorum w3\n")).asking(witnessKeys(), 1);
    assertThatThrownBy(() -> both.check(note(1))).hasMessageContaining("the quorum w3");
    both.check(note(3));
  }

  @Test
  void oneWitnessWithTwoKeysIsOneWitness() {
    NoteSigner other = NoteTest.signer("w1.example", KeyType.ED25519_COSIGNATURE);
    List<NoteKey> keys = List.of(witnesses.getFirst().key(), other.key(), witnesses.get(1).key());
    TrustPolicy policy = TrustPolicy.of(List.of(log.key())).asking(keys, 2);
    String text = NoteTest.CHECKPOINT.text();
    SignedNote twice = note(1).with(List.of(other.sign(text, 9)));
    assertThatThrownBy(() -> policy.check(twice)).isInstanceOf(LacksWitnessesException.class);
    policy.check(twice.with(List.of(witnesses.get(1).sign(text, 9))));
    for (int least : new int[] {0, -1, 3}) {
      assertThatThrownBy(() -> TrustPolicy.of(List.of(log.key())).asking(keys, least))
          .hasMessageContaining("at least " + least + " of 2 witnesses (expected: 1 to 2)");
    }
    assertThatThrownBy(() -> policy.asking(List.of(log.key()), 1)).hasMessageContaining("type 1");
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whoSignedDecidesWhateverElseStandsThere(long seed) {
    var random = new SplittableRandom(seed);
    for (int round = 0; round < 12; round++) {
      int signed = random.nextInt(8);
      int asked = 1 + random.nextInt(7);
      int least = 1 + random.nextInt(Integer.bitCount(asked));
      SignedNote note =
          note(IntStream.rangeClosed(1, 3).filter(w -> (signed >> (w - 1) & 1) == 1).toArray());
      List<NoteKey> keys =
          IntStream.range(0, 3)
              .filter(w -> (asked >> w & 1) == 1)
              .mapToObj(w -> witnesses.get(w).key())
              .toList();
      TrustPolicy policy = TrustPolicy.of(List.of(log.key())).asking(keys, least);
      if (Integer.bitCount(signed & asked) >= least) {
        assertThat(policy.check(note).witnesses()).hasSize(Integer.bitCount(signed & asked));
      } else {
        assertThatThrownBy(() -> policy.check(note)).isInstanceOf(LacksWitnessesException.class);
      }
    }
  }
}
