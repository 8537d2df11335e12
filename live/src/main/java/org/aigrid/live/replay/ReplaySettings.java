package org.aigrid.live.replay;

import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How a trace is sent. Immutable.
///
/// @param url the grid's base, such as `http://127.0.0.1:8080`, with or without `/v1`
/// @param key API key, or null to send none
/// @param model what requests ask for
/// @param speed trace seconds a real second
/// @param rowsMax rows to send at most
/// @param inFlightMax requests under way at most; at the bound the next one waits, and its wait
///   counts as latency
/// @param requestTimeoutMs after this long without an end a request has failed
/// @param connectTimeoutMs after this long without a connection a request has failed
/// @param drainTimeoutMs how long the last requests may take after the last one was sent
/// @param seed of the prompts' text
/// @param cells ids of the cells that callers stand in, by turns; empty to say nothing about it
public record ReplaySettings(
    URI url,
    @Nullable String key,
    String model,
    double speed,
    long rowsMax,
    int inFlightMax,
    int requestTimeoutMs,
    int connectTimeoutMs,
    int drainTimeoutMs,
    long seed,
    List<String> cells) {
  public ReplaySettings {
    if (!(speed > 0) || Double.isInfinite(speed)) {
      throw new IllegalArgumentException("speed: " + speed + " (expected: above 0)");
    }
    if (rowsMax < 1
        || inFlightMax < 1
        || requestTimeoutMs < 1
        || connectTimeoutMs < 1
        || drainTimeoutMs < 1) {
      throw new IllegalArgumentException(
          "replay settings: rowsMax "
              + rowsMax
              + ", inFlightMax "
              + inFlightMax
              + ", requestTimeoutMs "
              + requestTimeoutMs
              + ", connectTimeoutMs "
              + connectTimeoutMs
              + ", drainTimeoutMs "
              + drainTimeoutMs
              + " (expected: 1 or more each)");
    }
    cells = List.copyOf(cells);
  }
}
