package org.aigrid.twin.slots;

import java.util.SplittableRandom;

/// What a base station's radio wants of its GPU, slot by slot: a slow level that wanders, bursts of
/// heavy-tailed length that take most of the GPU at once, and noise from slot to slot. Measured
/// cells are like that: idle on average, with rare, steep excursions an order of magnitude above
/// the mean. Deterministic by its seed; not thread-safe.
public final class RadioSlots {
  private static final double LEVEL_DEVIATION = 0.6; // of its logarithm
  private static final double LEVEL_FORGET_S = 20;
  private static final double BURST_S_MEDIAN = 0.25;
  private static final double BURST_DEVIATION = 1.0; // of its logarithm
  private static final double SLOT_NOISE = 0.1;

  private final RadioSettings settings;
  private final SplittableRandom random;
  private final double keep;
  private final double push;
  private double level; // logarithm, around 0
  private double burst;
  private long burstEndsAt;
  private long nextBurstAt;
  private long slot;

  RadioSlots(RadioSettings settings, long seed) {
    this.settings = settings;
    random = new SplittableRandom(seed);
    keep = Math.exp(-settings.slotMs() / (1_000 * LEVEL_FORGET_S));
    push = LEVEL_DEVIATION * Math.sqrt(1 - keep * keep);
    nextBurstAt = gapSlots();
  }

  private long gapSlots() {
    double slots = random.nextExponential() * settings.burstEveryS() * 1_000 / settings.slotMs();
    return slot + 1 + (long) slots;
  }

  /// The share of the GPU that the next slot's work takes, 0 to 1.
  double next() {
    if (slot >= nextBurstAt && slot >= burstEndsAt) {
      double seconds = BURST_S_MEDIAN * Math.exp(BURST_DEVIATION * random.nextGaussian());
      burstEndsAt = slot + (long) (seconds * 1_000 / settings.slotMs());
      burst = random.nextDouble(settings.burstLeast(), 1);
      nextBurstAt = burstEndsAt + gapSlots() - slot;
    } else if (slot >= burstEndsAt) {
      burst = 0;
    }
    level = keep * level + push * random.nextGaussian();
    slot++;
    double quiet = settings.idleShare() + settings.meanShare() * Math.exp(level);
    double noise = 1 + SLOT_NOISE * random.nextGaussian();
    return Math.clamp(Math.max(quiet, burst) * noise, 0, 1);
  }
}
