package org.aigrid.core.residency;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.aigrid.core.policy.BoundPolicies;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicyExplanation;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.PolicyVerdict;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.jspecify.annotations.Nullable;

/// What binds the requests of one key. Immutable, safe for any number of threads.
///
/// Layers of policies (the grid's, the tenant's, the project's), the jurisdictions of the key and
/// the request's own narrowing each have to permit a site; the strictest wins, and no layer can
/// widen what another leaves. Without any policy a tenant has its home jurisdiction
/// ([BoundPolicies]). A site of which anything is missing is permitted to nobody.
///
/// A check looks at the policies that concern the principal, some 10 to 20 ns each, and allocates
/// nothing.
public final class Residency {
  private final Principal principal;
  private final BoundPolicies[] layers;
  private final @Nullable List<String> keyJurisdictions;

  /// @param principal on whose behalf
  /// @param layers sets that all have to permit; with none, the home rule alone decides
  /// @param keyJurisdictions to where the key is bound, or null when it is not; an empty list
  ///   permits nothing
  public Residency(
      Principal principal, List<PolicySet> layers, @Nullable List<String> keyJurisdictions) {
    this.principal = principal;
    List<PolicySet> sets = layers.isEmpty() ? List.of(PolicySet.EMPTY) : layers;
    this.layers = sets.stream().map(set -> set.bind(principal)).toArray(BoundPolicies[]::new);
    this.keyJurisdictions = keyJurisdictions == null ? null : List.copyOf(keyJurisdictions);
  }

  public Principal principal() {
    return principal;
  }

  /// The layers' policy sets, in order.
  public List<PolicySet> layers() {
    var sets = new ArrayList<PolicySet>();
    for (BoundPolicies layer : layers) {
      sets.add(layer.set());
    }
    return sets;
  }

  /// Sites that the layers' policies name one by one.
  public Set<String> siteIds() {
    var ids = new LinkedHashSet<String>();
    for (BoundPolicies layer : layers) {
      ids.addAll(layer.set().siteIds());
    }
    return ids;
  }

  /// Whether some layer's policies may tell any two sites apart.
  public boolean readsSiteIds() {
    for (BoundPolicies layer : layers) {
      if (layer.set().readsSiteIds()) {
        return true;
      }
    }
    return false;
  }

  /// Whether decisions about an action depend on the request beyond its narrowing.
  public boolean readsContext(PolicyAction action) {
    for (BoundPolicies layer : layers) {
      if (layer.readsContext(action)) {
        return true;
      }
    }
    return false;
  }

  /// Whether an action of a request may happen at a site. Every path asks this of the site that was
  /// chosen, just before anything is sent there. Null is a site that nobody knows.
  public ResidencyVerdict check(
      PolicyAction action, @Nullable SiteFacts site, RequestFacts request) {
    if (site == null || !site.complete()) {
      return ResidencyVerdict.SITE_UNKNOWN;
    }
    ResidencyVerdict standing = checkKey(site);
    if (!standing.permitted()) {
      return standing;
    }
    String jurisdiction = site.jurisdiction();
    if (jurisdiction == null || !request.allows(jurisdiction)) {
      return ResidencyVerdict.OUTSIDE_REQUEST;
    }
    return checkPolicies(action, site, request);
  }

  private ResidencyVerdict checkKey(SiteFacts site) {
    List<String> bound = keyJurisdictions;
    return bound == null || bound.contains(site.jurisdiction())
        ? ResidencyVerdict.PERMITTED
        : ResidencyVerdict.OUTSIDE_KEY;
  }

  private ResidencyVerdict checkPolicies(
      PolicyAction action, SiteFacts site, RequestFacts request) {
    for (BoundPolicies layer : layers) {
      PolicyVerdict verdict = layer.decide(action, site, request);
      switch (verdict) {
        case PERMITTED -> {}
        case FORBIDDEN -> {
          return ResidencyVerdict.FORBIDDEN;
        }
        case FORBID_ERRED -> {
          return ResidencyVerdict.FORBID_ERRED;
        }
        case NOT_PERMITTED -> {
          return ResidencyVerdict.NOT_PERMITTED;
        }
      }
    }
    return ResidencyVerdict.PERMITTED;
  }

  /// The same without the request's own narrowing: what could be permitted to some request.
  ResidencyVerdict checkWithoutNarrowing(
      PolicyAction action, SiteFacts site, RequestFacts request) {
    if (!site.complete()) {
      return ResidencyVerdict.SITE_UNKNOWN;
    }
    ResidencyVerdict standing = checkKey(site);
    return standing.permitted() ? checkPolicies(action, site, request) : standing;
  }

  /// The same decision and why, for people. Allocates.
  public ResidencyExplanation explain(
      PolicyAction action, @Nullable SiteFacts site, RequestFacts request) {
    ResidencyVerdict verdict = check(action, site, request);
    var explained = new ArrayList<PolicyExplanation>();
    if (site != null) {
      for (BoundPolicies layer : layers) {
        explained.add(layer.explain(action, site, request));
      }
    }
    return new ResidencyExplanation(
        verdict,
        ResidencyExplanation.sentence(
            verdict, principal, action, site, request, keyJurisdictions, explained),
        explained);
  }

  /// Prepared for the sites of a roster. Decides once for each class of sites and action that does
  /// not depend on the request.
  public SiteResidency on(SiteClasses classes) {
    return new SiteResidency(this, classes);
  }
}
