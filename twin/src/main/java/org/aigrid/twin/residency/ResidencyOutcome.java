package org.aigrid.twin.residency;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// What came of plays, by the sites' own records. Immutable.
///
/// @param requests that clients sent
/// @param begun pieces of work that sites began, by `WorkPath`
/// @param refusedBySite orders that a site refused, since its policies or the site itself had
///   changed on the way, by `WorkPath`
/// @param refused requests that were told that no site may process them
/// @param policyChanges while requests ran
/// @param caughtLate places that the router chose and the check of the chosen site refused,
///   although both asked the same policies: the router's filter let something through
/// @param violations a sentence each
public record ResidencyOutcome(
    long requests,
    List<Long> begun,
    List<Long> refusedBySite,
    long refused,
    long policyChanges,
    long caughtLate,
    List<String> violations) {
  /// Nothing yet.
  public static final ResidencyOutcome NOTHING =
      new ResidencyOutcome(0, zeros(), zeros(), 0, 0, 0, List.of());

  public ResidencyOutcome {
    begun = List.copyOf(begun);
    refusedBySite = List.copyOf(refusedBySite);
    violations = List.copyOf(violations);
  }

  private static List<Long> zeros() {
    return Collections.nCopies(WorkPath.values().length, 0L);
  }

  /// Pieces of work that sites began on a path.
  public long begun(WorkPath path) {
    return begun.get(path.ordinal());
  }

  /// Orders that sites refused on a path.
  public long refusedBySite(WorkPath path) {
    return refusedBySite.get(path.ordinal());
  }

  /// The counts alone.
  public ResidencyOutcome withoutSentences() {
    return new ResidencyOutcome(
        requests, begun, refusedBySite, refused, policyChanges, caughtLate, List.of());
  }

  /// Both together.
  public ResidencyOutcome and(ResidencyOutcome other) {
    var all = new ArrayList<>(violations);
    all.addAll(other.violations);
    return new ResidencyOutcome(
        requests + other.requests,
        sum(begun, other.begun),
        sum(refusedBySite, other.refusedBySite),
        refused + other.refused,
        policyChanges + other.policyChanges,
        caughtLate + other.caughtLate,
        all);
  }

  private static List<Long> sum(List<Long> one, List<Long> other) {
    var sums = new ArrayList<Long>();
    for (int i = 0; i < one.size(); i++) {
      sums.add(one.get(i) + other.get(i));
    }
    return sums;
  }
}
