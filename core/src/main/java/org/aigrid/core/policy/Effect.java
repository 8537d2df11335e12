package org.aigrid.core.policy;

/// What a policy does where it applies.
public enum Effect {
  /// Lets it happen, unless a forbid applies, too.
  PERMIT,
  /// Forbids it, whatever is permitted besides.
  FORBID
}
