package org.aigrid.live.trace;

import java.util.List;

/// One request of a trace. Immutable.
///
/// @param atUs when it arrived, in microseconds after the trace's first row
/// @param inputTokens prompt tokens, 1 or more
/// @param outputTokens tokens of the answer, 0 or more
/// @param blocks ids of the prompt's blocks in order; equal ids at equal places mean an equal
///   prefix up to there. Empty when the trace does not say
/// @param blockTokens prompt tokens in a block (the last one may hold fewer); 0 without blocks
public record TraceRow(
    long atUs, int inputTokens, int outputTokens, List<Long> blocks, int blockTokens) {
  public TraceRow {
    if (atUs < 0 || inputTokens < 1 || outputTokens < 0 || blockTokens < 0) {
      throw new IllegalArgumentException(
          "trace row: atUs "
              + atUs
              + ", inputTokens "
              + inputTokens
              + ", outputTokens "
              + outputTokens
              + ", blockTokens "
              + blockTokens
              + " (expected: inputTokens 1 or more, the others 0 or more)");
    }
    blocks = List.copyOf(blocks);
  }

  /// The same request at another time.
  TraceRow at(long otherUs) {
    return new TraceRow(otherUs, inputTokens, outputTokens, blocks, blockTokens);
  }
}
