package org.aigrid.core.policy;

import java.util.List;
import java.util.Map;

/// One policy as written, before its types are checked.
///
/// @param scope the constraints of its head on principal, action and resource, in this order; those
///   that say nothing are left out
/// @param at index of `permit` or `forbid` in the text
record Draft(
    Effect effect,
    Map<String, String> annotations,
    List<Expression> scope,
    List<Clause> clauses,
    int at) {}
