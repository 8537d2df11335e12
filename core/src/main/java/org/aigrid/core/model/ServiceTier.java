package org.aigrid.core.model;

/// How urgent a request is, from the most to the least; when something has to give way, the last
/// goes first.
///
/// Each class may use only a share of a bound: what it may not use is held back for the classes
/// above it, so that a peak is shed class by class, the least urgent first, and never all at once.
/// Of sequences a class has a fair part. Of waiting, what can come back has next to nothing: an
/// engine serves in the order of arrival, so whoever waits there makes the urgent wait, too.
public enum ServiceTier {
  /// Robots, voice: worthless when late.
  REALTIME(1, 1),
  /// Somebody reads along.
  INTERACTIVE(0.9, 0.9),
  /// What does not say.
  STANDARD(0.8, 0.8),
  /// Somebody waits for it, but not now.
  BACKGROUND(0.4, 0.02),
  /// What idle capacity does for researchers, students and startups; cut first.
  HARVEST(0.2, 0.005);

  private final double ceiling;
  private final double waitCeiling;

  ServiceTier(double ceiling, double waitCeiling) {
    this.ceiling = ceiling;
    this.waitCeiling = waitCeiling;
  }

  /// Share of a number of sequences that this class may take.
  public double ceiling() {
    return ceiling;
  }

  /// Of so many sequences, those that requests of this class may find taken and still begin: one at
  /// least where there is one.
  public int slots(int sequences) {
    return (int) Math.ceil(sequences * ceiling);
  }

  /// Share of the longest wait that this class puts up with.
  public double waitCeiling() {
    return waitCeiling;
  }

  /// Whether work of this class may be cut for work of the other.
  public boolean yieldsTo(ServiceTier other) {
    return ordinal() > other.ordinal();
  }
}
