package org.aigrid.core.admit;

import org.aigrid.core.admit.Admission.Allowance;
import org.aigrid.core.admit.Admission.Limit;

/// Two token buckets of one key: requests and model tokens per minute. Each holds a minute's worth
/// and fills evenly, so a key may burst to a full minute and then gets its rate.
///
/// A request is charged its estimate on admission (prompt plus the most it may generate); `settle`
/// gives back what it did not use. Counted in whole sixty-thousandths, no floating point, no drift.
/// Not thread-safe. A few nanoseconds a call.
public final class RateLimiter {
  /// A limit that is not set.
  public static final long UNLIMITED = Long.MAX_VALUE / 1_000_000;

  private static final long MINUTE_MS = 60_000;

  private final long requestsPerMinute;
  private final long tokensPerMinute;
  private long requestShares; // a request is MINUTE_MS shares
  private long tokenShares;
  private long filledAtMs;

  /// Both buckets begin full.
  public RateLimiter(long requestsPerMinute, long tokensPerMinute, long nowMs) {
    if (requestsPerMinute < 1 || tokensPerMinute < 1) {
      throw new IllegalArgumentException(
          "requestsPerMinute "
              + requestsPerMinute
              + ", tokensPerMinute "
              + tokensPerMinute
              + " (expected: 1 or more each; leave a limit out for none)");
    }
    this.requestsPerMinute = Math.min(requestsPerMinute, UNLIMITED);
    this.tokensPerMinute = Math.min(tokensPerMinute, UNLIMITED);
    requestShares = this.requestsPerMinute * MINUTE_MS;
    tokenShares = this.tokensPerMinute * MINUTE_MS;
    filledAtMs = nowMs;
  }

  /// Admits one request of `tokens`, or says when to come back.
  public Admission admit(long tokens, long nowMs) {
    fill(nowMs);
    if (tokens < 0) {
      throw new IllegalArgumentException("tokens: " + tokens + " (expected: 0 or more)");
    }
    if (tokens > tokensPerMinute) {
      return new Admission.TooLarge(tokensPerMinute, left());
    }
    if (requestShares < MINUTE_MS) {
      return new Admission.Limited(
          Limit.REQUESTS_PER_MINUTE, ceilDiv(MINUTE_MS - requestShares, requestsPerMinute), left());
    }
    long cost = tokens * MINUTE_MS;
    if (tokenShares < cost) {
      return new Admission.Limited(
          Limit.TOKENS_PER_MINUTE, ceilDiv(cost - tokenShares, tokensPerMinute), left());
    }
    requestShares -= MINUTE_MS;
    tokenShares -= cost;
    return new Admission.Admitted(left());
  }

  private Allowance left() {
    return new Allowance(
        requestShares / MINUTE_MS,
        Math.max(0, tokenShares / MINUTE_MS),
        ceilDiv(requestsPerMinute * MINUTE_MS - requestShares, requestsPerMinute),
        ceilDiv(tokensPerMinute * MINUTE_MS - tokenShares, tokensPerMinute));
  }

  /// Corrects the charge of an admitted request: `estimated` tokens were charged, `used` were
  /// needed. What was used beyond the estimate is a debt of at most one minute's worth, so that a
  /// wrong figure cannot shut a key out for longer.
  public void settle(long estimated, long used) {
    long full = tokensPerMinute * MINUTE_MS;
    long back = (Math.clamp(estimated, 0, UNLIMITED) - Math.clamp(used, 0, UNLIMITED)) * MINUTE_MS;
    tokenShares = Math.clamp(tokenShares + back, -full, full);
  }

  /// Takes an admission back as if it had not been asked for.
  public void refund(long tokens) {
    requestShares = Math.min(requestsPerMinute * MINUTE_MS, requestShares + MINUTE_MS);
    settle(tokens, 0);
  }

  /// What would be admitted now.
  public Allowance left(long nowMs) {
    fill(nowMs);
    return left();
  }

  public long requestsPerMinute() {
    return requestsPerMinute;
  }

  public long tokensPerMinute() {
    return tokensPerMinute;
  }

  private void fill(long nowMs) {
    long passedMs = Math.clamp(nowMs - filledAtMs, 0, MINUTE_MS);
    filledAtMs = Math.max(filledAtMs, nowMs);
    requestShares =
        Math.min(requestsPerMinute * MINUTE_MS, requestShares + passedMs * requestsPerMinute);
    tokenShares = Math.min(tokensPerMinute * MINUTE_MS, tokenShares + passedMs * tokensPerMinute);
  }

  private static long ceilDiv(long value, long by) {
    return Math.ceilDiv(value, by);
  }
}
