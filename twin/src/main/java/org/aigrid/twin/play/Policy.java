package org.aigrid.twin.play;

/// Who decides where a request runs. All see the same reports, as stale as each other, and count
/// what they sent themselves.
public enum Policy {
  /// The router of `core`, as the live grid runs it.
  OURS("ours", "ours: core's router"),
  /// The caller's own base station, else the regional centre, else the hub: the first that serves
  /// the model.
  NEAREST("nearest", "nearest only"),
  /// The hub that is nearest.
  HUB("hub", "everything to the hub"),
  /// The candidate with the least requests for each place, among the caller's cell, its neighbours,
  /// the regional centre and the hubs.
  LEAST_IN_FLIGHT("least-in-flight", "least in flight"),
  /// The less loaded of two endpoints drawn from the whole country.
  TWO_CHOICES("two-choices", "power of two choices"),
  /// Where the conversation ran before, else the nearest, while it has room; else the less loaded
  /// of two.
  STICKY("sticky", "sticky until saturated"),
  /// One endpoint of the country after the other.
  ROUND_ROBIN("round-robin", "round robin");

  private final String key;
  private final String title;

  Policy(String key, String title) {
    this.key = key;
    this.title = title;
  }

  /// As scenario files and options name it.
  public String key() {
    return key;
  }

  /// For people.
  public String title() {
    return title;
  }

  /// The policy of a key, or an `IllegalArgumentException` that names all.
  public static Policy ofKey(String key) {
    var keys = new StringBuilder();
    for (Policy policy : values()) {
      if (policy.key.equals(key)) {
        return policy;
      }
      keys.append(keys.isEmpty() ? "" : ", ").append(policy.key);
    }
    throw new IllegalArgumentException("policy '" + key + "' (expected: one of " + keys + ")");
  }
}
