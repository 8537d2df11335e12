package org.aigrid.core.model;

/// How urgent a request is, from the most to the least; when something has to give way, the last
/// goes first.
///
/// Each class may use only a share of a bound (a wait, a budget of sequences): what it may not use
/// is held back for the classes above it, so that a peak is shed class by class, the least urgent
/// first, and never all at once.
public enum ServiceTier {
  /// Robots, voice: worthless when late.
  REALTIME(1),
  /// Somebody reads along.
  INTERACTIVE(0.9),
  /// What does not say.
  STANDARD(0.8),
  /// Somebody waits for it, but not now.
  BACKGROUND(0.4),
  /// What idle capacity does for researchers, students and startups; cut first.
  HARVEST(0.2);

  private final double ceiling;

  ServiceTier(double ceiling) {
    this.ceiling = ceiling;
  }

  /// Share of a bound that this class may use.
  public double ceiling() {
    return ceiling;
  }

  /// Whether work of this class may be cut for work of the other.
  public boolean yieldsTo(ServiceTier other) {
    return ordinal() > other.ordinal();
  }
}
