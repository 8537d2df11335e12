package org.aigrid.core.view;

/// What a site takes at the moment.
public enum AdmissionState {
  /// New requests and those under way.
  NEW_AND_EXISTING,
  /// Draining: finishes what runs, takes nothing new.
  EXISTING_ONLY,
  /// Nothing: the radio holds everything, or the site is shut.
  NONE
}
