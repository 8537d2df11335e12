package org.aigrid.live.drill;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Whether a drill has proved what it is for: not only that nothing broke, but that there was
/// something to break it. Immutable, pure.
///
/// @param reasons why not, a sentence each; none when it has
public record DrillVerdict(List<String> reasons) {
  /// Of disturbed streams that have to survive.
  public static final double SURVIVED_LEAST = 0.99;

  /// Of all requests that may be refused before a byte.
  public static final double REFUSED_MOST = 0.01;

  /// What happened. Immutable.
  ///
  /// @param disturbances how often what was done: `kill`, `surge`, `mute`
  /// @param disturberFailure why that ended early, or left a site disturbed; null when neither
  /// @param streams that ended
  /// @param moved of these, how many went on at another site
  /// @param disturbed how many moved or have a fault
  /// @param survived of those, how many have none
  /// @param refused requests that were refused before a byte
  /// @param reclaims claims of a radio that were recorded
  /// @param boundsKept whether all of these kept their bounds
  public record Facts(
      Map<String, Integer> disturbances,
      @Nullable String disturberFailure,
      long streams,
      long moved,
      long disturbed,
      long survived,
      long refused,
      long reclaims,
      boolean boundsKept) {
    public Facts {
      disturbances = Map.copyOf(disturbances);
    }
  }

  public DrillVerdict {
    reasons = List.copyOf(reasons);
  }

  /// Whether all is proved.
  public boolean proved() {
    return reasons.isEmpty();
  }

  /// All rules that apply.
  public static DrillVerdict of(Facts facts) {
    var reasons = new ArrayList<String>();
    if (facts.disturbances().isEmpty()) {
      reasons.add("nothing was disturbed: more --seconds or a higher --rate");
    }
    if (facts.disturberFailure() != null) {
      reasons.add("the disturbance failed: " + facts.disturberFailure());
    }
    if (facts.moved() == 0) {
      reasons.add("no stream moved: more --tokens or a higher --rate");
    }
    if (facts.disturbances().containsKey("surge") && facts.reclaims() == 0) {
      reasons.add("a radio surged and nothing was reclaimed: a higher --rate");
    }
    if (facts.survived() < SURVIVED_LEAST * facts.disturbed()) {
      reasons.add(
          facts.survived() + " of " + facts.disturbed() + " disturbed streams survived unchanged");
    }
    if (facts.refused() > REFUSED_MOST * (facts.streams() + facts.refused())) {
      reasons.add(
          facts.refused()
              + " of "
              + (facts.streams() + facts.refused())
              + " requests were refused");
    }
    if (!facts.boundsKept()) {
      reasons.add("a reclaim broke its bound");
    }
    return new DrillVerdict(reasons);
  }
}
