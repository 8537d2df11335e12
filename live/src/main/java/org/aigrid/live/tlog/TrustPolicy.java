package org.aigrid.live.tlog;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Whom a verifier believes (C2SP `tlog-policy`): logs by their keys, witnesses, groups of them,
/// and the quorum of witnesses that a checkpoint needs. Immutable.
///
/// ```
/// log example.org/log+...
/// witness second-site witness.example.org+... https://witness.example.org
/// group outside 2 second-site partner regulator
/// quorum outside
/// ```
///
/// A log with two keys has two `log` lines with one name; one valid signature is enough and one
/// that fails is too much, so that a key can be added before the old one stops.
public final class TrustPolicy {
  private static final int LINES_MAX = 4_096;

  /// A log that is believed.
  ///
  /// @param url where it is served, or null
  public record Log(NoteKey key, @Nullable String url) {}

  /// A witness.
  ///
  /// @param name within the policy
  /// @param url where it takes checkpoints, or null
  public record Witness(String name, NoteKey key, @Nullable String url) {
    public Witness {
      requireWitness(key);
    }
  }

  private record Group(int needed, List<String> members) {}

  /// A checkpoint that fits the policy.
  ///
  /// @param logKeys the log's keys that signed
  /// @param witnesses names of the witnesses that signed
  public record Trusted(Checkpoint checkpoint, List<NoteKey> logKeys, Set<String> witnesses) {
    public Trusted {
      logKeys = List.copyOf(logKeys);
      witnesses = Set.copyOf(witnesses);
    }
  }

  private final List<Log> logs = new ArrayList<>();
  private final Map<String, Witness> witnesses = new LinkedHashMap<>();
  private final Map<String, Group> groups = new HashMap<>();
  private final Set<String> grouped = new HashSet<>();
  private @Nullable String quorum;

  private List<NoteKey> askedFor = List.of();
  private int askedLeast;

  private TrustPolicy() {}

  /// This policy, and besides at least so many of these witnesses: keys with one name are one
  /// witness, whichever of them signs.
  ///
  /// @param keys of witnesses (types 4 and 6)
  /// @param least of the witnesses
  /// @throws FormatException when a key is no witness's, or fewer are named than asked for
  public TrustPolicy asking(List<NoteKey> keys, int least) {
    long named = keys.stream().map(NoteKey::name).distinct().count();
    if (least < 1 || least > named) {
      throw new FormatException(
          "at least " + least + " of " + named + " witnesses (expected: 1 to " + named + ")");
    }
    var policy = new TrustPolicy();
    policy.logs.addAll(logs);
    policy.witnesses.putAll(witnesses);
    policy.groups.putAll(groups);
    policy.grouped.addAll(grouped);
    policy.quorum = quorum;
    for (NoteKey key : keys) {
      requireWitness(key);
      policy.checkUnambiguous(key);
    }
    policy.askedFor = List.copyOf(keys);
    policy.askedLeast = least;
    return policy;
  }

  private static void requireWitness(NoteKey key) {
    if (!key.type().timed()) {
      throw new FormatException("key type 1 of a witness (expected: 4 or 6, a cosignature)");
    }
  }

  /// A policy that believes these keys and asks for no witness.
  public static TrustPolicy of(List<NoteKey> logKeys) {
    var policy = new TrustPolicy();
    logKeys.forEach(key -> policy.logs.add(new Log(key, null)));
    policy.quorum = "none";
    return policy;
  }

  /// Reads a policy; a mistake is a `FormatException` with its line.
  public static TrustPolicy parse(String text) {
    var policy = new TrustPolicy();
    String[] lines = text.split("\r?\n", -1);
    if (lines.length > LINES_MAX) {
      throw new FormatException("policy of " + lines.length + " lines (at most " + LINES_MAX + ")");
    }
    for (int i = 0; i < lines.length; i++) {
      String line = lines[i].strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        try {
          policy.read(line.split("[ \t]+"));
        } catch (FormatException e) {
          throw new FormatException("policy line " + (i + 1) + ": " + e.getMessage());
        }
      }
    }
    if (policy.quorum == null) {
      throw new FormatException("policy without a line 'quorum NAME' or 'quorum none'");
    }
    if (policy.logs.isEmpty()) {
      throw new FormatException("policy without a line 'log VKEY'");
    }
    return policy;
  }

  private void read(String[] words) {
    switch (words[0]) {
      case "log" -> readLog(words);
      case "witness" -> readWitness(words);
      case "group" -> readGroup(words);
      case "quorum" -> readQuorum(words);
      default ->
          throw new FormatException(
              "'" + Base64s.shown(words[0]) + "' (expected: log, witness, group or quorum)");
    }
  }

  private void readLog(String[] words) {
    expect(words, 2, 3, "log VKEY [URL]");
    NoteKey key = NoteKey.parse(words[1]);
    if (key.type() == KeyType.ED25519_COSIGNATURE) {
      throw new FormatException("key type 4 of a log (expected: 1 Ed25519 or 6 ML-DSA-44)");
    }
    checkUnambiguous(key);
    logs.add(new Log(key, words.length > 2 ? words[2] : null));
  }

  private void readWitness(String[] words) {
    expect(words, 3, 4, "witness NAME VKEY [URL]");
    checkNew(words[1]);
    NoteKey key = NoteKey.parse(words[2]);
    requireWitness(key);
    checkUnambiguous(key);
    if (witnesses.values().stream().anyMatch(other -> other.key().equals(key))) {
      throw new FormatException("witness " + words[1] + " has the key of another witness");
    }
    witnesses.put(words[1], new Witness(words[1], key, words.length > 3 ? words[3] : null));
  }

  private void readGroup(String[] words) {
    expect(words, 4, LINES_MAX, "group NAME all|any|K MEMBERS...");
    checkNew(words[1]);
    List<String> members = List.of(words).subList(3, words.length);
    for (String member : members) {
      if (!witnesses.containsKey(member) && !groups.containsKey(member)) {
        throw new FormatException(
            "member '" + Base64s.shown(member) + "' is not defined (expected: a line before)");
      }
      if (!grouped.add(member)) {
        throw new FormatException(
            "'" + member + "' is a member twice (expected: of one group at most)");
      }
    }
    long needed =
        switch (words[2]) {
          case "all" -> members.size();
          case "any" -> 1;
          default -> Base64s.decimal(words[2], "threshold");
        };
    if (needed < 1 || needed > members.size()) {
      throw new FormatException(
          "threshold "
              + words[2]
              + " of "
              + members.size()
              + " members (expected: all, any or 1 to "
              + members.size()
              + ")");
    }
    groups.put(words[1], new Group((int) needed, members));
  }

  private void readQuorum(String[] words) {
    expect(words, 2, 2, "quorum NAME|none");
    if (quorum != null) {
      throw new FormatException("a second quorum (expected: exactly one)");
    }
    if (!words[1].equals("none")
        && !witnesses.containsKey(words[1])
        && !groups.containsKey(words[1])) {
      throw new FormatException(
          "quorum '" + Base64s.shown(words[1]) + "' (expected: a witness, a group or none)");
    }
    quorum = words[1];
  }

  private void checkNew(String name) {
    if (name.equals("none") || witnesses.containsKey(name) || groups.containsKey(name)) {
      throw new FormatException("name '" + Base64s.shown(name) + "' is taken");
    }
  }

  /// Of two keys with one name and id a signature could not say whose it is.
  private void checkUnambiguous(NoteKey key) {
    boolean taken =
        allKeys().stream()
            .anyMatch(
                other ->
                    other.id() == key.id()
                        && other.name().equals(key.name())
                        && !other.equals(key));
    if (taken) {
      throw new FormatException("key " + key.name() + " has the id of another key of that name");
    }
  }

  private List<NoteKey> allKeys() {
    var keys = new ArrayList<NoteKey>();
    logs.forEach(log -> keys.add(log.key()));
    witnesses.values().forEach(witness -> keys.add(witness.key()));
    return keys;
  }

  private static void expect(String[] words, int min, int max, String form) {
    if (words.length < min || words.length > max) {
      throw new FormatException(words.length + " words (expected: " + form + ")");
    }
  }

  public List<Log> logs() {
    return List.copyOf(logs);
  }

  public List<Witness> witnesses() {
    return List.copyOf(witnesses.values());
  }

  /// Checks who signed: a log that is believed, under its own origin, and the quorum of witnesses.
  public Trusted check(SignedNote note) {
    Checkpoint checkpoint = Checkpoint.parse(note.text());
    List<NoteKey> ofLog =
        logs.stream().map(Log::key).filter(key -> key.name().equals(checkpoint.origin())).toList();
    if (ofLog.isEmpty()) {
      throw new UntrustedException(
          "log '"
              + Base64s.shown(checkpoint.origin())
              + "' is not in the policy (expected: "
              + String.join(", ", logs.stream().map(log -> log.key().name()).distinct().toList())
              + ")");
    }
    List<NoteKey> signers = note.signers(ofLog);
    List<NoteKey> cosigners =
        note.signersAmong(witnesses.values().stream().map(Witness::key).toList());
    var signed = new HashSet<String>();
    for (Witness witness : witnesses.values()) {
      if (cosigners.contains(witness.key())) {
        signed.add(witness.name());
      }
    }
    if (!holds(String.valueOf(quorum), signed)) {
      throw new LacksWitnessesException(
          "the checkpoint of "
              + checkpoint.origin()
              + " at size "
              + checkpoint.size()
              + " lacks witnesses: signed by "
              + (signed.isEmpty() ? "none" : signed)
              + " (expected: the quorum "
              + quorum
              + ")");
    }
    signed.addAll(asked(note, checkpoint));
    return new Trusted(checkpoint, signers, signed);
  }

  /// Those of the witnesses asked for beside the policy that signed.
  private Set<String> asked(SignedNote note, Checkpoint checkpoint) {
    var signed = new TreeSet<String>();
    note.signersAmong(askedFor).forEach(key -> signed.add(key.name()));
    if (signed.size() < askedLeast) {
      var names = new TreeSet<String>();
      askedFor.forEach(key -> names.add(key.name()));
      throw new LacksWitnessesException(
          "the checkpoint of "
              + checkpoint.origin()
              + " at size "
              + checkpoint.size()
              + " lacks witnesses: signed by "
              + (signed.isEmpty() ? "none" : String.join(", ", signed))
              + " (expected: at least "
              + askedLeast
              + " of "
              + String.join(", ", names)
              + ")");
    }
    return signed;
  }

  private boolean holds(String name, Set<String> signed) {
    if (name.equals("none") || signed.contains(name)) {
      return true;
    }
    Group group = groups.get(name);
    return group != null
        && group.members().stream().filter(member -> holds(member, signed)).count()
            >= group.needed();
  }
}
