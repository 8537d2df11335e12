package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aigrid.core.policy.Checker.Remark;
import org.aigrid.core.policy.Nodes.Condition;

/// Policies that hold together: every permit and forbid of one text, compiled. Immutable, safe for
/// any number of threads.
///
/// Compiling is linear in the text, but for the rare mistake and remark, whose line is counted from
/// the top; a text at every bound takes some tens of milliseconds. The bounds are here by name.
public final class PolicySet {
  /// Characters of one policy text.
  public static final int TEXT_CHARS_MAX = 256 * 1024;

  /// Policies of one text.
  public static final int POLICIES_MAX = 1_000;

  /// How deep conditions may be nested in parentheses, sets, negations and choices.
  public static final int NESTING_MAX = 32;

  /// Elements of a set that is written in a policy.
  public static final int ELEMENTS_MAX = 256;

  /// Characters of a text in quotes, as written.
  public static final int TEXT_LITERAL_CHARS_MAX = 512;

  /// `when` and `unless` clauses of one policy.
  public static final int CLAUSES_MAX = 16;

  /// Annotations of one policy.
  public static final int ANNOTATIONS_MAX = 8;

  /// Mistakes that are told of at once.
  public static final int MISTAKES_MAX = 20;

  /// Remarks that are told of at once.
  public static final int REMARKS_MAX = 100;

  /// No policies.
  public static final PolicySet EMPTY = new PolicySet(List.of(), "", Set.of(), false);

  private final List<Policy> policies;
  private final String canonicalText;
  private final Set<String> siteIds;
  private final boolean readsSiteIds;

  private PolicySet(
      List<Policy> policies, String canonicalText, Set<String> siteIds, boolean readsSiteIds) {
    this.policies = List.copyOf(policies);
    this.canonicalText = canonicalText;
    this.siteIds = Set.copyOf(siteIds);
    this.readsSiteIds = readsSiteIds;
  }

  /// Compiles a text: all of it, or nothing. Never throws for what the text says.
  public static Compilation compile(String text) {
    if (text.length() > TEXT_CHARS_MAX) {
      return new Compilation.Refused(
          List.of(
              new PolicyNote(
                  1,
                  1,
                  "the text has "
                      + text.length()
                      + " characters (expected: at most "
                      + TEXT_CHARS_MAX
                      + ")")));
    }
    var mistakes = new ArrayList<Mistake>();
    List<Draft> drafts = new Parser(text).policies(mistakes);
    var remarks = new ArrayList<Remark>();
    var positions = new Positions(text);
    var policies = new ArrayList<Policy>();
    var siteIds = new LinkedHashSet<String>();
    boolean readsSiteIds = false;
    for (Draft draft : drafts) {
      if (mistakes.size() >= MISTAKES_MAX) {
        break;
      }
      try {
        var checker = new Checker(remarks);
        List<Condition> conditions = checker.check(draft);
        siteIds.addAll(checker.siteIds());
        readsSiteIds |= checker.readsSiteIds();
        PolicyNote place = positions.note(draft.at(), "");
        policies.add(
            new Policy(
                draft.annotations().getOrDefault("id", "policy" + (policies.size() + 1)),
                draft.effect(),
                draft.annotations(),
                place.line(),
                place.column(),
                Canonical.of(List.of(draft)),
                conditions,
                checker.readsContext()));
      } catch (Mistake mistake) {
        mistakes.add(mistake);
      }
    }
    if (mistakes.isEmpty()) {
      findSameIds(policies, drafts, mistakes);
    }
    if (!mistakes.isEmpty()) {
      return new Compilation.Refused(
          mistakes.stream()
              .sorted(Comparator.comparingInt(Mistake::at))
              .map(mistake -> positions.note(mistake.at(), mistake.sentence()))
              .toList());
    }
    return new Compilation.Accepted(
        new PolicySet(policies, Canonical.of(drafts), siteIds, readsSiteIds),
        remarks.stream()
            .limit(REMARKS_MAX)
            .sorted(Comparator.comparingInt(Remark::at))
            .map(remark -> positions.note(remark.at(), remark.sentence()))
            .toList());
  }

  private static void findSameIds(
      List<Policy> policies, List<Draft> drafts, List<Mistake> mistakes) {
    Map<String, Policy> byId = new HashMap<>();
    for (int i = 0; i < policies.size() && mistakes.size() < MISTAKES_MAX; i++) {
      Policy policy = policies.get(i);
      Policy other = byId.putIfAbsent(policy.id(), policy);
      if (other != null) {
        mistakes.add(
            new Mistake(
                drafts.get(i).at(),
                "a second policy with the id \""
                    + Texts.shortened(policy.id())
                    + "\", after line "
                    + other.line()
                    + " (expected: an id of its own)"));
      }
    }
  }

  /// Every policy, in the order of the text.
  public List<Policy> policies() {
    return policies;
  }

  /// The same policies in the one form that is hashed for the set's version. Compiles to this set
  /// again; ends in a line feed unless it is empty.
  public String canonicalText() {
    return canonicalText;
  }

  /// Sites that policies name one by one.
  public Set<String> siteIds() {
    return siteIds;
  }

  /// Whether some policy asks for the ids of sites other than by naming them (`like`), so that any
  /// two sites may have different answers.
  public boolean readsSiteIds() {
    return readsSiteIds;
  }

  /// What of it concerns one principal. Costs one look at each policy.
  public BoundPolicies bind(Principal principal) {
    return new BoundPolicies(this, principal);
  }
}
