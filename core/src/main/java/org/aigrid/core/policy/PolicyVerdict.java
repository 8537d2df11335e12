package org.aigrid.core.policy;

/// What a set of policies says of one action at one site.
public enum PolicyVerdict {
  /// A permit applies and no forbid does.
  PERMITTED,
  /// A forbid applies.
  FORBIDDEN,
  /// A forbid could not be evaluated, so it may well have applied.
  FORBID_ERRED,
  /// No permit applies.
  NOT_PERMITTED;

  /// Whether it may happen.
  public boolean permitted() {
    return this == PERMITTED;
  }
}
