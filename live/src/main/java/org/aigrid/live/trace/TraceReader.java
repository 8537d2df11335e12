package org.aigrid.live.trace;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// The rows of one trace in the order of their arrival. Reads as it goes, so that a file may be
/// larger than memory. One thread.
public interface TraceReader extends AutoCloseable {
  /// The next row, or null at the end. After a `TraceException` the reader stands behind the bad
  /// row, and may be asked for the next one.
  @Nullable TraceRow next() throws IOException, TraceException;

  @Override
  void close() throws IOException;
}
