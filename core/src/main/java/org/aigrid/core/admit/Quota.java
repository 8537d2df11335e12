package org.aigrid.core.admit;

import org.aigrid.core.admit.Admission.Allowance;

/// The limits of one key, project or tenant, and what is used of them now. Not thread-safe; some
/// nanoseconds a call.
///
/// A request has to enter all the quotas above it or none (`enter`), and leaves each of them once.
public final class Quota {
  private static final long SECOND_MS = 1_000;
  private static final Allowance NOTHING_LIMITED =
      new Allowance(RateLimiter.UNLIMITED, RateLimiter.UNLIMITED, 0, 0);

  /// May a request enter?
  public sealed interface Entry {
    /// It has entered every quota.
    ///
    /// @param tightest what is left, of the quota that has the fewest tokens left
    record Entered(Allowance tightest) implements Entry {}

    /// It has entered none.
    ///
    /// @param scope index, in the array that was given, of the quota that refused
    /// @param retryAfterMs when the same request would enter that quota; 0 when nobody knows
    ///   (`CONCURRENT`); -1 for never (`TOO_LARGE`)
    record Refused(int scope, Limit limit, long retryAfterMs, Allowance left) implements Entry {}
  }

  /// Which limit was hit.
  public enum Limit {
    REQUESTS_PER_SECOND,
    REQUESTS_PER_MINUTE,
    TOKENS_PER_MINUTE,
    CONCURRENT,
    /// More tokens than a minute ever allows.
    TOO_LARGE
  }

  private Limits limits;
  private RateLimiter rates;
  private long secondShares; // a request is SECOND_MS shares
  private long filledAtMs;
  private long underWay;

  public Quota(Limits limits, long nowMs) {
    this.limits = limits;
    rates = new RateLimiter(limits.requestsPerMinute(), limits.tokensPerMinute(), nowMs);
    secondShares = limits.requestsPerSecond() * SECOND_MS;
    filledAtMs = nowMs;
  }

  /// Enters all of them, or none.
  ///
  /// @param quotas of the key, its project and its tenant, in the order in which they should refuse
  public static Entry enter(Quota[] quotas, long tokens, long nowMs) {
    Allowance tightest = NOTHING_LIMITED;
    for (int i = 0; i < quotas.length; i++) {
      Entry answer = quotas[i].enter(tokens, nowMs);
      if (answer instanceof Entry.Refused(int _, Limit limit, long retryAfterMs, Allowance left)) {
        for (int entered = 0; entered < i; entered++) {
          quotas[entered].undo(tokens);
        }
        return new Entry.Refused(i, limit, retryAfterMs, left);
      }
      if (answer instanceof Entry.Entered(Allowance left) && left.tokens() < tightest.tokens()) {
        tightest = left;
      }
    }
    return new Entry.Entered(tightest);
  }

  private Entry enter(long tokens, long nowMs) {
    fill(nowMs);
    if (underWay >= limits.concurrentMax()) {
      return new Entry.Refused(0, Limit.CONCURRENT, 0, rates.left(nowMs));
    }
    if (secondShares < SECOND_MS) {
      return new Entry.Refused(
          0,
          Limit.REQUESTS_PER_SECOND,
          Math.ceilDiv(SECOND_MS - secondShares, limits.requestsPerSecond()),
          rates.left(nowMs));
    }
    return switch (rates.admit(tokens, nowMs)) {
      case Admission.Admitted(Allowance left) -> {
        secondShares -= SECOND_MS;
        underWay++;
        yield new Entry.Entered(left);
      }
      case Admission.Limited(Admission.Limit limit, long retryAfterMs, Allowance left) ->
          new Entry.Refused(
              0,
              limit == Admission.Limit.TOKENS_PER_MINUTE
                  ? Limit.TOKENS_PER_MINUTE
                  : Limit.REQUESTS_PER_MINUTE,
              retryAfterMs,
              left);
      case Admission.TooLarge(long _, Allowance left) ->
          new Entry.Refused(0, Limit.TOO_LARGE, -1, left);
    };
  }

  private void undo(long tokens) {
    rates.refund(tokens);
    secondShares = Math.min(limits.requestsPerSecond() * SECOND_MS, secondShares + SECOND_MS);
    underWay--;
  }

  /// A request that had entered is over: it was charged `estimated` tokens and used `used`.
  public void leave(long estimated, long used) {
    rates.settle(estimated, used);
    underWay = Math.max(0, underWay - 1);
  }

  /// Other limits from now on; what is under way stays counted. Buckets begin full when their
  /// limits change, and stay as they are when they do not.
  public void change(Limits fresh, long nowMs) {
    if (fresh.equals(limits)) {
      return;
    }
    rates = new RateLimiter(fresh.requestsPerMinute(), fresh.tokensPerMinute(), nowMs);
    secondShares = fresh.requestsPerSecond() * SECOND_MS;
    filledAtMs = nowMs;
    limits = fresh;
  }

  public Limits limits() {
    return limits;
  }

  /// Requests under way.
  public long underWay() {
    return underWay;
  }

  private void fill(long nowMs) {
    long passedMs = Math.clamp(nowMs - filledAtMs, 0, SECOND_MS);
    filledAtMs = Math.max(filledAtMs, nowMs);
    secondShares =
        Math.min(
            limits.requestsPerSecond() * SECOND_MS,
            secondShares + passedMs * limits.requestsPerSecond());
  }
}
