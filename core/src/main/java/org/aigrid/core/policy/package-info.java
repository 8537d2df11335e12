/// The language in which a tenant, a project or the operator says where work may run, and its
/// compiler: a typed subset of Cedar.
///
/// Starting points: [PolicySet#compile] turns text into a [PolicySet] or into mistakes with their
/// line and column; [PolicySet#bind] turns that into what concerns one [Principal]; and
/// [BoundPolicies#decide] answers for one site, without allocating. The language is described in
/// `docs/policy.md`. Semantics are Cedar's (default deny, a forbid overrides every permit), except
/// that a forbid whose condition cannot be evaluated denies, where Cedar would skip it.
@NullMarked
package org.aigrid.core.policy;

import org.jspecify.annotations.NullMarked;
