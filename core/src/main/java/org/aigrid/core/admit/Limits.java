package org.aigrid.core.admit;

/// How much a key, a project or a tenant may ask for. `RateLimiter.UNLIMITED` where there is no
/// limit. Immutable.
///
/// @param requestsPerSecond 1 or more; a burst is one second's worth
/// @param requestsPerMinute 1 or more; a burst is one minute's worth
/// @param tokensPerMinute 1 or more, prompt and output; a burst is one minute's worth
/// @param concurrentMax requests under way at one time, 1 or more
public record Limits(
    long requestsPerSecond, long requestsPerMinute, long tokensPerMinute, long concurrentMax) {
  public static final Limits NONE =
      new Limits(
          RateLimiter.UNLIMITED,
          RateLimiter.UNLIMITED,
          RateLimiter.UNLIMITED,
          RateLimiter.UNLIMITED);

  public Limits {
    if (requestsPerSecond < 1
        || requestsPerMinute < 1
        || tokensPerMinute < 1
        || concurrentMax < 1) {
      throw new IllegalArgumentException(
          "limits "
              + requestsPerSecond
              + "/s, "
              + requestsPerMinute
              + "/min, "
              + tokensPerMinute
              + " tokens/min, "
              + concurrentMax
              + " at a time (expected: 1 or more each; leave a limit out for none)");
    }
  }
}
