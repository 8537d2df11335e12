package org.aigrid.core.view;

/// What became of a heartbeat.
public sealed interface Applied {
  /// The lease now ends at `leaseEndMs`.
  record Accepted(int site, long leaseEndMs) implements Applied {}

  /// The site is not registered; it has to say who it is first.
  record UnknownSite(String siteId) implements Applied {}

  /// A newer heartbeat of the site was applied before: this one changes nothing.
  record Stale(int site, long lastSequence) implements Applied {}
}
