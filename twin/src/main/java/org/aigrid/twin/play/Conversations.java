package org.aigrid.twin.play;

import java.util.Arrays;
import java.util.SplittableRandom;

/// The conversations of one service in one region that may still go on: the latest few thousand.
/// One thread.
final class Conversations {
  private static final int KEPT = 4_096;

  private final long[] ids = new long[KEPT];
  private final int[] sites = new int[KEPT];
  private final int[] endpoints = new int[KEPT];
  private final int[] tokens = new int[KEPT];
  private final long salt;
  private int count;
  private int next;

  Conversations(long salt) {
    this.salt = salt;
    Arrays.fill(endpoints, -1);
  }

  /// One that goes on, or -1 when there is none.
  int drawn(SplittableRandom random) {
    return count == 0 ? -1 : random.nextInt(count);
  }

  /// A new one, in the place of the oldest.
  int begun(int site) {
    int at = next;
    next = (next + 1) % KEPT;
    count = Math.max(count, at + 1);
    ids[at] = salt + ids[at] + KEPT;
    sites[at] = site;
    endpoints[at] = -1;
    tokens[at] = 0;
    return at;
  }

  long id(int at) {
    return ids[at] * 0x9E3779B97F4A7C15L + at;
  }

  int site(int at) {
    return sites[at];
  }

  /// Where it ran last, or -1.
  int endpoint(int at) {
    return endpoints[at];
  }

  /// Tokens of it that are cached there.
  int tokens(int at) {
    return tokens[at];
  }

  /// It has been sent to an endpoint.
  void went(int at, int site, int endpoint, int promptTokens) {
    tokens[at] = promptTokens;
    sites[at] = site;
    endpoints[at] = endpoint;
  }
}
