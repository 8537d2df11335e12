package org.aigrid.twin.burst;

import org.aigrid.twin.play.Policy;

/// A way to set up the same GPUs and to choose among them.
public enum Arm {
  /// All GPUs in one place behind a plain load balancer: of two drawn, the one with fewer requests.
  /// Nothing is refused.
  CENTRE("centre", "one place, shorter of two queues", Policy.HUB, true),
  /// All GPUs in one place, core's router before them.
  CENTRE_ROUTED("centre-routed", "one place, core's router", Policy.OURS, true),
  /// A GPU at each site for its own callers and nobody else. Nothing is refused.
  SITES_ALONE("sites-alone", "each site alone", Policy.NEAREST, false),
  /// A GPU at each site, core's router before them: a request may go to a neighbour.
  SITES_POOLED("sites-pooled", "sites pooled by core's router", Policy.OURS, false);

  private final String key;
  private final String title;
  private final Policy policy;
  private final boolean central;

  Arm(String key, String title, Policy policy, boolean central) {
    this.key = key;
    this.title = title;
    this.policy = policy;
    this.central = central;
  }

  /// For programs.
  public String key() {
    return key;
  }

  /// For people.
  public String title() {
    return title;
  }

  Policy policy() {
    return policy;
  }

  /// Whether its round trip is the one that is swept.
  public boolean central() {
    return central;
  }
}
