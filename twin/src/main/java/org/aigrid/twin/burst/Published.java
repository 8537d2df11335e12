package org.aigrid.twin.burst;

/// The benchmark that this experiment is shaped after: a voice model on 4 GPUs in one place and on
/// 1 at each of 4 sites, published by a cable operator in 2026. Printed there: 42,362 tokens/s of
/// the sites in a burst, +80.9 % over their own baseline; cost of a token 52.8 % and 76.1 % below
/// the centre's. The rest is derived from these, with equal cost of the hardware. Not published:
/// model size, lengths, arrivals, round trips, engine.
public final class Published {
  /// Tokens/s within 500 ms of the sites, at the baseline.
  public static final double SITES_BASELINE = 23_417;

  /// Tokens/s within 500 ms of the sites, in the burst.
  public static final double SITES_BURST = 42_362;

  /// Tokens/s within 500 ms of the centre, at the baseline.
  public static final double CENTRE_BASELINE = 11_053;

  /// Tokens/s within 500 ms of the centre, in the burst.
  public static final double CENTRE_BURST = 10_125;

  /// How much more was asked in the burst, if the sites served all of it both times.
  public static final double BURST_FACTOR = SITES_BURST / SITES_BASELINE;

  /// Sites over centre at the baseline.
  public static final double BASELINE_RATIO = SITES_BASELINE / CENTRE_BASELINE;

  /// Sites over centre in the burst.
  public static final double BURST_RATIO = SITES_BURST / CENTRE_BURST;

  private Published() {}
}
