package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.SignedNote;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Of what witnesses signed, what a proof is best given under.
class CosignedTest {
  private static final String ORIGIN = "grid.example/log";

  private static SignedNote note(long size) {
    var checkpoint = new Checkpoint(ORIGIN, size, Hash.OF_EMPTY_TREE);
    return new SignedNote(checkpoint.text(), List.of(signature(ORIGIN, 1)));
  }

  private static NoteSignature signature(String name, int id) {
    return new NoteSignature(name, id, new byte[] {1, 2, 3, 4});
  }

  private static Set<String> witnesses(SignedNote note) {
    var names = new HashSet<String>();
    note.signatures().forEach(one -> names.add(one.name()));
    names.remove(ORIGIN);
    return names;
  }

  @Test
  void whatBothSignedIsKeptUntilBothHaveSignedWhatIsNewer() {
    var cosigned = new Cosigned(Set.of(ORIGIN));
    assertThat(cosigned.best(0)).isNull();
    cosigned.add(note(10), List.of());
    assertThat(cosigned.best(0)).as("the log alone is no witness").isNull();
    cosigned.add(note(10), List.of(signature("a", 2)));
    SignedNote both = cosigned.add(note(10), List.of(signature("b", 3)));
    assertThat(witnesses(both)).containsExactlyInAnyOrder("a", "b");
    cosigned.add(note(20), List.of(signature("a", 2), signature("a", 4)));
    assertThat(cosigned.best(9)).isEqualTo(both);
    assertThat(witnesses(java.util.Objects.requireNonNull(cosigned.best(10)))).containsExactly("a");
    assertThat(cosigned.best(20)).isNull();
    SignedNote newer = cosigned.add(note(20), List.of(signature("b", 3)));
    assertThat(cosigned.best(9)).isEqualTo(newer);
    assertThat(newer.signatures()).hasSize(4);
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void nothingThatWasShownHadMoreWitnesses(long seed) {
    var random = new SplittableRandom(seed);
    var cosigned = new Cosigned(Set.of(ORIGIN));
    int[] most = new int[12]; // witnesses of a note of that size, of all that were ever shown
    for (int step = 0; step < 200; step++) {
      int size = random.nextInt(1 + step * 12 / 200);
      int who = random.nextInt(5);
      SignedNote with = cosigned.add(note(size), List.of(signature("w" + who, 10 + who)));
      assertThat(witnesses(with)).contains("w" + who);
      most[size] = Math.max(most[size], witnesses(with).size());
      int index = random.nextInt(12);
      int expected = IntStream.range(index + 1, 12).map(later -> most[later]).max().orElse(0);
      SignedNote best = cosigned.best(index);
      assertThat(best == null ? 0 : witnesses(best).size()).as("step %d", step).isEqualTo(expected);
      assertThat(best == null || Checkpoint.parse(best.text()).size() > index).isTrue();
    }
  }
}
