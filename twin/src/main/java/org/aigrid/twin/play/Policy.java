package org.aigrid.twin.play;

/// Who decides where a request runs. All see the same reports, as stale as each other, and count
/// what they sent themselves.
public enum Policy {
  /// The router of `core`, as the live grid runs it.
  OURS("ours: core's router"),
  /// The caller's own base station.
  NEAREST("nearest only"),
  /// The hub.
  HUB("everything to the hub"),
  /// The candidate with the least requests for each place, among the caller's cell, its neighbours,
  /// the regional centre and the hub.
  LEAST_IN_FLIGHT("least in flight"),
  /// The less loaded of two endpoints drawn from the whole country.
  TWO_CHOICES("power of two choices"),
  /// All endpoints in turn.
  ROUND_ROBIN("round robin");

  private final String title;

  Policy(String title) {
    this.title = title;
  }

  /// For people.
  public String title() {
    return title;
  }
}
