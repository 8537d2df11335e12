package org.aigrid.core.residency;

import java.util.List;
import java.util.TreeSet;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.view.SiteSet;
import org.jspecify.annotations.Nullable;

/// One key's residency over the sites of one roster, decided ahead for each class of sites.
/// Immutable, safe for any number of threads; made anew when the roster or a policy changes.
///
/// Where no policy reads the request, a question is a look at a bit and at the request's narrowing;
/// else the few policies that concern the principal are evaluated for the class.
public final class SiteResidency {
  private static final PolicyAction[] ACTIONS = PolicyAction.values();
  private static final RequestFacts ANY_REQUEST =
      new RequestFacts(ServiceTier.STANDARD, null, null);

  private final Residency residency;
  private final SiteClasses classes;
  private final long[] @Nullable [] decided = new long[ACTIONS.length][];

  SiteResidency(Residency residency, SiteClasses classes) {
    if (!classes.suits(residency)) {
      throw new IllegalArgumentException(
          "the classes do not tell apart sites that policies of "
              + residency.principal().id()
              + " name (expected: SiteClasses made for this residency, too)");
    }
    this.residency = residency;
    this.classes = classes;
    for (PolicyAction action : ACTIONS) {
      if (!residency.readsContext(action)) {
        long[] bits = new long[words()];
        for (int i = 1; i < classes.count(); i++) {
          if (residency.checkWithoutNarrowing(action, classes.facts(i), ANY_REQUEST).permitted()) {
            bits[i >>> 6] |= 1L << i;
          }
        }
        decided[action.ordinal()] = bits;
      }
    }
  }

  private int words() {
    return (classes.count() + 63) >>> 6;
  }

  public Residency residency() {
    return residency;
  }

  public SiteClasses classes() {
    return classes;
  }

  /// Whether an action of a request may happen at a site, by its dense index in the roster. The
  /// same answer as [Residency#check] of the site's facts; allocates nothing.
  public boolean permits(PolicyAction action, int site, RequestFacts request) {
    return permitsClass(action, classes.classOf(site), request);
  }

  private boolean permitsClass(PolicyAction action, int ofClass, RequestFacts request) {
    if (ofClass == 0) {
      return false;
    }
    long[] bits = decided[action.ordinal()];
    if (bits == null) {
      return residency.check(action, classes.facts(ofClass), request).permitted();
    }
    if ((bits[ofClass >>> 6] >>> ofClass & 1) == 0) {
      return false;
    }
    String jurisdiction = classes.facts(ofClass).jurisdiction();
    return jurisdiction != null && request.allows(jurisdiction);
  }

  /// The sites where an action of a request may happen: the hard filter before any scoring. Where
  /// no policy reads the request and it narrows nothing, it was decided ahead; else one question a
  /// class.
  public SiteSet sites(PolicyAction action, RequestFacts request) {
    long[] bits = decided[action.ordinal()];
    if (bits != null && request.jurisdictions() == null) {
      return new SiteSet(classes.classOfSite(), bits);
    }
    long[] narrowed = new long[words()];
    for (int i = 1; i < classes.count(); i++) {
      if (permitsClass(action, i, request)) {
        narrowed[i >>> 6] |= 1L << i;
      }
    }
    return new SiteSet(classes.classOfSite(), narrowed);
  }

  /// Jurisdictions in which some site is permitted, sorted: the allow list that goes along with a
  /// request. One question a class.
  public List<String> jurisdictions(PolicyAction action, RequestFacts request) {
    var found = new TreeSet<String>();
    for (int i = 1; i < classes.count(); i++) {
      String jurisdiction = classes.facts(i).jurisdiction();
      if (jurisdiction != null
          && !found.contains(jurisdiction)
          && permitsClass(action, i, request)) {
        found.add(jurisdiction);
      }
    }
    return List.copyOf(found);
  }

  /// The same as bits of the roster, coarser than `sites`: a first filter, never the only one.
  public long jurisdictionBits(PolicyAction action, RequestFacts request) {
    return classes.roster().jurisdictionBits(jurisdictions(action, request));
  }
}
