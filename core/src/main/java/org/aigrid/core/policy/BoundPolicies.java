package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.List;

/// The policies of one set that can concern one principal, sorted by what they do. Immutable, safe
/// for any number of threads.
///
/// A decision looks at the policies that the principal and the action leave over, evaluates their
/// conditions and allocates nothing: some 10 to 20 ns a policy.
///
/// **Without a permit of its own** a principal has the home rule: its home jurisdiction and nothing
/// else, as if the set held `permit (principal, action, resource) when { resource.jurisdiction ==
/// principal.home };`. Forbids of the set still hold. A permit that can concern the principal,
/// whatever its action, replaces the home rule: one whose head and whose conditions, as far as `&&`
/// joins them, do not rule the principal out.
public final class BoundPolicies {
  /// The rule of a principal to whom nothing is permitted otherwise.
  public static final Policy HOME_RULE = homeRule();

  private static final int ACTIONS = PolicyAction.values().length;

  private final PolicySet set;
  private final Principal principal;
  private final Policy[][] permits = new Policy[ACTIONS][];
  private final Policy[][] forbids = new Policy[ACTIONS][];
  private final boolean[] readsContext = new boolean[ACTIONS];
  private final boolean homeRuled;

  BoundPolicies(PolicySet set, Principal principal) {
    this.set = set;
    this.principal = principal;
    boolean permitted = false;
    for (Policy policy : set.policies()) {
      permitted |= policy.effect() == Effect.PERMIT && policy.concerns(principal, null);
    }
    homeRuled = !permitted;
    for (PolicyAction action : PolicyAction.values()) {
      var permit = new ArrayList<Policy>();
      var forbid = new ArrayList<Policy>();
      for (Policy policy : set.policies()) {
        if (policy.concerns(principal, action)) {
          (policy.effect() == Effect.PERMIT ? permit : forbid).add(policy);
          readsContext[action.ordinal()] |= policy.readsContext();
        }
      }
      if (homeRuled) {
        permit.add(HOME_RULE);
      }
      permits[action.ordinal()] = permit.toArray(Policy[]::new);
      forbids[action.ordinal()] = forbid.toArray(Policy[]::new);
    }
  }

  private static Policy homeRule() {
    String text =
        "@id(\"home rule\") @reason(\"Without a permit of its own, a tenant's work stays in its home"
            + " jurisdiction.\") permit (principal, action, resource) when { resource.jurisdiction"
            + " == principal.home };";
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, _) -> set.policies().getFirst();
      case Compilation.Refused(List<PolicyNote> mistakes) ->
          throw new AssertionError("the home rule: " + mistakes);
    };
  }

  public PolicySet set() {
    return set;
  }

  public Principal principal() {
    return principal;
  }

  /// Whether the home rule stands in for permits.
  public boolean homeRuled() {
    return homeRuled;
  }

  /// Whether decisions about an action depend on the request, besides principal and site.
  public boolean readsContext(PolicyAction action) {
    return readsContext[action.ordinal()];
  }

  /// Whether an action may happen at a site. Of two reasons to deny, a forbid that applies comes
  /// first, then one that errs, then the lack of a permit. Missing facts of the site make what asks
  /// for them err; residency refuses such sites before.
  public PolicyVerdict decide(PolicyAction action, SiteFacts site, RequestFacts request) {
    boolean erred = false;
    for (Policy policy : forbids[action.ordinal()]) {
      int found = policy.test(principal, action, site, request);
      if (found == Nodes.TRUE) {
        return PolicyVerdict.FORBIDDEN;
      }
      erred |= found != Nodes.FALSE;
    }
    if (erred) {
      return PolicyVerdict.FORBID_ERRED;
    }
    for (Policy policy : permits[action.ordinal()]) {
      if (policy.test(principal, action, site, request) == Nodes.TRUE) {
        return PolicyVerdict.PERMITTED;
      }
    }
    return PolicyVerdict.NOT_PERMITTED;
  }

  /// The same decision with what every policy of the set said to it. Allocates; for people.
  public PolicyExplanation explain(PolicyAction action, SiteFacts site, RequestFacts request) {
    PolicyVerdict verdict = decide(action, site, request);
    var lines = new ArrayList<PolicyExplanation.Line>();
    var decisive = new ArrayList<Policy>();
    var erring = new ArrayList<Policy>();
    var policies = new ArrayList<>(set.policies());
    if (homeRuled) {
      policies.add(HOME_RULE);
    }
    for (Policy policy : policies) {
      Outcome outcome =
          switch (policy.test(principal, action, site, request)) {
            case Nodes.TRUE -> Outcome.APPLIES;
            case Nodes.FALSE -> Outcome.DOES_NOT_APPLY;
            default -> Outcome.ERRS;
          };
      lines.add(new PolicyExplanation.Line(policy, outcome));
      if (outcome == Outcome.ERRS) {
        erring.add(policy);
      }
      boolean decides =
          switch (verdict) {
            case PERMITTED -> policy.effect() == Effect.PERMIT && outcome == Outcome.APPLIES;
            case FORBIDDEN -> policy.effect() == Effect.FORBID && outcome == Outcome.APPLIES;
            case FORBID_ERRED -> policy.effect() == Effect.FORBID && outcome == Outcome.ERRS;
            case NOT_PERMITTED -> false;
          };
      if (decides) {
        decisive.add(policy);
      }
    }
    return new PolicyExplanation(verdict, decisive, erring, lines);
  }
}
