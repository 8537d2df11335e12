package org.aigrid.core.residency;

/// Whether something may happen at a site, and if not, what was the first to say so. The order is
/// that of the checks.
public enum ResidencyVerdict {
  /// Every layer of policies, the key and the request agree.
  PERMITTED,
  /// Nobody knows the site, or something about it is missing.
  SITE_UNKNOWN,
  /// The key is bound to other jurisdictions.
  OUTSIDE_KEY,
  /// The request narrowed itself to other jurisdictions.
  OUTSIDE_REQUEST,
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
