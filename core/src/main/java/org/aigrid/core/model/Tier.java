package org.aigrid.core.model;

/// How deep in the network a site stands. The order is from the centre outwards.
public enum Tier {
  /// The AI factory: large, far, holds every model of its jurisdiction.
  HUB,
  /// A regional data centre, between hub and base stations.
  REGIONAL,
  /// A base station whose GPU also serves the radio.
  CELL
}
