package org.aigrid.twin.residency;

import org.jspecify.annotations.Nullable;

/// A mistake that a gateway or its sites can be played with, to see that it is found.
public enum Slip {
  /// None: nothing may be found.
  NONE(null),
  /// The gateway asks the policies for nothing on the first attempt.
  UNCHECKED_FIRST(WorkPath.FIRST),
  /// Nor on a retry.
  UNCHECKED_RETRY(WorkPath.RETRY),
  /// Nor when a place has become free for one that waited.
  UNCHECKED_WAITED(WorkPath.WAITED),
  /// Nor on a hedge.
  UNCHECKED_HEDGE(WorkPath.HEDGE),
  /// Nor when a stream has lost its site.
  UNCHECKED_FAILOVER(WorkPath.FAILOVER),
  /// Nor when its caller has moved.
  UNCHECKED_HANDOVER(WorkPath.HANDOVER),
  /// Nor on a pre-warm.
  UNCHECKED_PREWARM(WorkPath.PREWARM),
  /// A request keeps the policies that held when it came.
  OLD_POLICY(null),
  /// What the request itself narrowed is forgotten after its first attempt.
  NARROWING_FORGOTTEN(null),
  /// A prompt is computed ahead by the rules of answering one.
  PREWARM_AS_INFER(null),
  /// The sites do not ask their own policies but do what gateways order.
  SITES_TRUST(null);

  private final @Nullable WorkPath unchecked;

  Slip(@Nullable WorkPath unchecked) {
    this.unchecked = unchecked;
  }

  /// Whether the gateway asks the policies for nothing on that path.
  boolean leavesUnchecked(WorkPath path) {
    return path == unchecked;
  }
}
