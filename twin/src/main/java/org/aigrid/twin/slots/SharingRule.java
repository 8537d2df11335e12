package org.aigrid.twin.slots;

/// How radio and AI share a GPU.
///
/// @param name for people
/// @param order who runs next
/// @param pieces into how many a step of AI is cut; nothing interrupts a piece
/// @param signalAgeMs how old the radio's demand is when the governor hears of it
/// @param fixedShare of AI; negative for what the governor decides
public record SharingRule(
    String name, Order order, int pieces, int signalAgeMs, double fixedShare) {
  /// Who runs next when the GPU is free.
  public enum Order {
    /// The radio; AI when a radio job that comes meanwhile would still be in time (`RadioGuard`).
    GUARD,
    /// The radio; AI when no radio job waits.
    RADIO_FIRST,
    /// AI whenever its share has time left.
    SHARE
  }

  private static final int LAYERS = 32;

  /// The grid's own: a guard beside the GPU, pieces of a layer, a governor that hears at once.
  public static final SharingRule OURS = new SharingRule("guard", Order.GUARD, LAYERS, 0, -1);

  /// The same with a governor that hears a second late.
  public static final SharingRule OURS_SECOND_OLD =
      new SharingRule("guard, governor 1 s late", Order.GUARD, LAYERS, 1_000, -1);

  /// Radio first, AI in pieces of a layer, no guard.
  public static final SharingRule LAYERS_ONLY =
      new SharingRule("radio first, layers", Order.RADIO_FIRST, LAYERS, 0, -1);

  /// Radio first, AI in whole steps.
  public static final SharingRule STEPS_ONLY =
      new SharingRule("radio first, whole steps", Order.RADIO_FIRST, 1, 0, -1);

  /// AI's share follows the load at once.
  public static final SharingRule FOLLOWING =
      new SharingRule("share follows load", Order.SHARE, LAYERS, 0, -1);

  /// AI's share follows the load a second late.
  public static final SharingRule FOLLOWING_SECOND_OLD =
      new SharingRule("share follows load, 1 s late", Order.SHARE, LAYERS, 1_000, -1);

  /// A share of the GPU that never changes.
  public static SharingRule fixed(double share) {
    return new SharingRule(
        "fixed " + Math.round(100 * share) + " %", Order.SHARE, LAYERS, 0, share);
  }

  boolean guarded() {
    return order == Order.GUARD;
  }
}
