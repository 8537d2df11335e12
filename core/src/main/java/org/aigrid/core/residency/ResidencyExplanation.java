package org.aigrid.core.residency;

import java.util.List;
import java.util.stream.Collectors;
import org.aigrid.core.policy.Policy;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicyExplanation;
import org.aigrid.core.policy.PolicyVerdict;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.jspecify.annotations.Nullable;

/// Why something may happen at a site or not, for people.
///
/// @param verdict the answer
/// @param sentence the answer in words, with what decided it
/// @param layers what each layer of policies says, in order; empty for a site that nobody knows
public record ResidencyExplanation(
    ResidencyVerdict verdict, String sentence, List<PolicyExplanation> layers) {
  public ResidencyExplanation {
    layers = List.copyOf(layers);
  }

  static String sentence(
      ResidencyVerdict verdict,
      Principal principal,
      PolicyAction action,
      @Nullable SiteFacts site,
      RequestFacts request,
      @Nullable List<String> keyJurisdictions,
      List<PolicyExplanation> layers) {
    String what = action.word() + " for " + principal.id();
    if (site == null) {
      return what + " is not permitted: nobody knows the site.";
    }
    String where = " at " + site.id() + " (" + site.jurisdiction() + ")";
    return switch (verdict) {
      case PERMITTED ->
          what + where + " is permitted by " + names(layers, PolicyVerdict.PERMITTED) + ".";
      case SITE_UNKNOWN ->
          what + where + " is not permitted: the site's " + site.missing() + " is not known.";
      case OUTSIDE_KEY ->
          what + where + " is not permitted: the key is bound to " + list(keyJurisdictions) + ".";
      case OUTSIDE_REQUEST ->
          what
              + where
              + " is not permitted: the request narrowed itself to "
              + list(request.jurisdictions())
              + ".";
      case FORBIDDEN ->
          what + where + " is forbidden by " + names(layers, PolicyVerdict.FORBIDDEN) + ".";
      case FORBID_ERRED ->
          what
              + where
              + " is not permitted: "
              + names(layers, PolicyVerdict.FORBID_ERRED)
              + " cannot be evaluated, and a forbid that cannot be evaluated forbids.";
      case NOT_PERMITTED ->
          what
              + where
              + " is not permitted: no permit applies"
              + (homeRuled(layers)
                  ? ", and its home jurisdiction is "
                      + (principal.home() == null ? "not known" : principal.home())
                  : "")
              + ".";
    };
  }

  private static boolean homeRuled(List<PolicyExplanation> layers) {
    return layers.stream()
        .filter(layer -> layer.verdict() == PolicyVerdict.NOT_PERMITTED)
        .anyMatch(
            layer ->
                layer.policies().stream()
                    .anyMatch(
                        line -> line.policy() == org.aigrid.core.policy.BoundPolicies.HOME_RULE));
  }

  private static String names(List<PolicyExplanation> layers, PolicyVerdict verdict) {
    return layers.stream()
        .filter(layer -> layer.verdict() == verdict)
        .flatMap(layer -> layer.decisive().stream())
        .map(ResidencyExplanation::name)
        .distinct()
        .collect(Collectors.joining(" and "));
  }

  private static String name(Policy policy) {
    String reason = policy.reason();
    String id =
        policy == org.aigrid.core.policy.BoundPolicies.HOME_RULE
            ? "the home rule"
            : "'" + policy.id() + "' (line " + policy.line() + ")";
    return reason == null ? id : id + ": \"" + reason + "\"";
  }

  private static String list(@Nullable List<String> names) {
    return names == null || names.isEmpty() ? "no jurisdiction" : String.join(", ", names);
  }
}
