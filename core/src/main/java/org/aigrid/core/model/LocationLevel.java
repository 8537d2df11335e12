package org.aigrid.core.model;

/// How well it is known where a site stands, from the weakest to the strongest. A site publishes
/// the level it can show evidence for and never more (`LocationClaim`).
///
/// In policies the levels are the numbers 1 to 3 (`resource.level >= 2`).
public enum LocationLevel {
  /// Its operator says so.
  L1,
  /// Measured by the network: round trips from at least three anchors, or cell ids.
  L2,
  /// Rooted in hardware: attested by a key that cannot leave the machine.
  L3;

  /// The level as a number from 1.
  public long number() {
    return ordinal() + 1L;
  }
}
