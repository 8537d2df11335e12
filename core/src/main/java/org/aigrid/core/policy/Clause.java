package org.aigrid.core.policy;

/// `when { ... }`, or `unless { ... }`.
record Clause(boolean when, Expression condition) {}
