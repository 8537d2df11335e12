package org.aigrid.core.policy;

/// What one policy says of one action at one site.
public enum Outcome {
  /// Its scope and its conditions hold.
  APPLIES,
  /// They do not hold.
  DOES_NOT_APPLY,
  /// Something it asks for is missing. A permit counts as not applying, a forbid as applying.
  ERRS
}
