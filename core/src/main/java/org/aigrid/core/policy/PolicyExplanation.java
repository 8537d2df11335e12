package org.aigrid.core.policy;

import java.util.List;

/// Why a set of policies says what it says. For people; not for the path of a request.
///
/// @param verdict the answer
/// @param decisive the policies that made it: the permits that apply, or the forbids that apply or
///   err; empty when no permit applies
/// @param erring policies that could not be evaluated
/// @param policies every policy of the set with its outcome, in the order of the text
public record PolicyExplanation(
    PolicyVerdict verdict, List<Policy> decisive, List<Policy> erring, List<Line> policies) {
  public PolicyExplanation {
    decisive = List.copyOf(decisive);
    erring = List.copyOf(erring);
    policies = List.copyOf(policies);
  }

  /// One policy and what it says.
  public record Line(Policy policy, Outcome outcome) {}
}
