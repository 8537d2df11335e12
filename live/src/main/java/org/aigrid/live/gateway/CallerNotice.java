package org.aigrid.live.gateway;

/// What a gateway answers to a notice of where a caller is.
public enum CallerNotice {
  /// It is taken.
  TAKEN,
  /// No session of that name has had a turn here lately.
  NO_SESSION,
  /// No site of that id.
  NO_SITE,
  /// Several tenants have a session of that name: say which.
  SEVERAL_TENANTS
}
