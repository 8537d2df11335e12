package org.aigrid.live.trace;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/// A trace whose clock is coarse, with the rows of one tick spread evenly over it.
///
/// Some published traces round arrival times to seconds. Sent as they stand they are bursts that
/// never happened, and every router looks bad. Holds the rows of one tick. One thread.
final class Spread implements TraceReader {
  /// Rows of one tick that are held; more go out as one group.
  static final int GROUP_MAX = 1 << 20;

  private final TraceReader inner;
  private final long quantumUs;
  private final Deque<TraceRow> ready = new ArrayDeque<>();
  private @Nullable TraceRow ahead;

  Spread(TraceReader inner, long quantumUs) {
    this.inner = inner;
    this.quantumUs = quantumUs;
  }

  @Override
  public @Nullable TraceRow next() throws IOException, TraceException {
    if (ready.isEmpty()) {
      fill();
    }
    return ready.poll();
  }

  private void fill() throws IOException, TraceException {
    TraceRow first = ahead != null ? ahead : inner.next();
    ahead = null;
    if (first == null) {
      return;
    }
    var group = new ArrayDeque<TraceRow>();
    group.add(first);
    while (group.size() < GROUP_MAX) {
      TraceRow row = inner.next();
      if (row == null || row.atUs() != first.atUs()) {
        ahead = row;
        break;
      }
      group.add(row);
    }
    int size = group.size();
    for (int i = 0; i < size; i++) {
      ready.add(group.remove().at(first.atUs() + i * quantumUs / size));
    }
  }

  @Override
  public void close() throws IOException {
    inner.close();
  }
}
