package org.aigrid.bench.twin;

import java.util.SplittableRandom;

/// Servers that share themselves among their requests, Poisson arrivals, exponential work: M/M/1
/// with processor sharing at each, so the mean time inside is known: mean work / (1 - load).
/// Immutable.
///
/// @param servers how many
/// @param arrivalS when each request is sent, rising
/// @param workS of each, alone on its server
/// @param server of each
record ToyWorkload(int servers, double[] arrivalS, double[] workS, int[] server) {
  static final double LOAD = 0.7;
  static final double MEAN_WORK_S = 10;

  static ToyWorkload of(int servers, int requests, long seed) {
    var random = new SplittableRandom(seed);
    double[] arrivalS = new double[requests];
    double[] workS = new double[requests];
    int[] server = new int[requests];
    double at = 0;
    for (int i = 0; i < requests; i++) {
      at += random.nextExponential() * MEAN_WORK_S / (LOAD * servers);
      arrivalS[i] = at;
      workS[i] = random.nextExponential() * MEAN_WORK_S;
      server[i] = random.nextInt(servers);
    }
    return new ToyWorkload(servers, arrivalS, workS, server);
  }

  int requests() {
    return arrivalS.length;
  }

  /// What playing it came to.
  ///
  /// @param seconds of real time
  /// @param meanInsideS mean time from arrival to end, virtual
  record Played(double seconds, double meanInsideS) {}
}
