package org.aigrid.live.proof;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.SignedNote;
import org.jspecify.annotations.Nullable;

/// The checkpoints of a log that witnesses have signed and that no newer one replaces: of each the
/// size, and by how many. Witnesses answer at their own pace, so the newest checkpoint with any
/// cosignature may lack the one that a verifier asks for, while one a second older has it. At most
/// one note for each number of witnesses. One thread at a time.
final class Cosigned {
  private record Held(SignedNote note, long size, int witnesses) {}

  private final Set<String> ownNames;
  private final List<Held> held = new ArrayList<>();

  /// @param ownNames under which the log itself signs
  Cosigned(Set<String> ownNames) {
    this.ownNames = Set.copyOf(ownNames);
  }

  /// More cosignatures of a checkpoint; returns it with all that came so far.
  SignedNote add(SignedNote asked, Collection<NoteSignature> cosignatures) {
    SignedNote known = asked;
    for (Held one : held) {
      if (one.note().text().equals(asked.text())) {
        known = one.note();
      }
    }
    SignedNote with = known.with(cosignatures);
    var fresh = new Held(with, Checkpoint.parse(with.text()).size(), witnesses(with));
    held.removeIf(one -> one.note().text().equals(with.text()));
    if (fresh.witnesses() > 0 && held.stream().noneMatch(one -> replaces(one, fresh))) {
      held.removeIf(one -> replaces(fresh, one));
      held.add(fresh);
    }
    return with;
  }

  /// Whether nobody who has the one needs the other.
  private static boolean replaces(Held one, Held other) {
    return one.size() >= other.size() && one.witnesses() >= other.witnesses();
  }

  private int witnesses(SignedNote note) {
    var names = new HashSet<String>();
    note.signatures().forEach(signature -> names.add(signature.name()));
    names.removeAll(ownNames);
    return names.size();
  }

  /// The one with the most witnesses whose tree has an entry; null when none has it.
  @Nullable SignedNote best(long index) {
    Held best = null;
    for (Held one : held) {
      if (one.size() > index && (best == null || one.witnesses() > best.witnesses())) {
        best = one;
      }
    }
    return best == null ? null : best.note();
  }
}
