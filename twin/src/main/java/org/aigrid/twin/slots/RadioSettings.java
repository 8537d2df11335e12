package org.aigrid.twin.slots;

/// A radio at the grain of slots. Immutable.
///
/// @param slotMs a slot: 0.5 ms at a subcarrier spacing of 30 kHz (3GPP TS 38.211)
/// @param deadlineMs within which a slot's work has to be done after the slot began
/// @param idleShare of the GPU that an empty slot takes
/// @param meanShare that traffic takes on top, outside bursts, about
/// @param burstEveryS mean pause between two bursts
/// @param burstLeast share that the smallest burst takes; the largest takes all
public record RadioSettings(
    double slotMs,
    double deadlineMs,
    double idleShare,
    double meanShare,
    double burstEveryS,
    double burstLeast) {
  public static final RadioSettings DEFAULT = new RadioSettings(0.5, 1, 0.05, 0.15, 3, 0.5);

  public RadioSettings {
    if (!(slotMs > 0 && deadlineMs >= slotMs)
        || !(idleShare >= 0 && meanShare >= 0 && idleShare + meanShare <= 1)
        || !(burstEveryS > 0)
        || !(burstLeast >= 0 && burstLeast < 1)) {
      throw new IllegalArgumentException(
          "radio slots: slotMs "
              + slotMs
              + ", deadlineMs "
              + deadlineMs
              + ", idleShare "
              + idleShare
              + ", meanShare "
              + meanShare
              + ", burstEveryS "
              + burstEveryS
              + ", burstLeast "
              + burstLeast
              + " (expected: a deadline of at least a slot, shares of at most 1 together, a pause"
              + " above 0)");
    }
  }
}
